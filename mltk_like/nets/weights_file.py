"""`.keras` and `.weights.h5` files as data: nothing in them may point out of the file or claim what it does not hold.

HDF5 can take the content of a data set from any other file of the machine, and make terabytes out of a fill value.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mltk_like.errors import ModelError, one_line
from mltk_like.limits import RATIO_FREE_BYTES, check
from mltk_like.opening import open_archive, read_file, read_json

WEIGHTS = "model.weights.h5"
"""The member of a `.keras` file that has the weights."""
_CONFIG = "config.json"
# Keras unpacks every other member into a folder, for layers that no microcontroller has.
_MEMBERS = {WEIGHTS, _CONFIG, "metadata.json"}


@contextmanager
def open_weights(path: Path) -> Iterator[Any]:
    """The HDF5 file of a `.keras` or `.weights.h5` file, checked.

    Raises:
        ModelError: it points out of itself, or is beyond a limit.
        Exception: whatever h5py says of a damaged file.
    """
    import h5py

    with h5py.File(io.BytesIO(weights_of(path)), "r") as file:
        _check_inside(file, path)
        yield file


def weights_of(path: Path) -> bytes:
    """The content of the `.weights.h5` in a `.keras` file, or of such a file. Raises ModelError; it is not checked."""
    content = read_file(path, "net")  # before anything else: a pipe would be waited for
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with open_archive(content, path.name) as archive:
        data = archive.read(WEIGHTS)
    if data is None:
        raise ModelError(f"{path.name} holds no {WEIGHTS}", "give a .keras or .weights.h5 file of Keras 3")
    return data


def check_net_file(path: Path) -> dict[str, Any]:
    """Check a `.keras` file before Keras reads it; returns what its `config.json` says.

    Raises:
        ModelError: it is damaged, has other members than Keras writes for a net, points out of itself, or is beyond a
            limit.
    """
    try:
        with open_archive(path, path.name) as archive:
            others = sorted({info.filename for info in archive.members} - _MEMBERS)
            if others:
                raise _refused(path, f"it holds {others[0]!r}, which no net needs")
            config = read_json(archive.read(_CONFIG) or b"", f"{_CONFIG} in {path.name}")
        if not isinstance(config, dict):
            raise ModelError(f"{_CONFIG} in {path.name} is no JSON object", "it is damaged, or no .keras file")
        with open_weights(path):
            return config
    except ModelError as error:
        raise ModelError(f"cannot read the net {path.name}: {error.message}", error.hint) from error
    except Exception as error:  # h5py documents no errors for damaged files
        raise ModelError(f"cannot read the net {path.name}: {one_line(error)}", "it is damaged") from error


def _check_inside(file: Any, path: Path) -> None:
    """Every name is a hard link and every data set lies in the file, with as many bytes as it claims, or nearly."""
    import h5py

    groups, seen, objects, total = [file], set(), 0, 0
    while groups:
        group = groups.pop()
        for name in group:
            objects += 1
            check("objects", objects, f"{path.name} holds at least")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _refused(path, f"{group.name}/{name} is a link to another place")
            node = group[name]
            if isinstance(node, h5py.Dataset):
                total += _size(node, path)
                check("net", total, f"the weights in {path.name} claim")
            elif isinstance(node, h5py.Group):
                address = h5py.h5o.get_info(node.id).addr
                if address in seen:
                    raise _refused(path, f"{node.name} is there by two names")
                seen.add(address)
                groups.append(node)


def _size(node: Any, path: Path) -> int:
    """Bytes of a data set. Raises ModelError where they are not in the file."""
    if node.external or node.is_virtual:
        raise _refused(path, f"{node.name} takes its values from another file")
    if node.dtype.hasobject:
        raise _refused(path, f"{node.name} holds no numbers")
    size: int = math.prod(node.shape or (0,)) * node.dtype.itemsize
    if size > RATIO_FREE_BYTES:
        check("ratio", size // max(node.id.get_storage_size(), 1), f"{node.name} in {path.name} would grow")
    return size


def _refused(path: Path, cause: str) -> ModelError:
    return ModelError(f"refused to read {path.name}: {cause}", "it is damaged or hostile")

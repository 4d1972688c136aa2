"""Weights from a file into a net, by layer name and shape.

Keras 3 numbers layers by type and order when it saves, so that `load_weights(..., skip_mismatch=True)` into a net with
another topology puts wrong weights into layers that happen to have the same shape, and says nothing. The files do hold
the layers' names; this loader goes by those.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError, one_line
from mltk_like.nets.weights_file import open_weights


@dataclass(frozen=True, kw_only=True)
class WeightsReport:
    """What was carried from a file into a net.

    Attributes:
        loaded: names of layers that got the file's weights.
        mismatched: (name, reason) of layers that both have, with other shapes.
        missing: names of layers with weights that the file does not have; they keep their initial values.
        unused: names of the file's layers that the net does not have.
        frozen: names of the loaded layers that the training leaves as they are.
    """

    loaded: tuple[str, ...]
    mismatched: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    frozen: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line: how many layers were carried, frozen and not carried."""
        left = len(self.mismatched) + len(self.missing)
        return f"{len(self.loaded)} layers loaded ({len(self.frozen)} frozen), {left} left at their initial values"

    def __str__(self) -> str:
        rows = [("loaded", name, "frozen" if name in self.frozen else "") for name in self.loaded]
        rows += [("not loaded", name, reason) for name, reason in self.mismatched]
        rows += [("not in the file", name, "initial values kept") for name in self.missing]
        rows += [("not in the net", name, "ignored") for name in self.unused]
        return "\n".join(f"{what:<16} {name:<32} {reason}".rstrip() for what, name, reason in rows)

    def _repr_html_(self) -> str:
        """The table, for a notebook."""
        return f"<pre>{html.escape(f'{self}')}</pre>"


def load_weights(net: Any, path: Path) -> WeightsReport:
    """Copy a `.keras` or `.weights.h5` file's weights into the net's layers of the same name and shape.

    Args:
        net: a Keras model.
        path: the file; read as data, nothing in it is executed.

    Raises:
        ModelError: the file cannot be read, or no layer matched.
    """
    stored = read_weights(path)
    loaded, mismatched, missing = [], [], []
    layers = [layer for layer in net.layers if layer.weights]
    for layer in layers:
        arrays = stored.get(layer.name)
        shapes = [tuple(w.shape) for w in layer.weights]
        if arrays is None:
            missing.append(layer.name)
        elif [a.shape for a in arrays] != shapes:
            mismatched.append((layer.name, f"the file has {[a.shape for a in arrays]}, the net {shapes}"))
        else:
            layer.set_weights(arrays)
            loaded.append(layer.name)
    if not loaded:
        raise ModelError(f"no layer of {path} fits the net", "the layers must have the same names and shapes")
    unused = sorted(set(stored) - {layer.name for layer in layers})
    return WeightsReport(
        loaded=tuple(loaded), mismatched=tuple(mismatched), missing=tuple(missing), unused=tuple(unused)
    )


def freeze_layers(net: Any, report: WeightsReport, patterns: Sequence[str]) -> WeightsReport:
    """Freeze the layers that were loaded and match one of the patterns (as of file names); the report says which.

    Raises:
        ModelError: a pattern matches no layer that was loaded.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in report.loaded):
            raise ModelError(f"freeze={pattern!r} matches no layer that was loaded", "print the report for their names")
    frozen = tuple(name for name in report.loaded if any(fnmatchcase(name, pattern) for pattern in patterns))
    for name in frozen:
        net.get_layer(name).trainable = False
    return replace(report, frozen=frozen)


def read_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    """Layer name -> its arrays in order, from a `.keras` or `.weights.h5` file. Raises ModelError as `open_weights`."""
    if not path.exists():
        raise ModelError(
            f"cannot read weights from {path}: there is no such file", "give a .keras or .weights.h5 file of Keras 3"
        )
    try:
        result: dict[str, list[NDArray[Any]]] = {}
        with open_weights(path) as file:
            file.visititems(lambda _, node: _add_layer(result, node))
    except ModelError as error:
        raise ModelError(f"cannot read weights from {path}: {error.message}", error.hint) from error
    except Exception as error:  # HDF5 follows addresses unchecked and documents no errors: any of them means bad bytes
        raise ModelError(
            f"cannot read weights from {path}: {one_line(error)}", "give a .keras or .weights.h5 file of Keras 3"
        ) from error
    return result


def _add_layer(result: dict[str, list[NDArray[Any]]], node: Any) -> None:
    name = node.attrs.get("name")
    if name is None or not hasattr(node, "keys") or "0" not in node:
        return
    name = name.decode() if isinstance(name, bytes) else str(name)
    arrays = [np.array(node[str(i)]) for i in range(len(node))]
    if not all(array.dtype.kind in "biuf" for array in arrays):
        raise ValueError(f"the layer {name!r} holds something else than numbers")
    result[name] = arrays

"""Batches made by the nodes of a cluster: the same bytes as a `Feed` gives on one machine.

What a node needs travels once: the model's file, its settings, and the split's stores. Each worker process there puts
the stores into a folder of its own and keeps its window maker for the tasks that follow.
"""

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mltk_like.cluster import Cluster
from mltk_like.errors import SettingError
from mltk_like.feed.features import open_windows
from mltk_like.feed.pool import Task
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.loader import load_file
from mltk_like.model import Model
from mltk_like.settings import from_json

# The window makers of a node's worker process, by shipment; the last alone, since each holds a split.
_makers: dict[str, WindowMaker] = {}


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What makes a window maker on a node.

    Attributes:
        key: names the content.
        model: file name and text of the model.
        overrides: JSON settings on top of it.
        files: the split, with names in place of paths.
        stores: content of each of these files, as references that a node looks up when it needs them.
    """

    key: str
    model: tuple[str, bytes]
    overrides: dict[str, Any]
    files: SplitFiles
    stores: Mapping[str, Any]


class ClusterFeed:
    """Batches of one split, made by a cluster.

    Args:
        cluster: the connection.
        model: a model that has a file.
        files: the split.
        overrides: JSON settings on top of the model's file.

    Raises:
        SettingError: the model has no file.
    """

    def __init__(self, cluster: Cluster, model: Model, files: SplitFiles, overrides: dict[str, Any]) -> None:
        if model.path is None:
            raise SettingError("a model without a file cannot travel", "save the class as NAME.py and load that")
        self._cluster = cluster
        self._shipment = _pack(cluster, model.path, files, overrides)

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """The batches of the tasks, in order.

        Raises:
            DataError: a clip could not be used (with its path and the node's traceback).
            ToolError: the cluster was lost.
        """
        early: dict[int, Batch] = {}
        following = 0
        for (number, _), batch in self._cluster.run(_make_batch, enumerate(tasks), self._shipment):
            early[number] = batch
            while following in early:
                yield early.pop(following)
                following += 1


def _pack(cluster: Cluster, model: Path, files: SplitFiles, overrides: dict[str, Any]) -> Shipment:
    digest = hashlib.sha256(json.dumps(overrides, sort_keys=True).encode() + model.read_bytes())
    stores: dict[str, Any] = {}
    names: dict[str, Any] = {}
    for field in fields(files):
        path = getattr(files, field.name)
        if isinstance(path, Path):
            names[field.name] = Path(path.name)
            for part in (path, path.with_suffix(".json")):
                if part.is_file():
                    content = part.read_bytes()
                    digest.update(part.name.encode() + hashlib.sha256(content).digest())
                    stores[part.name] = cluster.put(content)
    digest.update(
        repr((files.labels, files.names, files.families, files.weights, files.synthetic, files.companions)).encode()
    )
    return Shipment(
        key=digest.hexdigest(),
        model=(model.name, model.read_bytes()),
        overrides=overrides,
        files=replace(files, **names),
        stores=stores,
    )


def _make_batch(item: tuple[int, Task], shipment: Shipment) -> Batch:
    """On a node."""
    if shipment.key not in _makers:
        _makers.clear()
        _makers[shipment.key] = _unpack(shipment)
    task = item[1]
    return _makers[shipment.key].batch(task.first, task.count)


def _unpack(shipment: Shipment) -> WindowMaker:
    import ray

    folder = Path(tempfile.mkdtemp(prefix="mltk_like-split-"))
    for name, content in shipment.stores.items():
        (folder / name).write_bytes(ray.get(content))
    path = folder / shipment.model[0]
    path.write_bytes(shipment.model[1])
    paths: dict[str, Any] = {
        field.name: folder / value
        for field in fields(shipment.files)
        if isinstance(value := getattr(shipment.files, field.name), Path)
    }
    maker = open_windows(from_json(load_file(path), shipment.overrides), replace(shipment.files, **paths))
    weakref.finalize(maker, shutil.rmtree, folder, ignore_errors=True)
    return maker

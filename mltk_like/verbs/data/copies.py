"""Stored copies of augmented windows, made before a training asks for them."""

from typing import Any

from mltk_like.cluster import Cluster, Workers
from mltk_like.feed.cluster_feed import ClusterFeed
from mltk_like.feed.copies import CopyStore, open_feed
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.pool import default_workers
from mltk_like.settings import storable_overrides


def store_copies(model: Any, passes: int, *, workers: Workers = None, progress: bool = True) -> None:
    """Store passes of a model's training windows now, for `train --augment-copies` to read.

    Args:
        model: a model with a file.
        passes: how many; those that are stored already are kept.
        workers: processes, or a cluster, which gives the same bytes; none: one a core.
        progress: show bars.

    Raises:
        SettingError: the model has no file.
        DataError: a clip cannot be used, or the disk is full; finished passes stay.
        ToolError: a worker process died, or the cluster was lost; finished passes stay.
    """
    clips = collect(model, workers=workers, progress=progress).splits.training
    files = open_split(model, clips, seed=model.seed, progress=progress)
    overrides = worker_overrides(model)
    if isinstance(workers, Cluster):
        CopyStore(model, files).make(ClusterFeed(workers, model, files, overrides), passes, progress=progress)
        return
    count = default_workers() if workers is None else workers
    with open_feed(model, files, workers=count, overrides=overrides, copies=passes, progress=progress):
        pass


def worker_overrides(model: Any) -> dict[str, Any]:
    """Settings on top of a model's file, as workers get them: all but functions and objects of Keras."""
    return storable_overrides(model) if model.path else {}

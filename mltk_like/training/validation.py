"""What ranks the checkpoints of a training, made once before it begins."""

from typing import Any

import numpy as np

from mltk_like.feed.pool import Feed, Task
from mltk_like.feed.windows import SplitFiles
from mltk_like.training.fit import Validation
from mltk_like.training.stream_ranking import ranking_stream


def make_validation(model: Any, files: SplitFiles, *, workers: int, overrides: dict[str, Any]) -> Validation:
    """The augmented windows of the validation split and, where the model is ranked by streams, its stream.

    Args:
        model: a specification with TrainMixin, AudioDatasetMixin and EvaluateMixin.
        files: the validation split.
        workers: processes that make the windows; 0: none.
        overrides: settings that the workers' copy of the model gets.

    Raises:
        DataError: a clip cannot be used, or there is nothing to make a stream of.
        ToolError: a worker process died.
    """
    size = model.batch_size
    tasks = [Task(first=first, count=size) for first in range(0, model.validation_windows, size)]
    with Feed(model, files, workers=workers, overrides=overrides) as feed:
        batches = list(feed.batches(tasks))
    stream = None
    if model.rank_by == "streams":
        merge_ms, hours = model.recogniser.suppression_ms, model.validation_hours
        stream = ranking_stream(files, model.frontend, hours, merge_ms=merge_ms, seed=model.seed)
    return Validation(
        features=np.concatenate([batch.features for batch in batches]),
        labels=np.concatenate([batch.labels for batch in batches]),
        detected=np.array([not name.startswith("_") for name in model.classes]),
        stream=stream,
    )

"""Train a model: the verb, its stages, and what a training can begin with."""

from mltk_like.verbs.train.carried import carried_file, is_trained
from mltk_like.verbs.train.cluster import RemoteTraining, train_on_cluster
from mltk_like.verbs.train.fine_tuning import archive_of
from mltk_like.verbs.train.result import TrainingResult
from mltk_like.verbs.train.transfer import load_weights_from
from mltk_like.verbs.train.verb import train

__all__ = [
    "RemoteTraining",
    "TrainingResult",
    "archive_of",
    "carried_file",
    "is_trained",
    "load_weights_from",
    "train",
    "train_on_cluster",
]

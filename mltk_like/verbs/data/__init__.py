"""The data of a model: what there is, its pictures, and what is made of it ahead of a training."""

from mltk_like.verbs.data.clips import Change, ClipLine, ClipList, Corrected, correct_clips, list_clips
from mltk_like.verbs.data.copies import store_copies, worker_overrides
from mltk_like.verbs.data.exported import ExportedFeatures, export_features
from mltk_like.verbs.data.plots import plot_data
from mltk_like.verbs.data.verb import DataReport, data_report, heard_s, inventory, offline_note, splits_summary

__all__ = [
    "Change",
    "ClipLine",
    "ClipList",
    "Corrected",
    "DataReport",
    "ExportedFeatures",
    "correct_clips",
    "data_report",
    "export_features",
    "heard_s",
    "inventory",
    "list_clips",
    "offline_note",
    "plot_data",
    "splits_summary",
    "store_copies",
    "worker_overrides",
]

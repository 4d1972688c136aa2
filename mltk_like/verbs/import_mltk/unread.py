"""What a model file of MLTK sets that no part of the import reads, and why that is so."""

from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import Assigned, MltkFile


def unread(file: MltkFile, ledger: Ledger) -> None:
    """Put what no part of the import looked at on the right list."""
    for one in file.assigned:
        reason = _reason(one, file)
        if reason is None:
            continue
        needless, why = reason
        (ledger.pass_over if needless else ledger.leave)(one.line, one.what, why)


_READ = frozenset(
    {
        "version", "description", "epochs", "batch_size", "steps_per_epoch", "loss", "metrics", "optimizer", "classes",
        "class_weights", "lr_schedule", "reduce_lr_on_plateau", "early_stopping", "checkpoint", "train_callbacks",
        "model_parameters", "dataset", "datagen", "build_model_function",
    }
)  # fmt: skip
_NEEDLESS = {
    "tensorboard": "every training writes its logs to train/tensorboard in the run's folder",
    "keras_custom_objects": "a model's file is loaded before its net",
    "input_shape": "it follows from the front end",
    "checkpoints_enabled": "the best checkpoint is always kept",
    "log_dir": "every training has a run folder",
    "shuffle": "windows are always shuffled",
    "shuffle_dataset_enabled": "clips are split by voice, and windows shuffled",
    "eval_shuffle": "windows are always shuffled",
    "validation_batch_size": "it is batch_size",
}
_LEFT = {
    "on_training_complete": "call mltk.train in a script of your own, and go on with what it returns",
    "on_save_keras_model": "the trained net is exported as it is; change it in a script of your own",
    "validation_datagen": "validation windows are augmented as those of the training are",
    "eval_augment": "windows are judged as they are trained; streams without",
    "eval_custom_function": "judge in a script of your own: mltk.evaluate(model)",
    "train_kwargs": "there is no Keras fit() behind a training",
    "follow_links": "folders are followed as the system does",
    "validation_data": "validation voices are divided off the sources",
}


def _reason(one: Assigned, file: MltkFile) -> tuple[bool, str] | None:
    """(whether it is needless, why); None where it was read."""
    if one.name in _READ:
        return None
    if one.name == "class_mode":
        same = file.constants.get(one.node) == "categorical"
        return same, "classes are always one-hot here"
    if one.name == "tflite_converter":
        value = file.constants.get(one.node)
        if one.key in ("inference_input_type", "inference_output_type") and value != "int8":
            return False, "what a device feeds and reads is int8 here; quantize --float writes a float .tflite"
        return True, "the conversion to int8 needs no settings"
    if one.name.startswith("ssh_"):
        return False, "train MODEL --cluster ADDRESS trains on other machines"
    if one.name in _NEEDLESS:
        return True, _NEEDLESS[one.name]
    return False, _LEFT.get(one.name, "this tool has no such setting")

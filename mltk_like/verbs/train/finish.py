"""What follows the training: the model's files, figures, the profile and the archive."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.split import Splits
from mltk_like.errors import ToolError
from mltk_like.feed.windows import SplitFiles
from mltk_like.packing import pack
from mltk_like.packing import publish as publish_archive
from mltk_like.paths import portable, write_bytes, write_text
from mltk_like.processes import peak_memory_mb
from mltk_like.tflite import read_parameters, summarize_tflite
from mltk_like.training.convert import CALIBRATION_WINDOWS, stamp
from mltk_like.training.product import make_tflite
from mltk_like.verbs.check import check_engines
from mltk_like.verbs.evaluate import EvaluationResult, evaluate_nets, write_evaluation
from mltk_like.verbs.profile import Profile, profile_tflite
from mltk_like.verbs.quantize import save_calibration
from mltk_like.verbs.shared.building import save_net
from mltk_like.verbs.summarize import keras_summary
from mltk_like.verbs.train.job import PACKING, Job
from mltk_like.verbs.train.recordings import forgotten


def convert(job: Job, net: Any, windows: NDArray[np.int8]) -> bytes:
    """Save the best checkpoint as `.keras`, `.weights.h5` and int8 `.tflite`, and their summaries."""
    run = job.run
    for suffix, save in ((".keras", partial(save_net, net)), (".weights.h5", net.save_weights)):
        # Keras goes by the end of the file's name, so the temporary name must keep it.
        temporary = run.file(f".tmp{suffix}")
        try:
            save(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(run.file(suffix))
        finally:
            temporary.unlink(missing_ok=True)
    save_calibration(net, windows, run.folder)
    tflite = make_tflite(job.model, net, windows)
    _write_tflite(job, tflite)
    write_text(run.file(".keras.summary.txt"), f"{keras_summary(net, run.name)}\n")
    job.say(f"converted: {portable(run.file('.tflite'))}, {len(tflite) / 1000:.1f} kB")
    return tflite


def check_product(job: Job, net: Any, tflite: bytes, windows: NDArray[np.int8]) -> tuple[str, ...]:
    """Whether every engine of this machine says the same; the run keeps the answer. Returns what is wrong."""
    found = check_engines(job.run.name, tflite, net, windows[:CALIBRATION_WINDOWS])
    if found.engines is not None:
        job.run.update(tflm=found.engines.to_dict())
    job.run.write_json("check/check.json", found.to_dict())
    job.say(str(found))
    return found.problems


def judge(job: Job, net: Any, tflite: bytes, files: SplitFiles, splits: Splits) -> dict[str, EvaluationResult]:
    """Judge float and int8 model on the test voices, and store the threshold that this gives."""
    nets = {"keras": net, "tflite": tflite}
    results, chosen = evaluate_nets(
        job.model, job.run.name, nets, files, splits.test,
        target=job.model.target_false_accepts_per_hour, progress=job.progress,
    )  # fmt: skip
    if chosen is not None and chosen.sensitivity is not None:
        parameters = chosen.sensitivity.in_place_of(read_parameters(tflite))
        _write_tflite(job, stamp(tflite, parameters, job.model.description))
    for kind, result in results.items():
        write_evaluation(result, job.run.folder / "eval" / kind)
        job.say(f"\n{result}")
    if chosen is not None:
        job.say(f"\n{chosen}")
    return results


def _write_tflite(job: Job, data: bytes) -> None:
    write_bytes(job.run.file(".tflite"), data)
    write_text(job.run.file(".tflite.summary.txt"), f"{summarize_tflite(data, name=job.run.name)}\n")


def measure(job: Job, tflite: bytes) -> Profile | None:
    """Every layer on TFLM; None where it is not there for this system."""
    try:
        result = profile_tflite(tflite, job.run.name, progress=job.progress)
    except ToolError as error:
        job.say(f"\nno profile: {error.message}\n")
        return None
    job.run.write_json("profile/profile.json", result.to_dict())
    write_text(job.run.folder / "profile" / "profile.txt", f"{result}\n")
    job.say(f"\n{result}\n")
    return result


def archive(job: Job, failures: Sequence[str] = ()) -> Path | None:
    """Archive the run; the copy beside the model's file, where one is to be and can be and the net is worth it.

    Args:
        job: the training.
        failures: checks that the model did not pass, noted in the archive.
    """
    # From here on a run that ends has only its packing left.
    job.run.update(peak_memory_mb=peak_memory_mb(), failures=list(failures), **{PACKING: {"evaluated": job.evaluate}})
    return pack_and_publish(job)


def pack_and_publish(job: Job) -> Path | None:
    """The last of a run, of which all else is done: it is complete when nothing is left to go on with."""
    state = job.run.state
    complete = forgotten({**state, "status": "complete", "pid": None})
    del complete[PACKING]
    pack(job.run, state=complete)
    # A net that has learned nothing, or says something else on a device, does not take the place of an earlier one.
    wanted = job.publish and not state["failures"] and not state.get("chance")
    published = publish_archive(job.run.archive, job.model) if wanted else None
    job.run.write_json("state.json", complete)
    return published

"""Judge a trained model on MLPerf Tiny's streaming wake word."""

from pathlib import Path

from mltk_like.data.mlperf_tiny import WakeWordBenchmark, streaming_wake_word
from mltk_like.evaluation.mlperf_tiny import MlperfTinyResult, judge_mlperf_tiny, wake_word_label
from mltk_like.model import Model
from mltk_like.verbs.evaluate.files import write_figures
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.subject import open_subject


def evaluate_mlperf_tiny(
    model: Model | str | Path,
    *,
    tflm: bool = False,
    label: str | None = None,
    benchmark: WakeWordBenchmark | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> MlperfTinyResult:
    """Judge the int8 form of a model on the 20 minutes of MLPerf Tiny's streaming wake word, by its counting rule.

    Args:
        model: a specification, name, run folder, archive or `.tflite` with the word among its classes.
        tflm: on TensorFlow Lite Micro, far slower.
        label: class that stands for the word; none: "marvin".
        benchmark: what the stream is made of; none: the public one, 13.5 GB that are fetched once.
        output: folder for eval-results.json and summary.txt.
        progress: show bars.

    Raises:
        ModelError: the model has not been trained, or does not detect the word.
        DataError: the data sets cannot be had; nothing has been judged or written then.
        ToolError: TensorFlow Lite Micro is needed and not installed.
    """
    subject = open_subject(artifact_of(model), "tflm" if tflm else "tflite")
    label = wake_word_label(subject, label)
    stream = (benchmark or streaming_wake_word()).get(progress=progress)
    result = judge_mlperf_tiny(subject, stream, label=label, progress=progress)
    if output is not None:
        write_figures(result, output)
    return result

"""The first stage of a training: a net that would fail at its end is refused before any data is made."""

import hashlib
import json
from typing import Any

from mltk_like.errors import CheckError, ModelError, ToolError
from mltk_like.model import Model
from mltk_like.paths import cache_dir, write_text
from mltk_like.run import versions
from mltk_like.tflite import compare_engines
from mltk_like.training.convert import inference_of
from mltk_like.training.score_temperature import divide_logits
from mltk_like.verbs.shared.building import build_net, untrained_tflite


def check_net(model: Model, *, threads: int, progress: bool) -> None:
    """Build the model's net, convert it untrained, and run it on TFLM beside LiteRT.

    What passed is noted in the cache, by the operators that the net is made of: the same net is not checked twice.

    Args:
        model: the specification.
        threads: TensorFlow's, which the first use in a process settles.
        progress: print what takes the time.

    Raises:
        SettingError, ToolError: as `build_net` and `divide_logits`.
        ModelError: the net cannot be trained, converted or streamed, or it does not run on a microcontroller.
    """
    net = build_net(model, threads=threads)
    divide_logits(net, getattr(model, "score_temperature", 1.0))
    passed = cache_dir() / "nets" / f"{_identity(model, net)}.json"
    if passed.is_file():
        return
    if progress:
        print("checking that the net can be converted, and runs as a microcontroller would run it", flush=True)
    try:
        data = untrained_tflite(model, net)
        found = compare_engines(data)
    except CheckError as error:
        # Nothing was done yet that a check could judge: the net is what has to be mended.
        raise ModelError(error.message, error.hint) from error
    except ToolError:
        # No TFLM for this platform: what the converter says is all that can be known here.
        return
    if not found.agrees:
        raise ModelError(f"{found.problem} (untrained)", "build that layer of other operators")
    write_text(passed, json.dumps({"net": net.name, **found.to_dict()}) + "\n")


def _identity(model: Model, net: Any) -> str:
    """Hash of the operators of one inference, of what is made of them, and of the versions that make it."""
    graph = inference_of(net).get_concrete_function().graph.as_graph_def()
    made = {"streaming": bool(getattr(model, "streaming", False)), "versions": versions()}
    operators = graph.SerializeToString(deterministic=True)
    return hashlib.sha256(operators + json.dumps(made, sort_keys=True).encode()).hexdigest()

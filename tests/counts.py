"""Instructions of the shipped models on emulated cores, as they were recorded, and how they are recorded again:

python -m tests.counts        from the project's folder: writes tests/data/counts.json
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mltk_like.artifact import open_artifact
from mltk_like.firmware import CORES, count_model
from mltk_like.firmware.building import compiler_version
from mltk_like.firmware.counting import count_net

RECORD = Path(__file__).parent / "data" / "counts.json"
CORES_OF_RECORD = ("cortex-m0plus", "cortex-m4", "cortex-m33", "cortex-m55")
MODELS = sorted(path.name.partition(".")[0] for path in (Path(__file__).parents[1] / "models").glob("*.mltk.zip"))
HEARING = ("bell_detector", "keyword_spotting_alexa")  # one with each front end


def net_counts(core: str, folder: Path) -> dict[str, int]:
    """Of an inference of each shipped model."""
    return {name: count_net(open_artifact(name).tflite(), CORES[core], folder).inference for name in MODELS}


def sound_counts(core: str) -> dict[str, dict[str, int]]:
    """Of a hop, a window, and a second of sound without the net."""
    found = {}
    for name in HEARING:
        sound = count_model(open_artifact(name).tflite(), CORES[core]).sound
        assert sound is not None
        found[name] = {"hop": sound.hop, "window": sound.window, "second": sound.second}
    return found


def _record() -> dict[str, Any]:
    cores = {}
    for core in CORES_OF_RECORD:
        with TemporaryDirectory() as folder:
            cores[core] = {"net": net_counts(core, Path(folder)), "sound": sound_counts(core)}
        print(core, cores[core])
    return {"compiler": compiler_version(), "cores": cores}


if __name__ == "__main__":
    RECORD.write_text(json.dumps(_record(), indent=2) + "\n", encoding="utf-8")

"""Writes fixed.tflite and float.tflite: tiny_tenet with the parameters of either front end, for test_board.py."""

from pathlib import Path

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.tflite import write_parameters

HERE = Path(__file__).parent
RECOGNISER = RecogniserSettings(
    latency_ms=60, minimum_count=2, average_window_duration_ms=130, detection_threshold=128, suppression_ms=200
)
SIZES = {"sample_length_ms": 410, "window_size_ms": 30, "window_step_ms": 20, "filterbank_n_channels": 8}
FIXED = FrontendSettings(**SIZES, noise_reduction_enable=True, quantize_dynamic_scale_enable=True)
FLOAT = SpectrumSettings(**SIZES)

if __name__ == "__main__":
    net = (HERE.parent / "tflite" / "tiny_tenet.tflite").read_bytes()
    for kind, frontend in (("fixed", FIXED), ("float", FLOAT)):
        parameters = {"name": kind, "classes": ["yes", "no"], **frontend.to_parameters(), **RECOGNISER.to_parameters()}
        (HERE / f"{kind}.tflite").write_bytes(write_parameters(net, parameters))

"""Time of each layer as a board measures it."""

from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.audio.board import BoardProfile, board_profile
from mltk_like.tflite import format_units


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a board measured of the model that it runs; see `BoardProfile`."""

    measured: BoardProfile

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self.measured)

    def __str__(self) -> str:
        found = self.measured
        summary = [
            "Profiling summary",
            f"Name: {found.model}",
            f"Engine: board '{found.board}'",
            f"Flash, model file size (bytes): {format_units(found.model_bytes, digits=1, separator='')}",
            f"RAM, tensor arena (bytes): {format_units(found.arena_bytes, digits=1, separator='')}",
            f"Layer count: {len(found.layers)}",
            f"Time (ms): {found.time_us / 1000:.3f}",
        ]
        return "\n".join([*summary, "", "Model layers", *_rows(found)])


def profile_device(port: str) -> DeviceProfile:
    """Have a board time its model, layer by layer.

    Args:
        port: its serial line, or 'auto'.

    Raises:
        DataError: the board cannot be found or used.
        ToolError: pyserial is not installed.
    """
    return DeviceProfile(measured=board_profile(port))


def _rows(found: BoardProfile) -> list[str]:
    total = sum(layer.time_us for layer in found.layers) or 1.0
    width = max((len(layer.op) for layer in found.layers), default=6)
    head = f"{'Index':>5}  {'OpCode':<{width}}  {'Time (us)':>10}  {'Share':>7}"
    rows = [
        f"{layer.index:>5}  {layer.op:<{width}}  {layer.time_us:>10.1f}  {100 * layer.time_us / total:>5.1f} %"
        for layer in found.layers
    ]
    return [head, *rows]

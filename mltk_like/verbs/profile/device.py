"""Time of each layer as a board measures it, with what this computer knows of the model."""

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.audio.board import Board, BoardInfo, BoardProfile
from mltk_like.errors import DataError, ModelError
from mltk_like.model import Model
from mltk_like.tflite import ModelSummary, format_units, summarize_tflite
from mltk_like.verbs.profile.tables import text_table
from mltk_like.verbs.shared.building import tflite_of


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a board measured of the model that it runs.

    Attributes:
        measured: the board's times.
        model: the model's layers as its `.tflite` has them, one for each of the board's; None: no model was named.
        same_file: the board says that it runs this very file; False: it does not say, or no model was named.
    """

    measured: BoardProfile
    model: ModelSummary | None = None
    same_file: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON values; with a model also its `ops` and `macs`, and those and the shapes of each layer."""
        values = asdict(self.measured)
        if self.model is None:
            return values
        values |= {"ops": self.model.ops, "macs": self.model.macs, "same_file": self.same_file}
        for row, layer in zip(values["layers"], self.model.layers, strict=True):
            row |= {"ops": layer.ops, "macs": layer.macs, "options": layer.config}
            row |= {"input_shape": _shapes(layer.inputs), "output_shape": _shapes(layer.outputs)}
        return values

    def __str__(self) -> str:
        found, model = self.measured, self.model
        seconds = found.time_us / 1e6
        rows = [
            ("Name", found.model),
            ("Engine", f"board '{found.board}'"),
            ("Flash, model file size (bytes)", _short(found.model_bytes)),
            ("RAM, tensor arena (bytes)", _short(found.arena_bytes)),
            ("Layer count", str(len(found.layers))),
            ("Time (ms)", f"{found.time_us / 1000:.3f}"),
        ]
        if model is not None:
            rows += [("Operation count", _short(model.ops)), ("Multiply-accumulate count", _short(model.macs, 3))]
            rows += [("MACs/s", _short(model.macs / seconds))] if seconds else []
        lines = ["Profiling summary", *(f"{name}: {value}" for name, value in rows), "", "Model layers", self._table()]
        if model is not None and not self.same_file:
            lines.append("note: the board does not say which file it runs; its operators are those of this one")
        return "\n".join(lines)

    def _table(self) -> str:
        layers = self.measured.layers
        total = sum(layer.time_us for layer in layers) or 1.0
        header = ["Index", "OpCode", "Time (us)", "Share"]
        rows = [
            [str(layer.index), layer.op, f"{layer.time_us:.1f}", f"{100 * layer.time_us / total:.1f} %"]
            for layer in layers
        ]
        if self.model is not None:
            header += ["# Ops", "# MACs", "Input shape", "Output shape", "Options"]
            for row, layer in zip(rows, self.model.layers, strict=True):
                row += [_short(layer.ops), _short(layer.macs), _shapes(layer.inputs), _shapes(layer.outputs)]
                row.append(layer.config)
        return text_table(header, rows)


def profile_device(port: str = "auto", model: Model | str | Path | None = None) -> DeviceProfile:
    """Have a board time its model, layer by layer.

    Args:
        port: its serial line, or 'auto' for the only board.
        model: the model that it runs, for the operations and shapes of each layer. A board that has a slot for models
            is given this one, unless it has it already.

    Raises:
        DataError: the board cannot be found or used, or has no model.
        ModelError: the model cannot be read, the board cannot take it, or it runs another one.
        ToolError: pyserial is not installed.
    """
    content = None if model is None else tflite_of(model, build=False)[0]
    with Board(port) as board:
        if content is not None and board.info.slot_bytes and board.info.model_check != zlib.crc32(content):
            board.upload_model(content)
        if not board.info.columns:
            raise DataError(f"the board at {board.path} has {board.info.what}", "flash a firmware with a model")
        if content is None:
            return DeviceProfile(measured=board.profile())
        _require_file(board.info, content)
        return _joined(board.profile(), summarize_tflite(content), board.info.model_check != 0)


def _require_file(info: BoardInfo, content: bytes) -> None:
    if info.model_check not in (0, zlib.crc32(content)):
        raise ModelError(
            f"the board runs {info.model}, and not this file: another model, another training or other parameters",
            "name the file that it runs, or leave out MODEL for its times alone",
        )


def _joined(measured: BoardProfile, model: ModelSummary, same_file: bool) -> DeviceProfile:
    """Raises ModelError where the operators are others."""
    board = [layer.op.lower() for layer in measured.layers]
    host = [layer.opcode.lower() for layer in model.layers]
    # A firmware that runs this very file may have names of its own for operators, and one time for each all the same.
    if len(board) != len(host) or not (same_file or board == host):
        raise ModelError(
            f"the board's {measured.model} has other operators: {len(board)} of them, {len(host)} in this file",
            "name the file that it runs, or leave out MODEL for its times alone",
        )
    return DeviceProfile(measured=measured, model=model, same_file=same_file)


def _short(value: float, digits: int = 1) -> str:
    return format_units(value, digits=digits, separator="")


def _shapes(tensors: Any) -> str:
    return ",".join(tensor.shape_text for tensor in tensors)

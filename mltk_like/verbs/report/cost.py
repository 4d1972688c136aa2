"""What the model costs on a device: memory, and each layer's operations and time."""

from collections.abc import Iterator, Sequence

from mltk_like.tflite import STREAMING_ROWS, format_units
from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import Html, element, paragraph, table


def cost_part(model: StoredModel) -> Part:
    """Memory, then the layers in the order of execution; with times where the model was profiled."""
    profile = model.profile
    if profile is None:
        timed = "The layers are read from the .tflite; no profile with times is stored."
    else:
        unverified = "" if profile.verified else " (unverified build)"
        timed = (
            f"Times: {profile.engine}{unverified}, the machine of the training. They rank the layers and say nothing "
            "of a microcontroller."
        )
    return part(
        "Memory and layers", table(_memory(model)), element("h3", "Layers"), _layers(model), paragraph(timed, soft=True)
    )


def _memory(model: StoredModel) -> Iterator[tuple[str, str]]:
    summary, profile = model.summary, model.profile
    yield "flash: the .tflite", _bytes(summary.flash_bytes)
    if profile is not None:
        yield "RAM: tensor arena on a 64-bit host", _bytes(profile.arena_bytes)
        yield "RAM: activations in it, the same on every machine", _bytes(profile.activations_bytes)
    if summary.arena_bytes is not None:
        yield "RAM: tensor arena, as the .tflite says", _bytes(summary.arena_bytes)
    if STREAMING_ROWS in summary.parameters:
        yield "new columns of sound an inference takes", str(summary.parameters[STREAMING_ROWS])
    yield "multiply-accumulates an inference", format_units(summary.macs)
    yield "operations an inference", format_units(summary.ops)
    yield "layers", str(len(summary.layers))
    if profile is not None:
        yield "time of an inference on that host", f"{profile.time_us / 1000:.3g} ms"


def _layers(model: StoredModel) -> Html:
    times: Sequence[float | None] = [layer.time_us for layer in model.profile.layers] if model.profile else []
    layers = model.summary.layers
    if len(times) != len(layers):
        times = [None] * len(layers)
    total = sum(time for time in times if time is not None)
    rows = []
    for layer, time in zip(layers, times, strict=True):
        outputs = ", ".join(tensor.shape_text for tensor in layer.outputs)
        cells = [layer.index, layer.opcode, outputs, format_units(layer.macs, digits=1, separator="")]
        shares = (
            []
            if time is None
            else [f"{time:.3g}" if time < 100 else f"{time:.0f}", f"{100 * time / total:.1f} %" if total else ""]
        )
        rows.append([*cells, *shares, layer.config])
    header = ("", "operator", "output", "MACs", *(("µs", "share") if total else ()), "settings")
    return table(rows, header=header)


def _bytes(count: int) -> str:
    return f"{count:,} bytes"

"""The C source of kernels, which goes beside the C of a net."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mltk_like.errors import ToolError

_REINSTALL = "reinstall it with pip install ."

INT8 = (
    "mltk_block_dsp.c",
    "mltk_conv.c",
    "mltk_conv_dsp.c",
    "mltk_conv_mve.c",
    "mltk_depthwise.c",
    "mltk_depthwise_dsp.c",
    "mltk_depthwise_mve.c",
    "mltk_dsp.h",
    "mltk_line_dsp.c",
    "mltk_fixed.h",
    "mltk_kernels.h",
    "mltk_move.c",
    "mltk_mve.h",
    "mltk_patch.h",
    "mltk_pointwise.c",
    "mltk_pointwise_dsp.c",
    "mltk_pointwise_mve.c",
    "mltk_pool.c",
    "mltk_softmax.c",
)
"""Of nets with int8 layers."""
LOW_BIT = ("low_bit.h", "low_bit.c")
"""Of nets of few bits."""


def kernel_sources(names: Sequence[str]) -> Mapping[str, str]:
    """Text of source files by name. Raises ToolError where the installation lacks one."""
    folder = kernels_folder(names)
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def kernels_folder(names: Sequence[str]) -> Path:
    """Where such files are. Raises ToolError where the installation lacks one."""
    folder = cpp_folder() / "kernels"
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ToolError(f"{', '.join(missing)} are not in this installation", _REINSTALL)
    return folder


def cpp_folder() -> Path:
    """The C and C++ sources: `cpp/` of a checkout, else of the installed package. Raises ToolError."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "cpp", package / "cpp"):
        if (folder / "kernels" / "mltk_kernels.h").is_file():
            return folder
    raise ToolError("the C and C++ sources are not in this installation", _REINSTALL)

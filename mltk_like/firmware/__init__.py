"""A model as a firmware: cores that are emulated, boards that people have, and instructions counted."""

from mltk_like.firmware.boards import BOARDS, BoardFacts
from mltk_like.firmware.cores import CORES, Core, core_of
from mltk_like.firmware.counting import Counts, NetCount, SoundCount, count_model
from mltk_like.firmware.emulator import Emulator, emulated
from mltk_like.firmware.image import Line, firmware_image
from mltk_like.firmware.wasm import WASM_REMEDY, WasmCompiler, compile_wasm, find_wasm_compiler

__all__ = [
    "BOARDS",
    "CORES",
    "WASM_REMEDY",
    "BoardFacts",
    "Core",
    "Counts",
    "Emulator",
    "Line",
    "NetCount",
    "SoundCount",
    "WasmCompiler",
    "compile_wasm",
    "core_of",
    "count_model",
    "emulated",
    "find_wasm_compiler",
    "firmware_image",
]

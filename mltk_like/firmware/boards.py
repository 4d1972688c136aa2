"""Boards that people have: processor, clock, memory, and what else could run a net, from the vendors' data sheets."""

from dataclasses import dataclass

_K, _M = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class BoardFacts:
    """A board.

    Attributes:
        name: the board's.
        chip: its microcontroller.
        core: a name in `CORES`; empty where the processor is none of them, and only memory can be compared.
        processor: as the data sheet calls it.
        clock_hz: the highest of the data sheet.
        flash_bytes: of the chip, or beside it on the board, from which programs run.
        ram_bytes: of the chip, all banks together.
        accelerator: what else in the chip could compute a net; this firmware does not use it. Empty: nothing.
        source: document of the vendor that the figures are from.
    """

    name: str
    chip: str
    core: str
    processor: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    accelerator: str
    source: str


def _board(
    name: str, chip: str, core: str, mhz: int, flash: int, ram: int, source: str, *, accelerator: str = ""
) -> BoardFacts:
    known = core.startswith("m")
    return BoardFacts(
        name=name,
        chip=chip,
        core=f"cortex-{core}" if known else "",
        processor=f"Cortex-{core.upper().replace('PLUS', '+')}" if known else core,
        clock_hz=mhz * 1_000_000,
        flash_bytes=flash,
        ram_bytes=ram,
        accelerator=accelerator,
        source=source,
    )


BOARDS: tuple[BoardFacts, ...] = (
    _board("Arduino Zero", "ATSAMD21G18A", "m0plus", 48, 256 * _K, 32 * _K, "Microchip DS40001882"),
    _board("NUCLEO-L073RZ", "STM32L073RZ", "m0plus", 32, 192 * _K, 20 * _K, "ST DS10685"),
    _board("NUCLEO-G071RB", "STM32G071RB", "m0plus", 64, 128 * _K, 36 * _K, "ST DS12232"),
    _board("Raspberry Pi Pico", "RP2040", "m0plus", 133, 2 * _M, 264 * _K, "RP2040 Datasheet; Pico Datasheet"),
    _board("Arduino Due", "ATSAM3X8E", "m3", 84, 512 * _K, 96 * _K, "Microchip (Atmel) 11057"),
    _board("Blue Pill", "STM32F103C8", "m3", 72, 64 * _K, 20 * _K, "ST DS5319"),
    _board("nRF52840 DK", "nRF52840", "m4", 64, 1 * _M, 256 * _K, "nRF52840 Product Specification"),
    _board("BBC micro:bit V2", "nRF52833", "m4", 64, 512 * _K, 128 * _K, "nRF52833 Product Specification"),
    _board("B-L475E-IOT01A", "STM32L475VG", "m4", 80, 1 * _M, 128 * _K, "ST DS10969"),
    _board("NUCLEO-L4R5ZI", "STM32L4R5ZI", "m4", 120, 2 * _M, 640 * _K, "ST DS12023"),
    _board("NUCLEO-F446RE", "STM32F446RE", "m4", 180, 512 * _K, 128 * _K, "ST DS10693"),
    _board("STM32F4DISCOVERY", "STM32F407VG", "m4", 168, 1 * _M, 192 * _K, "ST DS8626"),
    _board("Adafruit Metro M4", "ATSAMD51J19A", "m4", 120, 512 * _K, 192 * _K, "Microchip DS60001507"),
    _board("FRDM-K64F", "MK64FN1M0VLL12", "m4", 120, 1 * _M, 256 * _K, "NXP K64P144M120SF5"),
    _board("SparkFun Edge", "Apollo3 Blue", "m4", 48, 1 * _M, 384 * _K, "Ambiq Apollo3 Blue SoC Datasheet"),
    _board("Apollo4 Plus EVB", "Apollo4 Plus", "m4", 192, 2 * _M, 2816 * _K, "Ambiq Apollo4 Plus SoC Datasheet"),
    _board("Thunderboard Sense 2", "EFR32MG12P332F1024", "m4", 40, 1 * _M, 256 * _K, "EFR32MG12 Family Data Sheet"),
    _board("CY8CKIT-062S2-43012", "PSoC 62, CY8C624A", "m4", 150, 2 * _M, 1 * _M, "Infineon 002-23185"),
    _board("LAUNCHXL-CC1352R1", "CC1352R", "m4", 48, 352 * _K, 80 * _K, "TI SWRS196"),
    _board(
        "MAX78000FTHR", "MAX78000", "m4", 100, 512 * _K, 128 * _K, "MAX78000 Data Sheet", accelerator="CNN accelerator"
    ),
    _board(
        "MAX78002EVKIT",
        "MAX78002",
        "m4",
        120,
        2560 * _K,
        384 * _K,
        "MAX78002 Data Sheet",
        accelerator="CNN accelerator",
    ),
    _board("32F746GDISCOVERY", "STM32F746NG", "m7", 216, 1 * _M, 320 * _K, "ST DS10916"),
    _board("NUCLEO-F767ZI", "STM32F767ZI", "m7", 216, 2 * _M, 512 * _K, "ST DS11532"),
    _board("NUCLEO-H743ZI2", "STM32H743ZI", "m7", 480, 2 * _M, 1 * _M, "ST DS12110"),
    _board("Teensy 4.1", "MIMXRT1062DVJ6", "m7", 600, 8 * _M, 1 * _M, "NXP IMXRT1060CEC; Teensy 4.1 page of PJRC"),
    _board("nRF5340 DK", "nRF5340", "m33", 128, 1 * _M, 512 * _K, "nRF5340 Product Specification"),
    _board("nRF54L15 DK", "nRF54L15", "m33", 128, 1524 * _K, 256 * _K, "nRF54L15 Datasheet"),
    _board("B-U585I-IOT02A", "STM32U585AI", "m33", 160, 2 * _M, 786 * _K, "ST DS13086"),
    _board("Raspberry Pi Pico 2", "RP2350", "m33", 150, 4 * _M, 520 * _K, "RP2350 Datasheet; Pico 2 Datasheet"),
    _board(
        "xG24-DK2601B",
        "EFR32MG24B310F1536",
        "m33",
        78,
        1536 * _K,
        256 * _K,
        "EFR32MG24 Wireless SoC Family Data Sheet",
        accelerator="MVP",
    ),
    _board("LPCXpresso55S69", "LPC55S69", "m33", 150, 640 * _K, 320 * _K, "NXP LPC55S6x", accelerator="PowerQuad DSP"),
    _board(
        "FRDM-MCXN947", "MCXN947", "m33", 150, 2 * _M, 512 * _K, "NXP MCXNx4x Data Sheet", accelerator="eIQ Neutron NPU"
    ),
    _board("EK-RA6M5", "R7FA6M5BH", "m33", 200, 2 * _M, 512 * _K, "Renesas R01DS0366"),
    _board("Apollo510 EVB", "Apollo510", "m55", 250, 4 * _M, 3840 * _K, "Ambiq Apollo510 SoC Datasheet"),
    _board(
        "STM32N6570-DK",
        "STM32N657X0",
        "m55",
        800,
        128 * _M,
        4300 * _K,
        "ST DS14791; UM3300",
        accelerator="Neural-ART NPU",
    ),
    _board(
        "AK-E7-AIML",
        "Alif Ensemble E7",
        "m55",
        400,
        5632 * _K,
        13824 * _K,
        "Alif Ensemble E7 Datasheet",
        accelerator="Ethos-U55",
    ),
    _board("ESP32-S3-DevKitC-1-N8", "ESP32-S3", "Xtensa LX7", 240, 8 * _M, 512 * _K, "Espressif ESP32-S3 Datasheet"),
    _board("ESP32-C3-DevKitM-1", "ESP32-C3", "RISC-V", 160, 4 * _M, 400 * _K, "Espressif ESP32-C3 Datasheet"),
)
"""By core, from the smallest on."""

"""Which sample rates are believed: others come from damaged headers and from boards that misbehave."""

LOWEST_RATE_HZ = 1000
"""The lowest that a front end takes. At 1 Hz a minute of 16-bit samples would become 7 billion at 16 kHz."""

HIGHEST_RATE_HZ = 768_000
"""The fastest converters for sound."""


def rate_fault(rate_hz: int) -> str:
    """What is wrong with a sample rate, as the end of a sentence; empty where it can be one."""
    if LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        return ""
    return f"its sample rate is {rate_hz} Hz; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} can be"

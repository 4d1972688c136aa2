"""The setting `low_bit` of a model."""

from dataclasses import dataclass

from mltk_like.errors import SettingError

TOP = 6.0
"""Every activation lies in 0..6, as of BrainChip's nets; batch normalisation in front of it finds the scale."""


@dataclass(frozen=True, kw_only=True)
class LowBit:
    """Training down to few bits, in three episodes, each from the last: float, activations, weights and activations.

    Attributes:
        first_weights: bits of the first layer's weights, 2..8.
        weights: bits of all other weights, 2..8.
        activations: bits of what every ReLU gives, 1..8.
        later_rate: learning rates of the second and third episode, as a multiple of the first's.
    """

    first_weights: int = 8
    weights: int = 4
    activations: int = 4
    later_rate: float = 0.3

    def __post_init__(self) -> None:
        for name, low in (("first_weights", 2), ("weights", 2), ("activations", 1)):
            if not low <= getattr(self, name) <= 8:
                raise SettingError(f"low_bit.{name} is {getattr(self, name)}", f"use {low} to 8 bits")
        if not 0 < self.later_rate <= 10:
            raise SettingError(f"low_bit.later_rate is {self.later_rate}", "use a factor above 0, such as 0.3")

    @property
    def levels(self) -> int:
        """The greatest integer that an activation takes; it stands for `TOP`."""
        return (1 << self.activations) - 1

    def bits_of(self, number: int) -> int:
        """Bits of the weights of layer `number`, from 0."""
        return self.weights if number else self.first_weights

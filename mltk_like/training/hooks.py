"""The model's Keras callbacks in this package's own loop: when they are called, what they may change, what is kept."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

# What Keras callbacks remember from epoch to epoch and JSON can hold.
_PLAIN = (bool, int, float, str, type(None))


class Hooks:
    """Calls the callbacks of one training. Use it as a context manager: leaving it takes the net out of their hands.

    `callback.model` is the net with its `optimizer`; `stop_training = True` ends the training, and a learning rate that
    a callback sets holds until the schedule comes to another.

    Args:
        callbacks: objects of keras.callbacks.Callback; none: nothing is ever called.
        net: the Keras net.
        optimizer: what trains it.
    """

    def __init__(self, callbacks: list[Any] | None = None, net: Any = None, optimizer: Any = None) -> None:
        self._callbacks = callbacks or []
        self._net, self._optimizer = net, optimizer
        self._scheduled: float | None = None

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._callbacks:
            # Else it would be saved with the net.
            self._net.optimizer = None

    def begin(self, epochs: int, steps: int, kept: Mapping[str, Any]) -> None:
        """`on_train_begin`, and then what the callbacks remembered when an earlier session ended."""
        if not self._callbacks:
            return
        self._net.optimizer, self._net.stop_training = self._optimizer, False
        for callback in self._callbacks:
            callback.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
            callback.set_model(self._net)
            callback.on_train_begin({})
        self._scheduled = kept.get("scheduled")
        for callback, memory in zip(self._callbacks, kept.get("callbacks", ()), strict=False):
            vars(callback).update(memory)

    def call(self, hook: str, *arguments: Any) -> None:
        """One hook of every callback, such as `on_epoch_begin`."""
        for callback in self._callbacks:
            getattr(callback, hook)(*arguments)

    def schedule(self, rate: float) -> None:
        """Set the scheduled learning rate, where it is another than before."""
        if self._callbacks and rate != self._scheduled:
            self._optimizer.learning_rate.assign(rate)
            self._scheduled = rate

    def rate(self, scheduled: float) -> float:
        """The learning rate of the step that follows: the scheduled one, or what a callback has set since."""
        return float(self._optimizer.learning_rate.numpy()) if self._callbacks else scheduled

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked to end the training."""
        return bool(self._callbacks) and bool(self._net.stop_training)

    def memory(self) -> dict[str, Any]:
        """What `begin` takes: the numbers, texts and truth values that the callbacks hold."""
        if not self._callbacks:
            return {}
        return {"scheduled": self._scheduled, "callbacks": [_plain(callback) for callback in self._callbacks]}


def _plain(callback: Any) -> dict[str, Any]:
    values = {name: value.item() if _single(value) else value for name, value in vars(callback).items()}
    return {name: value for name, value in values.items() if isinstance(value, _PLAIN)}


def _single(value: Any) -> bool:
    """A NumPy number."""
    return hasattr(value, "item") and getattr(value, "shape", None) == ()

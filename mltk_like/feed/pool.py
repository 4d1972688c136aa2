"""Worker processes that turn clips into batches, ahead of the training step and in order.

One task is one batch, and a batch is a pure function of (first window, count), so any number of workers gives the same
bytes. Processes are spawned, never forked: a fork would copy TensorFlow's threads in an undefined state.
"""

import ctypes
import functools
import multiprocessing
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from mltk_like.errors import DataError, MltkLikeError, ModelError, ToolError
from mltk_like.feed.features import open_windows
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.loader import load_file
from mltk_like.model import Model
from mltk_like.processes import usable_cores
from mltk_like.settings import from_json
from mltk_like.signals import serve_parent, workers_start
from mltk_like.terminal import make_printable

# Libraries that would start a thread per core in every worker. And glibc, which would hand the memory of every large
# array back and fetch it again for the next: that is a tenth of a worker's time.
_ENVIRONMENT = {
    **{name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")},
    "MALLOC_TOP_PAD_": str(64 << 20),
}

# A worker's own window maker, or why it has none: the one object that a process pool's tasks can share.
_maker: WindowMaker | MltkLikeError | None = None

# The window that each batch under way has come to, shared by all processes: to name the one that hangs.
_begun: "ctypes.Array[ctypes.c_int64] | None" = None
_NONE = -1

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class FeedSpec:
    """What a worker needs to rebuild the model and open the split: the model's file and what was set on top of it."""

    model_path: Path
    overrides: dict[str, Any]
    files: SplitFiles


@dataclass(frozen=True)
class Task:
    """One batch: windows `first` to `first + count`, counted over all passes."""

    first: int
    count: int


def default_workers() -> int:
    """One worker a core that this process may use."""
    return usable_cores()


class BatchSource(Protocol):
    """What a training takes its batches from: `Feed`, or `feed.copies.CopyFeed`."""

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """The batches of the tasks, in order."""


class Feed:
    """Batches of one split. Use it as a context manager: leaving it ends the workers.

    Args:
        model: the model with its settings.
        files: the split.
        workers: processes; 0 makes the batches in this process, as does a model that has no file.
        overrides: JSON settings on top of the model's file, for the workers.
        timeout_s: a batch that takes longer counts as one that hangs; workers only.

    Raises:
        MltkLikeError: a worker cannot load the model or open the split.
        ToolError: a worker process died, or does not start.
    """

    def __init__(
        self,
        model: Model,
        files: SplitFiles,
        *,
        workers: int,
        overrides: dict[str, Any] | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        self._model = model
        self._files = files
        self._timeout_s = timeout_s
        self._executor: ProcessPoolExecutor | None = None
        self._processes: list[BaseProcess] = []
        self._local: WindowMaker | None = None
        if workers == 0 or model.path is None:
            self._local = open_windows(model, files)
            return
        spec = FeedSpec(model_path=model.path, overrides=overrides or {}, files=files)
        self._ahead = 2 * workers + 2
        context = multiprocessing.get_context("spawn")
        self._begun = context.RawArray(ctypes.c_int64, self._ahead)
        with _environment(_ENVIRONMENT):
            with workers_start():
                self._executor = ProcessPoolExecutor(
                    max_workers=workers, mp_context=context, initializer=_start_worker, initargs=(spec, self._begun)
                )
            try:
                # Start all of them now, while the environment says one thread each.
                for future in self._start(workers):
                    self._result(future, lambda: "loading the model's file in a worker")
            except BaseException:
                self.stop()
                raise

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """The batches of the tasks, in order, made ahead of their use.

        Raises:
            DataError: a clip could not be used (with its path and the worker's traceback), or takes for ever.
            ToolError: a worker process died.
        """
        if self._local is not None:
            yield from (self._local.batch(task.first, task.count) for task in tasks)
            return
        assert self._executor is not None
        pending: deque[tuple[Future[Batch], int]] = deque()
        for number, task in enumerate(tasks):
            slot = number % self._ahead
            self._begun[slot] = _NONE
            with _deaths_named():
                pending.append((self._executor.submit(_make_batch, task, slot), slot))
            if len(pending) >= self._ahead:
                yield self._batch(*pending.popleft())
        while pending:
            yield self._batch(*pending.popleft())

    def close(self) -> None:
        """End the workers; batches under way are finished and dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def stop(self) -> None:
        """End the workers at once; batches under way are lost."""
        for process in self._processes:
            process.terminate()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After Ctrl-C nobody wants to wait for the batches under way.
        self.stop() if kind is not None else self.close()

    def _start(self, workers: int) -> list["Future[None]"]:
        assert self._executor is not None
        others = multiprocessing.active_children()
        with workers_start():
            try:
                with _deaths_named():
                    return [self._executor.submit(_ready) for _ in range(workers)]
            finally:
                self._processes = [process for process in multiprocessing.active_children() if process not in others]

    def _batch(self, future: "Future[Batch]", slot: int) -> Batch:
        return self._result(future, lambda: self._hanging(self._begun[slot]))

    def _hanging(self, window: int) -> str:
        if window == _NONE:
            return "making a batch"
        return f"augmenting {open_windows(self._model, self._files).name(window)}"

    def _result(self, future: "Future[_Result]", doing: Callable[[], str]) -> "_Result":
        # Twice: a process that was stopped meanwhile (Ctrl-Z) finds its first wait over, though nobody had a chance.
        for _ in range(2):
            with _deaths_named(), suppress(TimeoutError):
                return future.result(timeout=self._timeout_s / 2)
        raise DataError(
            f"{doing()} has not ended after {self._timeout_s:g} s", "the model's code waits for what does not come"
        )


@contextmanager
def _deaths_named() -> Iterator[None]:
    """Say in the user's words that a worker is gone, which submitting a task can show as well as its result."""
    try:
        yield
    except BrokenProcessPool as error:
        raise ToolError(
            "a worker process died: it was killed, ran out of memory, or could not start",
            '--resume goes on, fewer --workers need less memory; a script of yours needs if __name__ == "__main__":',
        ) from error


def _start_worker(spec: FeedSpec, begun: "ctypes.Array[ctypes.c_int64]") -> None:
    global _maker, _begun
    _begun = begun
    make_printable()
    serve_parent()
    # An exception here would only break the pool; kept, the first task can hand it over.
    try:
        _maker = open_windows(from_json(load_file(spec.model_path), spec.overrides), spec.files)
    except MltkLikeError as error:
        _maker = error
    except Exception as error:
        _maker = ModelError(f"a worker cannot start: {type(error).__name__}: {error}\n{traceback.format_exc()}")


def _ready() -> None:
    if isinstance(_maker, MltkLikeError):
        raise _maker


def _make_batch(task: Task, slot: int) -> Batch:
    assert isinstance(_maker, WindowMaker)
    assert _begun is not None
    return _maker.batch(task.first, task.count, begun=functools.partial(_begun.__setitem__, slot))


class _environment:
    """Environment variables that child processes started meanwhile inherit."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._values}
        os.environ.update(self._values)

    def __exit__(self, *unused: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

"""TensorFlow and other libraries without their chatter."""

import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from mltk_like.errors import ToolError


@contextlib.contextmanager
def quiet_output() -> Iterator[None]:
    """Keep what C++ code and Python write to the terminal off it; show it after all when an exception passes."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        saved = [os.dup(1), os.dup(2)]
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        # A handler of a notebook holds the stream of its cell, whatever the streams are now.
        level = logging.root.manager.disable
        logging.disable(max(level, logging.INFO))
        try:
            # In a notebook Python's own streams are not those of the process.
            with (
                open(os.dup(sink.fileno()), "w", buffering=1, encoding="utf-8", errors="replace") as text,
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(text),
            ):
                try:
                    yield
                finally:
                    _without_handlers_to(text)
        except BaseException as error:
            _restore(saved)
            if not isinstance(error, KeyboardInterrupt):
                sink.seek(0)
                sys.stderr.write(sink.read().decode(errors="replace"))
            raise
        else:
            _restore(saved)
        finally:
            logging.disable(level)


def _without_handlers_to(stream: TextIO) -> None:
    """Libraries that log meanwhile set up handlers, which would go on writing to the stream once it is closed."""
    named = [logging.getLogger(name) for name in [*logging.root.manager.loggerDict]]
    for logger in (logging.root, *named):
        for handler in [*logger.handlers]:
            if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                logger.removeHandler(handler)


def _restore(saved: list[int]) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    for target, copy in zip((1, 2), saved, strict=True):
        os.dup2(copy, target)
        os.close(copy)


@contextlib.contextmanager
def libraries_silent() -> Iterator[None]:
    """Keep what C libraries write to the process's stderr off it. Blocks of several threads may overlap.

    It is for moments: what Python prints to stderr meanwhile is lost too.
    """
    with _SILENCE.lock:
        _SILENCE.begin()
    try:
        yield
    finally:
        with _SILENCE.lock:
            _SILENCE.end()


class _Silence:
    """The process's stderr turned to nowhere while anybody wants that."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._users = 0
        self._saved: int | None = None

    def begin(self) -> None:
        self._users += 1
        if self._users > 1:
            return
        try:
            self._saved = os.dup(2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
        except OSError:
            return  # a daemon without a stderr: there is nothing to keep clean
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def end(self) -> None:
        self._users -= 1
        if self._users or self._saved is None:
            return
        os.dup2(self._saved, 2)
        os.close(self._saved)
        self._saved = None


_SILENCE = _Silence()


def import_tensorflow(*, threads: int | None = None) -> Any:
    """TensorFlow, imported without its log lines.

    Args:
        threads: threads of one operation; none leaves TensorFlow's choice. Only the first call in a process can set it.

    Raises:
        ToolError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_output():
            import tensorflow as tf

            if threads is not None:
                # A notebook that has used TensorFlow keeps the threads it has.
                with contextlib.suppress(RuntimeError):
                    tf.config.threading.set_intra_op_parallelism_threads(threads)
                    tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.zeros(1)
    except ImportError as error:
        raise ToolError("TensorFlow is not installed", "pip install 'mltk_like[train]'") from error
    return tf

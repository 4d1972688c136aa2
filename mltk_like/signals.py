"""What ends a command from outside: Ctrl-C (SIGINT), SIGTERM, and a terminal that was closed (SIGHUP; SIGBREAK on
Windows).

All of them come as a KeyboardInterrupt, so that whatever keeps its work at a Ctrl-C keeps it. Only the command line
asks for that; a script or a notebook that imports the package keeps the handlers it has.
"""

import _thread
import multiprocessing
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

if sys.platform == "win32":
    _CLOSED = signal.SIGBREAK
else:
    _CLOSED = signal.SIGHUP
_ENDING = (signal.SIGINT, signal.SIGTERM, _CLOSED)
# The kernel, the shell and who waits for a service each send one when a terminal closes or a machine stops.
_SAME_END_S = 5.0


class Stopped(KeyboardInterrupt):
    """SIGTERM came, or the terminal was closed.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code(error: KeyboardInterrupt) -> int:
    """What shells show of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + (error.number if isinstance(error, Stopped) else signal.SIGINT)


class Signals:
    """The signals that end a command, as exceptions within a `with`. One that is ignored (`nohup`, `&`) stays ignored.

    Outside the main thread it does nothing, for Python has no handlers there.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._came: KeyboardInterrupt | None = None
        self._since = 0.0

    @property
    def came(self) -> KeyboardInterrupt | None:
        """What ended the command, also where the code that it came in made another exception of it."""
        return self._came

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = signal.signal(number, self._end)
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._swallowed
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if threading.current_thread() is threading.main_thread():
            sys.unraisablehook = self._unraisable

    def _end(self, number: int, frame: FrameType | None) -> None:
        if number == _CLOSED:
            _leave_terminal()
        before, self._since = self._since, time.monotonic()
        if number != signal.SIGINT and self._came is not None and self._since - before < _SAME_END_S:
            return
        self._came = KeyboardInterrupt() if number == signal.SIGINT else Stopped(number)
        raise self._came

    def _swallowed(self, unraisable: Any) -> None:
        """An exception that Python cannot pass on, such as from within a destructor or an import's lock."""
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            self._unraisable(unraisable)
            return
        # It would be lost. It comes again in a moment, in code that can be ended.
        self._came = None
        number = getattr(unraisable.exc_value, "number", signal.SIGINT)
        again = threading.Timer(0.02, _send, (number,))
        again.daemon = True
        again.start()


def _send(number: int) -> None:
    """A signal to this process. Windows would end it without asking the handlers; there only Python hears of it."""
    if sys.platform == "win32":
        _thread.interrupt_main(signal.Signals(number))
    else:
        os.kill(os.getpid(), number)


def _leave_terminal() -> None:
    """What would be written to a terminal that is gone goes nowhere; an error there would hide the true end."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(handle).st_mode):
                    os.dup2(nowhere, handle)
        os.close(nowhere)


@contextmanager
def workers_start() -> Iterator[None]:
    """Worker processes and threads that start meanwhile never see Ctrl-C and SIGHUP: they inherit the mask.

    So does the process that removes what they shared when all are gone, which starts as soon as anything is shared:
    the pool is to be made within this too. Windows has no mask: there they see a Ctrl-C until they serve, and end.
    """
    if sys.platform == "win32":
        yield
    else:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, _CLOSED})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def serve_parent() -> None:
    """For a worker process: Ctrl-C and a closed terminal are the parent's affair, and it ends when the parent does."""
    for number in (signal.SIGINT, _CLOSED):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed hard cannot end its workers: they watch it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def end_with_stdin() -> None:
    """For a process whose parent holds the other end of its standard input: SIGTERM when that is closed.

    The parent interrupts it by SIGINT, which must reach it though the parent itself ignores or blocks that, as jobs in
    the background and the workers of Ray do.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_at_eof, daemon=True).start()


def _end_at_eof() -> None:
    # Not by sys.stdin, whose lock Python wants when it ends.
    while os.read(0, 4096):
        pass
    _send(signal.SIGTERM)

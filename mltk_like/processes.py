"""This process and others of the machine, as Linux, macOS and Windows each have them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


def usable_cores() -> int:
    """How many cores this process may use."""
    if sys.platform in ("win32", "darwin"):
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def peak_memory_mb() -> int | None:
    """The most memory that this process has had so far, in MiB; None on Windows, which Python cannot ask."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): Linux counts KiB, macOS bytes.
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def interrupt_session(process: "subprocess.Popen[Any]") -> None:
    """As Ctrl-C in a terminal: end a process that leads a session (`start_new_session`), and all that it started.

    Windows has no such signal between processes; there it ends when its standard input does, see
    `signals.end_with_stdin`.
    """
    if sys.platform == "win32":
        if process.stdin is not None:
            process.stdin.close()
    else:
        os.killpg(process.pid, signal.SIGINT)


def kill_session(process: "subprocess.Popen[Any]") -> None:
    """End such a process at once, and all that it started; on Windows the process, whose workers end with it."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def still_runs(pid: int, written: Path) -> bool:
    """Whether the process of a number that wrote a file is still there, and is not this one."""
    return pid != os.getpid() and _exists(pid) and not _is_another(pid, written)


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def _exists_on_windows(pid: int) -> bool:
    """`os.kill(pid, 0)` would interrupt it there. The constants are those of Windows' processthreadsapi.h."""
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    asked = kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
    kernel.CloseHandle(ctypes.c_void_p(handle))
    return bool(asked) and code.value == still_active


def _is_another(pid: int, written: Path) -> bool:
    """Whether a process only has the number of the one that wrote the file: it began later, or is a dead one's rest.

    Numbers are used again, after a restart of a container at once. Where there is no /proc the question stays open.
    """
    if sys.platform != "linux":
        return False
    try:
        # After the name, which may hold anything: state, ..., 20th: start in clock ticks after the machine's (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_bytes().splitlines() if line.startswith(b"btime"))
        began = int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return fields[0] == b"Z" or began > written.stat().st_mtime + 10.0
    except (OSError, ValueError, IndexError, StopIteration):
        return False

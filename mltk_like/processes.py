"""Other processes of this machine."""

import os
from pathlib import Path


def still_runs(pid: int, written: Path) -> bool:
    """Whether the process of a number that wrote a file is still there, and is not this one."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return not _is_another(pid, written)


def _is_another(pid: int, written: Path) -> bool:
    """Whether a process only has the number of the one that wrote the file: it began later, or is a dead one's rest.

    Numbers are used again, after a restart of a container at once. Where there is no /proc the question stays open.
    """
    try:
        # After the name, which may hold anything: state, ..., 20th: start in clock ticks after the machine's (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_bytes().splitlines() if line.startswith(b"btime"))
        began = int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return fields[0] == b"Z" or began > written.stat().st_mtime + 10.0
    except (OSError, ValueError, IndexError, StopIteration):
        return False

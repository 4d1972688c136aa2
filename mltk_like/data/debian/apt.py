"""`apt-get` without root and without a trace on the system: package lists and downloads lie in the cache.

apt checks each list by the signature of the distribution's key and each package by the hash in the list. The machine's
own sources, keys and proxies are used.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from mltk_like.data.fetch import is_offline, locked
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, write_text

# Debian's lists change a few times a day, stable's packages a few times a year.
_LISTS_LAST_S = 24 * 3600.0
# What the machine runs around an update (restarts, caches of desktop programs) is none of our business, and what
# programs like apt-file add to the lists may be hundreds of megabytes.
_CONFIGURATION = "".join(
    f"#clear {name};\n"
    for name in (
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
        *(
            f"Acquire::IndexTargets::deb::{target}"
            for target in (
                "CNF", "Contents-deb", "DEP-11", "DEP-11-icons-small", "DEP-11-icons", "DEP-11-icons-large",
                "DEP-11-icons-hidpi", "DEP-11-icons-large-hidpi",
            )
        ),
    )
)  # fmt: skip
_OPTIONS = (
    # As root, apt else changes to a user who may not be allowed to write to the cache; others cannot change anyway.
    "APT::Sandbox::User=root",
    "APT::Get::AllowUnauthenticated=false",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
)


class NothingMoreError(DataError):
    """There is no apt here, no network or no room: to ask for another package would be in vain."""


def download(package: str, into: Path) -> tuple[Path, str]:
    """Fetch a package by apt, verified.

    Args:
        package: its name.
        into: an empty folder for it.

    Returns:
        The `.deb` file and the package's version.

    Raises:
        NothingMoreError: the network is off, there is no apt here, it gets no package lists, or the disk is full.
        DataError: it has no such package, or the download failed.
    """
    if is_offline():
        raise NothingMoreError(
            f"{package} is not in the cache and the network is off", "fetch it once without --offline"
        )
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise NothingMoreError(f"there is no {program} on this machine", "Debian and Ubuntu have it")
    into = into.resolve()
    _update()
    _apt("download", package, folder=into, failure=f"apt cannot download {package}")
    found = sorted(into.glob("*.deb"))
    if not found:
        raise DataError(f"apt downloaded no {package}", "try it yourself: apt-get download " + package)
    version = _run(["dpkg-deb", "--field", str(found[0]), "Version"], into, f"cannot read {found[0].name}")
    return found[0], version.strip()


def unpack(deb: Path, into: Path) -> None:
    """Unpack a package's files, without installing anything. Raises DataError."""
    _run(["dpkg-deb", "-x", str(deb.resolve()), str(into.resolve())], deb.parent, f"cannot unpack {deb.name}")


def _root() -> Path:
    return cache_dir().resolve() / "debian" / "apt"


def _update() -> None:
    """Get the package lists, unless those of the last day are there."""
    stamp = _root() / "updated"
    with locked(stamp):
        if stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < _LISTS_LAST_S:
            return
        try:
            _apt("update", folder=_root(), failure="apt cannot get the package lists")
        except DataError as error:
            raise NothingMoreError(error.message, error.hint) from error
        # A list that cannot be had is no error to apt: one of somebody else's archives may be down.
        if not any("_Packages" in path.name for path in (_root() / "lists").iterdir()):
            raise NothingMoreError("apt gets no package lists", "try it yourself: sudo apt-get update")
        write_text(stamp, "")


def _apt(*command: str, folder: Path, failure: str) -> None:
    root = _root()
    write_text(root / "apt.conf", _CONFIGURATION)
    for name in ("lists/partial", "cache/archives/partial"):
        (root / name).mkdir(parents=True, exist_ok=True)
    private = (f"Dir::State::Lists={root / 'lists'}/", f"Dir::Cache={root / 'cache'}/")
    options = [word for option in (*_OPTIONS, *private) for word in ("-o", option)]
    _run(["apt-get", "-qq", "-c", str(root / "apt.conf"), *options, *command], folder, failure)


def _run(command: Sequence[str], folder: Path, failure: str) -> str:
    """Output of a program. Raises DataError, with the last thing that it complained of."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True,
            encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise DataError(f"{failure}: {error.strerror}") from error
    if done.returncode:
        complaints = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in complaints if line.startswith("E:")] or complaints
        why = errors[0].removeprefix("E:").strip() if errors else f"{command[0]} ended with {done.returncode}"
        if "No space left" in done.stderr:
            raise NothingMoreError(f"{failure}: {why}", "check the free disk")
        raise DataError(f"{failure}: {why}", "check the network and apt's sources")
    return done.stdout

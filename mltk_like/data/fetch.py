"""Files over HTTP: fetched once, verified, and resumed where the line was cut."""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from mltk_like.data.pace import TooSlow, answer_in_time, body_in_time
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, write_text

logger = logging.getLogger(__name__)

_OFFLINE = "MLTK_LIKE_OFFLINE"
# An attempt that brings at least this much does not count: big files must get through bad lines.
_PROGRESS_BYTES = 1 << 20
_LONGEST_WAIT_S = 30.0


def fetch(
    url: str,
    target: Path,
    *,
    sha1: str | None = None,
    sha256: str | None = None,
    mirrors: Sequence[str] = (),
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = 30.0,
    retries: int = 3,
    backoff_s: float = 0.5,
    progress: bool = True,
) -> Path:
    """Fetch a file over HTTP, once.

    What was received before a failure stays beside `target` and the next call resumes there, if the server has the same
    file still. Two processes that want the same target take turns, and the second finds it done.

    Args:
        url: http or https.
        target: where the file goes; it appears there whole and verified, or not at all.
        sha1: expected SHA-1 in hexadecimal, any case.
        sha256: expected SHA-256 in hexadecimal, any case.
        mirrors: further addresses of the same file, tried in turn.
        connect_timeout_s: longest wait for a connection.
        read_timeout_s: longest silence of the server. One that sends all the time and less than 16 KiB in 60 s is as
            good as silent (`data.pace`).
        retries: further attempts at each address after a passing failure (cut line, time-out, 5xx, 408, 429). An
            address that cannot be connected to at all is left at once.
        backoff_s: pause before the first retry; it doubles each time.
        progress: show a progress bar in bytes.

    Returns:
        `target`.

    Raises:
        DataError: no address gave the file, its hash is wrong (the file is removed), or it cannot be written; or it is
            not there, and MLTK_LIKE_OFFLINE=1 or a block of `offline` keeps it from the network.
    """
    wanted = {name: value.lower() for name, value in (("sha1", sha1), ("sha256", sha256)) if value}
    with locked(target):
        if _is_done(target, wanted):
            return target
        if is_offline():
            raise DataError(
                f"{url_file_name(url)} is not in the cache and the network is off",
                f"fetch {url} once without --offline",
            )
        part = _Part(
            target=target, url=url, wanted=wanted, timeouts=(connect_timeout_s, read_timeout_s), progress=progress
        )
        causes = []
        for address in (url, *mirrors):
            cause = _from_address(part, address, retries, backoff_s)
            if not cause:
                return target
            causes.append(f"{address}: {cause}")
    raise DataError(
        f"cannot fetch {'; '.join(causes)}", "check the network, or get the file yourself and use a folder source"
    )


def is_offline() -> bool:
    """Whether MLTK_LIKE_OFFLINE says that the network must not be used."""
    return os.environ.get(_OFFLINE, "") not in ("", "0")


@contextmanager
def offline(wanted: bool = True) -> Iterator[None]:
    """Keep every `fetch` in the block from the network, also those of processes that are started in it.

    Args:
        wanted: False changes nothing: what the environment says still holds.
    """
    before = os.environ.get(_OFFLINE)
    if wanted:
        os.environ[_OFFLINE] = "1"
    try:
        yield
    finally:
        if wanted and before is None:
            del os.environ[_OFFLINE]
        elif wanted and before is not None:
            os.environ[_OFFLINE] = before


def cache_path(url: str) -> Path:
    """The cache's folder for a URL: by name and a hash of the whole URL, for many URLs end in the same name."""
    stem = url_file_name(url).partition(".")[0][:80]
    return cache_dir() / "downloads" / f"{stem}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


@dataclass(kw_only=True)
class _Part:
    """A download in progress: `<target>.part`, and in `<target>.part.json` which file on which server that is."""

    target: Path
    url: str
    wanted: dict[str, str]
    timeouts: tuple[float, float]
    progress: bool

    @property
    def path(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def resume_headers(self, url: str) -> dict[str, str]:
        """Headers that ask for the rest, if it can be known to be the rest of the same file."""
        if not self.size():
            return {}
        headers = {"Range": f"bytes={self.size()}-"}
        note = read_note(self.note)
        if note.get("url") == url and note.get("validator"):
            return {**headers, "If-Range": note["validator"]}
        # Without a validator only the hash at the end can tell.
        return headers if self.wanted else {}

    def finish(self) -> str:
        """Verify and put in place; returns what is wrong with the hash, or ''."""
        for name, wanted in self.wanted.items():
            found = _digest(self.path, name)
            if found != wanted:
                self.clear()
                return f"its {name.upper()} is {found}, not {wanted}"
        write_text(hash_note(self.target), json.dumps(self.wanted))
        self.path.replace(self.target)
        self.clear()
        return ""


class _Passing(Exception):
    """A failure that may be gone at the next attempt.

    Args:
        cause: in words.
        wait_s: pause that the server asks for.
        counts: whether it uses up one of the retries.
    """

    def __init__(self, cause: str, *, wait_s: float = 0.0, counts: bool = True) -> None:
        super().__init__(cause)
        self.wait_s = wait_s
        self.counts = counts


def _from_address(part: _Part, url: str, retries: int, backoff_s: float) -> str:
    """Get the file from one address; returns why it failed, or ''."""
    failures, longest = 0, part.size()
    while True:
        resumed = part.size() > 0
        try:
            cause = _attempt(part, url) or part.finish()
            # A wrong hash after a resume may mean that two versions were joined: once more from the start.
            if not cause or not resumed or part.size():
                return cause
        except _Passing as failure:
            if part.size() >= longest + _PROGRESS_BYTES:
                failures, longest = 0, part.size()
            if not failure.counts:
                continue
            failures += 1
            if failures > retries:
                return str(failure)
            logger.info("%s: %s; attempt %d of %d", url, failure, failures + 1, retries + 1)
            time.sleep(min(_LONGEST_WAIT_S, max(failure.wait_s, backoff_s * 2 ** (failures - 1))))


def _attempt(part: _Part, url: str) -> str:
    """One request; returns why it can never work, or '' when the part file is whole. Raises _Passing."""
    import requests
    import urllib3

    headers = {"Accept-Encoding": "identity", **part.resume_headers(url)}
    try:
        with answer_in_time(lambda: requests.get(url, headers=headers, stream=True, timeout=part.timeouts)) as answer:
            return _receive(part, url, answer)
    except (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, requests.exceptions.InvalidURL):
        return "not an http or https address"
    except TooSlow as error:
        raise _Passing(str(error)) from error
    except requests.exceptions.TooManyRedirects:
        return "it redirects in circles"
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        timed_out = isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError)
        cause = "no answer in time" if timed_out else _short(error)
        if _is_unreachable(error) and not part.size():
            return cause
        raise _Passing(cause) from error


def _is_unreachable(error: Exception) -> bool:
    """Whether there was no connection at all. Without a network every source would else be waited for many times."""
    import requests
    import urllib3

    reason = getattr(error.args[0], "reason", None) if error.args else None
    connecting = isinstance(error, requests.exceptions.ConnectTimeout)
    return connecting or isinstance(reason, urllib3.exceptions.NewConnectionError)


def _receive(part: _Part, url: str, answer: Any) -> str:
    """Take the body of an answer; returns why it can never work, or ''. Raises _Passing."""
    status = answer.status_code
    start, total = _body_range(answer)
    if status == 416 and part.size():
        if total == part.size():
            return ""
        part.clear()
        raise _Passing("the file there is shorter than what we had", counts=False)
    if status in (408, 425, 429) or status >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise _Passing(f"HTTP {status}", wait_s=float(wait) if wait.isdigit() else 0.0)
    if status not in (200, 206):
        return f"HTTP {status} {answer.reason or ''}".rstrip()
    if start not in (0, part.size()):
        asked = part.size() > 0
        part.clear()
        raise _Passing("the server sent another range than we asked for", counts=not asked)
    if not start:
        # A weak ETag does not promise the same bytes, so it cannot validate a resume (RFC 9110, 13.1.5).
        etag = answer.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
        part.clear()
        write_text(part.note, json.dumps({"url": url, "validator": validator}))
    _store(part, answer.raw, start, total)
    if total is not None and part.size() != total:
        raise _Passing(f"the line was cut after {part.size():,} of {total:,} bytes")
    return ""


def _body_range(answer: Any) -> tuple[int, int | None]:
    """Where in the file the body starts, and how large the whole file is, if the server says so."""
    partial = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if answer.status_code in (206, 416):
        total = partial.group(2) if partial else "*"
        start = partial.group(1) if partial else None
        return int(start) if start else -1, int(total) if total != "*" else None
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _store(part: _Part, raw: Any, start: int, total: int | None) -> None:
    """Append the body to the part file, or start it anew."""
    from tqdm.auto import tqdm

    bar = tqdm(
        desc=url_file_name(part.url), total=total, initial=start, unit="B", unit_scale=True, unit_divisor=1024,
        disable=not part.progress, leave=False,
    )  # fmt: skip
    try:
        with bar, part.path.open("ab" if start else "wb") as out:
            for chunk in body_in_time(raw):
                out.write(chunk)
                bar.update(len(chunk))
    except OSError as error:
        raise DataError(f"cannot write {part.path}: {error.strerror or error}", "check the free disk") from error


def _is_done(target: Path, wanted: dict[str, str]) -> bool:
    """Whether `target` is there and is what is wanted; one that is not is removed."""
    if not target.is_file():
        return False
    known = read_note(hash_note(target))
    if all(known.get(name) == value or _digest(target, name) == value for name, value in wanted.items()):
        return True
    target.unlink()
    return False


def hash_note(target: Path) -> Path:
    """Holds the verified hashes of a fetched file, so that it is hashed once only."""
    return target.with_name(f"{target.name}.hash.json")


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def url_file_name(url: str) -> str:
    """Last part of a URL's path, safe as a file name."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[-120:] or "download"


def read_note(path: Path) -> dict[str, Any]:
    """A note of ours; one that is missing or damaged counts as empty."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _short(error: BaseException) -> str:
    """The innermost cause that requests and urllib3 wrap, without the addresses of Python objects."""
    inner = [getattr(error, "reason", None), *reversed(error.args)]
    for cause in inner:
        if isinstance(cause, Exception):
            return _short(cause)
    return re.sub(r"<[^>]* object at 0x[0-9a-f]+>:? ?|^\w+\([^)]*\): ", "", str(error)) or type(error).__name__


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """One process, one thread at a time. The lock goes with the process that holds it, however it ends."""
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f"{target.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise DataError(
            f"cannot write to {target.parent}: {error.strerror}", "set MLTK_LIKE_CACHE to a folder that can be"
        ) from error
    try:
        yield
    finally:
        lock.release()

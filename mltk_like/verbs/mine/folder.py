"""The folder that `mine` fills: cuts by recording, a manifest of them, and which files were heard already.

mined/
    heard.jsonl                  which model mined with which settings; then a line for each file that was heard
    manifest.jsonl               a line for each cut
    evening-3f0a91c2/            all cuts of one recording, or of one sub-folder with recordings
        evening_alexa_00h12m40.400s_187.wav
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from mltk_like.errors import DataError, SettingError
from mltk_like.paths import write_bytes

HEARD = "heard.jsonl"
MANIFEST = "manifest.jsonl"

FileState = tuple[int, int]
"""Size of a file in bytes, and when it was changed, in nanoseconds as the file system has it."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Who mined, and how: all cuts of a folder are of one model and one choice of settings.

    Attributes:
        model: its name.
        version: of its specification; -1: its `.tflite` has none.
        sha256: of its `.tflite`, in hexadecimal.
        thresholds: above which each keyword was cut out.
        own_thresholds: above which the model itself detects it.
        limit: most cuts of one file, the highest scores first; none: all.
    """

    model: str
    version: int
    sha256: str
    thresholds: Mapping[str, int]
    own_thresholds: Mapping[str, int]
    limit: int | None


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One stretch of a recording that the model fired on.

    Attributes:
        file: the WAV file, relative to the folder of the cuts.
        source: the recording.
        label: what was detected.
        score: highest mean score of that class, 0..255.
        time_s: of the detection, from the start of the recording.
        start_s, end_s: the stretch.
    """

    file: str
    source: str
    label: str
    score: int
    time_s: float
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A file that was listened to.

    Attributes:
        source: its absolute path.
        state: of the file when it was heard: one that has changed since is heard again.
        duration_s: that was heard.
        detections: above the thresholds of the mining, merged.
        false_accepts: those of them that the model itself would make.
        cuts: what was cut out.
        problem: why not all of it was heard; empty: all was.
    """

    source: str
    state: FileState
    duration_s: float
    detections: int = 0
    false_accepts: int = 0
    cuts: tuple[Cut, ...] = ()
    problem: str = ""


class MinedFolder:
    """A folder of cuts that can be added to.

    Args:
        folder: new, empty, or begun with the same setup.
        setup: who mines now.

    Raises:
        SettingError: another model, or other settings, began it; or it holds something else.
        DataError: it cannot be read or written.
    """

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder = folder
        self.setup = setup
        self.heard: dict[str, Heard] = {}
        if (folder / HEARD).is_file():
            self._read()
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingError(f"{folder} was not made by mine", "give a new folder: -o DIR")
        else:
            write_bytes(folder / HEARD, msgspec.json.encode(setup) + b"\n")

    @property
    def cuts(self) -> list[Cut]:
        """All of them, by recording and time."""
        return [cut for source in sorted(self.heard) for cut in self.heard[source].cuts]

    def has(self, path: Path, state: FileState) -> bool:
        """Whether a file was heard in this state."""
        row = self.heard.get(str(path))
        return row is not None and row.state == state

    def add(self, row: Heard) -> None:
        """Note that a file was heard and its cuts are written; cuts of the file as it was before are removed."""
        before = self.heard.get(row.source)
        for name in {cut.file for cut in before.cuts} - {cut.file for cut in row.cuts} if before else ():
            (self.folder / name).unlink(missing_ok=True)
        self.heard[row.source] = row
        # A line more in place of the whole file again: there may be 100,000 recordings.
        try:
            with (self.folder / HEARD).open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
        except OSError as error:
            raise DataError(f"cannot write {self.folder / HEARD}: {error.strerror}", "check free disk") from error

    def write_manifest(self) -> Path:
        """A line for each cut, with the model that fired. Returns the file; raises DataError."""
        setup = self.setup
        fired = {"model": setup.model, "version": setup.version, "model_sha256": setup.sha256}
        lines = [msgspec.json.encode({**asdict(cut), **fired}) + b"\n" for cut in self.cuts]
        write_bytes(self.folder / MANIFEST, b"".join(lines))
        return self.folder / MANIFEST

    def _read(self) -> None:
        path = self.folder / HEARD
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", "check its permissions") from error
        # What a crash left of its last line is no line, and must not be continued.
        whole = data[: data.rfind(b"\n") + 1]
        try:
            first, *rows = whole.splitlines() or [b""]
            began = msgspec.json.decode(first, type=Setup)
            self.heard = {row.source: row for row in (msgspec.json.decode(line, type=Heard) for line in rows)}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is damaged: {error}", "remove the folder, or give another: -o DIR") from error
        self._refuse_another(began)
        if len(whole) < len(data):
            write_bytes(path, whole)

    def _refuse_another(self, began: Setup) -> None:
        hint = f"give a new folder, for example -o {self.folder.name}-2; training takes several: --negatives DIR DIR"
        if began.sha256 != self.setup.sha256:
            raise SettingError(f"{self.folder} was mined with another model: {describe(began)}", hint)
        if (began.thresholds, began.limit) != (self.setup.thresholds, self.setup.limit):
            what = f"thresholds {dict(began.thresholds)}, limit {began.limit}"
            raise SettingError(f"{self.folder} was mined with other settings: {what}", f"use these, or {hint}")


def describe(setup: Setup) -> str:
    """The model in a few words."""
    version = f" version {setup.version}" if setup.version >= 0 else ""
    return f"{setup.model}{version} ({setup.sha256[:12]})"


def state_of(path: Path) -> FileState:
    """How a file is now. Raises DataError where it is gone."""
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", "check that it is there") from error
    return found.st_size, found.st_mtime_ns


def cut_name(path: Path, root: Path, label: str, time_ms: int, score: int) -> str:
    """Where a cut belongs in the folder: `<recording>/<file>_<label>_<time>_<score>.wav`.

    Training takes each sub-folder for one recording, so that what is cut out of one is never in two splits. A
    recording is a file of `root`, or a sub-folder of it with all its files, as it is in `--negatives root` itself.
    """
    first, *rest = path.relative_to(root).with_suffix("").parts
    top = path if not rest else root / first
    key = hashlib.sha256(str(top).encode()).hexdigest()[:8]
    seconds, ms = divmod(time_ms, 1000)
    time = f"{seconds // 3600:02}h{seconds // 60 % 60:02}m{seconds % 60:02}.{ms:03}s"
    return f"{first}-{key}/{'-'.join(rest or [first])}_{label}_{time}_{score}.wav"

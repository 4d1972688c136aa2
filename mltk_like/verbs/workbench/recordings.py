"""What the browser's microphone records, written as the verb `record` writes it."""

import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

from mltk_like.audio.wav import duration_s
from mltk_like.data.annotated import label_file_of
from mltk_like.data.labels import read_audacity
from mltk_like.errors import MltkLikeError, SettingError
from mltk_like.paths import portable
from mltk_like.verbs.record import record
from mltk_like.verbs.workbench.place import Place
from mltk_like.verbs.workbench.server import Request

FOLDER = Path("recordings")
"""As the verb's own, in the folder of the workbench."""
_SHOWN = 50


def keep_recording(place: Place, request: Request) -> dict[str, Any]:
    """Write a WAV file that the page sends into `recordings/`, with the events that are found in it.

    Raises:
        SettingError: the label cannot be part of a file's name.
        DataError: the body is no sound, or the folder cannot be written.
    """
    label, whole = request.one("label"), request.one("whole", "") == "1"
    if not request.body:
        raise SettingError("there is no recording in the request")
    if not place.writable(FOLDER):
        raise SettingError(f"{FOLDER} leads out of {place.root}", "put a folder in the link's place")
    with tempfile.TemporaryDirectory(prefix="mltk_like-") as folder:
        file = Path(folder) / "recorded.wav"
        file.write_bytes(request.body)
        seconds = duration_s(file)
        made = record(label, seconds=seconds, input=file, output=FOLDER, whole=whole, progress=False)
    return {**made.to_dict(), "text": str(made), "command": recording_command(label, seconds, whole=whole)}


def recordings(place: Place) -> dict[str, Any]:
    """The recordings of the folder with their labels, the newest first, at most 50."""
    paths = list(place.sounds_below(FOLDER)) if FOLDER.is_dir() else []
    newest = sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[:_SHOWN]
    return {"folder": str(FOLDER), "total": len(paths), "recordings": [_recording(place, path) for path in newest]}


def recording_command(label: str, seconds: float, *, whole: bool) -> str:
    """The verb that does the same in a shell, with that machine's microphone."""
    words = ["record", label, "--seconds", f"{seconds:.0f}", *(["--whole"] if whole else [])]
    return f"python -m mltk_like {shlex.join(words)}"


def _recording(place: Place, path: Path) -> dict[str, Any]:
    labels = label_file_of(path)
    try:
        seconds = duration_s(path)
        events = read_audacity(labels).intervals if labels is not None and place.readable(labels) else ()
    except MltkLikeError as error:
        return {"file": portable(path), "problem": error.message}
    counts: dict[str, int] = {}
    for event in events:
        counts[event.label] = counts.get(event.label, 0) + 1
    guessed = re.match(r"audio_(?P<label>.+)_\d+$", path.stem)
    return {
        "file": portable(path), "seconds": round(seconds, 2), "labels": counts,
        "label": guessed["label"] if guessed else "",
        "events": [{"start": e.start_s, "end": e.end_s, "label": e.label} for e in events[:200]],
    }  # fmt: skip

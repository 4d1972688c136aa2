"""The clips of a model's sources, to be heard and corrected: what `data MODEL --clips` lists."""

import shlex
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from mltk_like.errors import SettingError
from mltk_like.paths import unportable
from mltk_like.verbs.data import Change, ClipLine, ClipList, correct_clips, list_clips
from mltk_like.verbs.workbench.place import Place
from mltk_like.verbs.workbench.server import Request, finite

_PAGE = 25
_MOST_LISTS = 4


class ClipLists:
    """The lists of models that were asked for: to look at tens of thousands of files takes seconds.

    Args:
        place: the folder.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lists: OrderedDict[str, ClipList] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, request: Request) -> dict[str, Any]:
        """25 clips of a model from `offset` on, of those with the `source`, `label` and `text` asked for.

        Raises:
            Refused: there is no such model.
            MltkLikeError: as `list_clips`.
        """
        name = request.one("model")
        found = self._list(name, again=request.one("again", "") == "1")
        source, label, text = (request.one(one, "") for one in ("source", "label", "text"))
        chosen = [
            line
            for line in found.clips
            if source in ("", line.source) and label in ("", _label(line)) and text.lower() in line.clip.lower()
        ]
        offset = min(max(round(request.number("offset", 0)), 0), max(len(chosen) - 1, 0) // _PAGE * _PAGE)
        sources = [{"name": name, "state": state} for name, state in found.states.items()]
        return {
            "clips": [self._shown(line) for line in chosen[offset : offset + _PAGE]],
            "total": len(chosen),
            "offset": offset,
            "page": _PAGE,
            "sources": sources,
            "labels": list(found.labels),
        }

    def correct(self, request: Request) -> dict[str, Any]:
        """Correct one clip as it is said: label, ends and whether it is thrown out take the place of what was there.

        Raises:
            SettingError: a value is none.
            MltkLikeError: as `correct_clips`.
        """
        given = request.json()
        name, clip = str(given.get("model", "")), str(given.get("clip", ""))
        spec = self._place.spec(name)
        known = self._list(name)
        line = next((one for one in known.clips if one.clip == clip), None)
        if line is None:
            raise SettingError(f"{clip[:200]} is no clip of {name}", "load the page again")
        if not self._place.readable(unportable(line.file)):
            raise SettingError(f"{line.file} lies outside of the folder", "in a shell: data MODEL --throw-out FILE")
        change = _change(given)
        done = correct_clips(spec, {clip: change}, known=known).clips[0]
        with self._lock:
            if self._lists.get(name) is known:
                lines = tuple(done if one.clip == clip else one for one in known.clips)
                self._lists[name] = ClipList(clips=lines, states=known.states, labels=known.labels)
        return {"clip": self._shown(done), "command": correcting_command(name, clip, change)}

    def _list(self, name: str, *, again: bool = False) -> ClipList:
        spec = self._place.spec(name)
        with self._lock:
            if again or name not in self._lists:
                self._lists[name] = list_clips(spec)
                while len(self._lists) > _MOST_LISTS:
                    self._lists.popitem(last=False)
            return self._lists[name]

    def _shown(self, line: ClipLine) -> dict[str, Any]:
        """JSON values of a clip: as its source gives it, and as it is."""
        change = line.correction
        start, end = (change.trim_s if change and change.trim_s else None) or (line.start_s, line.end_s)
        return {
            "clip": line.clip, "file": line.file, "source": line.source, "group": line.group, "seconds": line.seconds,
            "given": {"label": line.label, "start": line.start_s, "end": _end(line, line.end_s)},
            "label": _label(line), "start": start, "end": _end(line, end), "out": bool(change and change.out),
            "now": line.now, "here": self._place.readable(unportable(line.file)),
        }  # fmt: skip


def correcting_command(name: str, clip: str, change: Change) -> str:
    """The verb that does the same in a shell."""
    words = ["data", name, *(["--relabel", clip, change.label] if change.label else [])]
    if change.trim_s:
        words += ["--trim", clip, *(f"{value:g}" for value in change.trim_s if value is not None)]
    words += ["--throw-out", clip] if change.out else []
    return f"python -m mltk_like {shlex.join(words if len(words) > 2 else [*words, '--as-it-was', clip])}"


def _change(given: Mapping[str, Any]) -> Change:
    """What the page says of a clip."""
    trim = given.get("trim")
    if trim is not None and (not isinstance(trim, list) or len(trim) != 2):
        raise SettingError("trim must be two numbers of seconds")
    ends = None if trim is None else (finite(trim[0], "the start"), finite(trim[1], "the end"))
    return Change(label=str(given.get("label") or ""), trim_s=ends, out=given.get("out") is True, anew=True)


def _label(line: ClipLine) -> str:
    return (line.correction.label if line.correction else "") or line.label


def _end(line: ClipLine, end: float | None) -> float:
    """The last second, also where that is the file's."""
    return line.start_s + line.seconds if end is None else end

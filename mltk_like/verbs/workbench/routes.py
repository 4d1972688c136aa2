"""What each address of the workbench answers."""

import shlex
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from mltk_like.errors import SettingError
from mltk_like.tflite import read_parameters
from mltk_like.verbs.update_params import update_params
from mltk_like.verbs.workbench.clips import ClipLists
from mltk_like.verbs.workbench.guard import Guard, Refused
from mltk_like.verbs.workbench.judged import det_plot, errors_of, judged_models
from mltk_like.verbs.workbench.live import LiveSession, LiveSessions, live_command
from mltk_like.verbs.workbench.place import Place
from mltk_like.verbs.workbench.recordings import keep_recording, recordings
from mltk_like.verbs.workbench.server import Reply, Request, as_json
from mltk_like.verbs.workbench.sounds import play
from mltk_like.verbs.workbench.trainings import curves, overview

_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MOST_AT_ONCE = 12

Route = Callable[[Request], Any]
"""From a request to a reply, or to what is sent as JSON."""


class Workbench:
    """The application: answers requests that the server has checked.

    Args:
        place: the folder.
        guard: its secrets; the page is given the token.
    """

    def __init__(self, place: Place, guard: Guard) -> None:
        self._place = place
        self._live = LiveSessions()
        self._clips = ClipLists(place)
        self._writing = threading.Lock()
        self._static = {
            entry.name: entry.read_bytes()
            for entry in (files("mltk_like.verbs.workbench") / "static").iterdir()
            if entry.name.endswith(tuple(_KINDS))
        }
        self._routes: Mapping[tuple[str, str], Route] = {
            ("GET", "/api/session"): lambda _: {"token": guard.token},
            ("GET", "/api/overview"): lambda _: overview(place),
            ("GET", "/api/curves"): self._curves,
            ("GET", "/api/sounds"): lambda _: {"files": place.sounds()},
            ("GET", "/api/sound"): lambda request: play(place, request),
            ("POST", "/api/live"): self._start_live,
            ("POST", "/api/live/audio"): self._push_live,
            ("POST", "/api/live/next"): lambda request: self._live.get(request.one("session")).next(),
            ("POST", "/api/live/close"): self._close_live,
            ("POST", "/api/threshold"): self._in_turn(self._write_threshold),
            ("GET", "/api/clips"): self._clips.page,
            ("POST", "/api/clips"): self._in_turn(self._clips.correct),
            ("GET", "/api/recordings"): lambda _: recordings(place),
            ("POST", "/api/recordings"): self._in_turn(lambda request: keep_recording(place, request)),
            ("GET", "/api/judged"): lambda _: judged_models(place),
            ("GET", "/api/errors"): lambda request: errors_of(place, request.one("id")),
            ("GET", "/api/det.png"): lambda request: det_plot(place, request),
        }

    def answer(self, request: Request) -> Reply:
        """The reply to a request. Raises Refused, MltkLikeError."""
        route = self._routes.get((request.method, request.path))
        if route is not None:
            found = route(request)
            return found if isinstance(found, Reply) else as_json(found)
        if request.method == "GET" and not request.path.startswith("/api/"):
            return self._page(request)
        raise Refused(404, f"there is nothing at {request.path[:200]}")

    def close(self) -> None:
        """End all that listens."""
        self._live.close_all()

    def _in_turn(self, route: Route) -> Route:
        """What writes files: one request after the other."""

        def answer(request: Request) -> Any:
            with self._writing:
                return route(request)

        return answer

    def _page(self, request: Request) -> Reply:
        name = request.path.removeprefix("/") or "index.html"
        if name not in self._static:
            raise Refused(404, f"there is nothing at {request.path[:200]}")
        return Reply(data=self._static[name], kind=_KINDS[f".{name.rpartition('.')[2]}"])

    def _curves(self, request: Request) -> dict[str, Any]:
        names = request.query.get("id", [])
        if len(names) > _MOST_AT_ONCE:
            raise SettingError(f"{len(names)} runs at once", f"compare at most {_MOST_AT_ONCE}")
        return {name: curves(self._place, name) for name in names}

    def _start_live(self, request: Request) -> dict[str, Any]:
        given = request.json()
        name, file, threshold = str(given.get("id", "")), given.get("file"), given.get("threshold")
        path = self._place.sound(str(file)) if file else None
        session = LiveSession(self._place.spec(name), threshold=threshold, file=path)
        command = live_command(name, file=str(file) if file else None, threshold=threshold)
        return {**session.describe(), "session": self._live.add(session), "command": command}

    def _push_live(self, request: Request) -> dict[str, Any]:
        session = self._live.get(request.one("session"))
        return session.push(request.body, round(request.number("rate", 0)))

    def _close_live(self, request: Request) -> dict[str, Any]:
        self._live.close(request.one("session"))
        return {}

    def _write_threshold(self, request: Request) -> dict[str, Any]:
        given = request.json()
        name = str(given.get("id", ""))
        assignments = [f"detection_threshold={given.get('threshold')}"]
        # One for each class would go before the one for all.
        if read_parameters(self._place.own_artifact(name).tflite()).get("detection_threshold_list"):
            assignments.append("detection_threshold_list=")
        changes = update_params(self._place.spec(name), assignments)
        command = f"python -m mltk_like {shlex.join(['update_params', name, *assignments])}"
        return {**changes.to_dict(), "text": str(changes), "command": command}

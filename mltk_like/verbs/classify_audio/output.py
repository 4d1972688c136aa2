"""What `classify_audio` shows: the view on a terminal, lines elsewhere, and the result at the end."""

import json
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from typing import TextIO

from mltk_like.audio.microphone import list_microphones
from mltk_like.errors import ToolError
from mltk_like.verbs.classify_audio.lines import LiveLines, json_end, json_line, text_line
from mltk_like.verbs.classify_audio.session import LiveAudio
from mltk_like.verbs.classify_audio.view import LiveView, can_draw

INTERRUPTED = 130


def present(live: LiveAudio, out: TextIO, *, as_json: bool = False, verbose: bool = False) -> int:
    """Listen to the end, or until Ctrl-C, and show it; returns the exit code: 0, or 130 after Ctrl-C.

    Args:
        live: what listens.
        out: where to print. A terminal gets the live view, unless lines are asked for by `as_json`, `verbose`,
            NO_COLOR or TERM=dumb.
        as_json: one JSON object an event and one for the result.
        verbose: lines for every step too.

    Raises:
        MltkLikeError: as iterating over `live` does.
    """
    shown: AbstractContextManager[LiveLines | LiveView]
    if as_json or verbose or not can_draw(out):
        shown = nullcontext(LiveLines(out, json_line if as_json else text_line, verbose=verbose))
    else:
        shown = LiveView(out, live)
    code = 0
    with closing(iter(live)) as events, shown as view:
        try:
            for event in events:
                view.show(event)
        except KeyboardInterrupt:
            code = INTERRUPTED
    print(json_end(live) if as_json else live.result, file=out, flush=True)
    return code


def print_microphones(out: TextIO, *, as_json: bool = False) -> None:
    """One line a microphone, '*' before the default one. Raises ToolError where there is none, or no PortAudio."""
    found = list_microphones()
    if as_json:
        print(json.dumps([asdict(device) for device in found], indent=2), file=out)
        return
    if not found:
        raise ToolError("there is no microphone", "connect one, or give --input FILE")
    for device in found:
        print(device, file=out)

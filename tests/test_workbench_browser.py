"""The workbench in Chromium with a fake microphone: by mouse, by keyboard, on a telephone, and from elsewhere."""

import os
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import toys
from browser import CHROMIUM, Browser, browser
from test_workbench import ears, folder  # noqa: F401

import mltk_like as mltk
from mltk_like.audio.wav import duration_s
from mltk_like.loader import load_file
from mltk_like.run import Run, create_run
from mltk_like.tflite.parameters import read_parameters
from mltk_like.training.checkpoint import Checkpoint, save_checkpoint
from mltk_like.verbs.workbench import WorkbenchServer, workbench

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
TAB, ENTER, SPACE, RIGHT = ("Tab", 9), ("Enter", 13), (" ", 32), ("ArrowRight", 39)
PARTS = ("runs", "live", "clips", "record", "errors")
NAMED = {
    "button",
    "checkbox",
    "combobox",
    "textbox",
    "searchbox",
    "slider",
    "spinbutton",
    "link",
    "radio",
    "image",
    "meter",
}


@pytest.fixture
def opened(ears: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Browser, WorkbenchServer]]:  # noqa: F811
    """The page of a folder with a bare model that listens, a model with clips, one that was judged, and a run."""
    work = ears.parent
    monkeypatch.chdir(work)
    monkeypatch.setenv("MLTK_LIKE_RUNS", "runs")
    file = toys.write_toy(work / "models")
    shutil.copy(Path(mltk.load_model("marvin").path or "").with_name("marvin.mltk.zip"), work / "models")
    run = create_run(load_file(file), test=False)
    run.update(status="running", pid=os.getpid())
    epochs(run, 2)
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--mute-audio")
    sound = f"--use-file-for-fake-audio-capture={work / 'sweep.wav'}"
    with workbench("ears.tflite", browse=False) as server, browser(tmp_path, *fake, sound) as page:
        page.open(server.url, width=1100, height=900)
        page.wait("document.body.dataset.ready === 'true'")
        yield page, server


def epochs(run: Run, count: int) -> None:
    """The checkpoint that a training has after so many epochs."""
    history = {"loss": [1 / (n + 1) for n in range(count)], "val_loss": [2 / (n + 1) for n in range(count)]}
    state = Checkpoint(step=count, best_score=1.0, best_epoch=1, history=history, arrays={"net/a": np.zeros(2)})
    save_checkpoint(run.train_dir / "checkpoint.npz", state)


def click(page: Browser, selector: str) -> None:
    page.value(f"document.querySelector({selector!r}).click()")


def pick(page: Browser, selector: str, value: str) -> None:
    page.value(
        f"(e => {{ e.value = {value!r}; e.dispatchEvent(new Event('change')) }})(document.querySelector({selector!r}))"
    )


def text(page: Browser, selector: str) -> str:
    found: str = page.value(f"document.querySelector({selector!r}).innerText")
    return found


def tab_to(page: Browser, selector: str) -> None:
    """Press the Tab key until an element has the focus."""
    for _ in range(80):
        if page.value(f"document.activeElement === document.querySelector({selector!r})"):
            return
        page.press(*TAB)
    raise AssertionError(f"the Tab key does not reach {selector}")


def test_all_of_it_works(opened: tuple[Browser, WorkbenchServer]) -> None:
    page, _ = opened
    work = Path.cwd()
    # A training under way is followed.
    page.wait("document.querySelector('#curves svg')?.getAttribute('aria-label').includes('over 2 epochs')")
    epochs(Run(work / "runs" / "toy" / "1"), 5)
    page.wait("document.querySelector('#curves svg').getAttribute('aria-label').includes('over 5 epochs')")
    assert "running now" in text(page, "#runs-list")

    # The microphone, with a threshold that the keyboard moves and writes.
    tab_to(page, 'nav a[href="#live"]')
    page.press(*ENTER)
    page.wait("!document.querySelector('#live').hidden && document.querySelectorAll('#live-source option').length > 1")
    tab_to(page, "#live-start")
    page.press(*ENTER)
    page.wait("document.querySelectorAll('#live-detections li').length > 1")
    assert re.match(r"0:\d\d\.\d (one|two|four), score \d+", text(page, "#live-detections"))
    tab_to(page, "#live-threshold")
    page.press(*RIGHT)
    assert text(page, "#live-threshold-value") == "91 of 255"
    tab_to(page, "#live-write")
    page.press(*ENTER)
    page.wait("document.querySelector('#message').innerText.includes('update_params')")
    assert read_parameters((work / "ears.tflite").read_bytes())["detection_threshold"] == 91
    click(page, "#live-stop")
    # A file: as many detections as the verb has.
    pick(page, "#live-source", "sweep.wav")
    page.wait("document.querySelector('#live-detections').children.length === 0")
    click(page, "#live-start")
    page.wait(
        "document.querySelector('#live-stop').disabled && document.querySelectorAll('#live-detections li').length"
    )
    found = mltk.classify_audio("ears.tflite", input="sweep.wav")
    for _ in found:
        pass
    assert page.value("document.querySelectorAll('#live-detections li').length") == sum(
        found.result.detections.values()
    )
    lit = "(c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"
    assert page.value(f"{lit}(document.querySelector('#live-spectrogram'))") > 50

    # Clips: one is thrown out by the keyboard.
    page.value("location.hash = '#clips'")
    pick(page, "#clips-model", "toy")
    page.wait("document.querySelectorAll('#clips-list li').length === 25")
    tab_to(page, "#clips-list li input[type=checkbox]")
    page.press(*SPACE)
    tab_to(page, "#clips-list li button")
    page.press(*ENTER)
    page.wait("document.querySelector('#message').innerText.startsWith('Saved')")
    tables = {path: path.read_text() for path in work.rglob("corrections.csv")}
    assert list(tables) == [work / "models" / "audio" / "beep" / "corrections.csv"]
    assert tables.popitem()[1].endswith("voice0_0.wav,,,,,,yes\n")
    page.value("document.querySelector('#clips-list audio').play()")
    page.wait("document.querySelector('#clips-list audio').duration > 0.1")

    # A recording.
    page.value("location.hash = '#record'")
    page.wait("!document.querySelector('#record').hidden")
    click(page, "#record-start")
    page.wait("document.querySelector('#message').innerText.includes('a label of letters')")
    assert page.value("document.activeElement.id") == "record-label"
    page.call("Input.insertText", text="sweep")
    tab_to(page, "#record-start")
    page.press(*ENTER)
    page.wait("document.querySelector('#record-time').innerText > '0:02.0'")
    page.press(*ENTER)  # the focus has gone to Stop
    page.wait("!document.querySelector('#record-save').disabled")
    page.press(*ENTER)
    page.wait("document.querySelector('#message').innerText.includes('audio_sweep_001.wav')")
    assert duration_s(work / "recordings" / "audio_sweep_001.wav") > 1.9
    page.wait("document.querySelectorAll('#record-list audio').length === 1")

    # Errors, and the curves of two models.
    page.value("location.hash = '#errors'")
    page.wait("document.querySelector('#errors-models input[value=marvin]') !== null")
    click(page, "#errors-models input[value=marvin]")
    page.wait(
        "document.querySelector('#errors-plot').complete && document.querySelector('#errors-plot').naturalWidth > 300"
    )
    pick(page, "#errors-model", "marvin")
    page.wait("document.querySelectorAll('#errors-misses li').length > 3")
    origins = page.value("[...new Set(performance.getEntriesByType('resource').map(e => new URL(e.name).origin))]")
    assert set(origins) <= {page.value("location.origin"), "null"}
    assert page.complaints == []


def test_every_control_has_a_name_and_a_telephone_shows_all(opened: tuple[Browser, WorkbenchServer]) -> None:
    page, server = opened
    page.open(server.url, width=375, height=800)
    page.wait("document.body.dataset.ready === 'true'")
    pick(page, "#clips-model", "toy")
    for part in PARTS:
        page.value(f"location.hash = '#{part}'")
        page.wait(f"!document.querySelector('#{part}').hidden")
        if part == "clips":
            page.wait("document.querySelectorAll('#clips-list li').length === 25")
        if part == "errors":
            page.wait("document.querySelectorAll('#errors-models input').length > 0")
        assert page.value("document.documentElement.scrollWidth") <= 375, part
        nameless = []
        for node in page.call("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in NAMED and not node.get("ignored") and not node.get("name", {}).get("value"):
                nameless.append(role)
        assert nameless == [], part
    assert page.complaints == []


class Elsewhere(SimpleHTTPRequestHandler):
    """Another server of this machine, whose pages are of the same site as the workbench for a browser's cookies."""

    cookies: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie"))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>elsewhere</title>")

    def log_message(self, *unused: Any) -> None:
        """Nothing."""


def test_a_page_from_elsewhere_gets_nothing(opened: tuple[Browser, WorkbenchServer]) -> None:
    page, server = opened
    # As if it had guessed where the page is.
    base = server.url.partition("/?")[0] + server.guard.base.rstrip("/")
    other = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    before = Path("ears.tflite").read_bytes()
    try:
        page.open(server.url)
        page.wait("document.body?.dataset.ready === 'true'")
        page.open(f"http://127.0.0.1:{other.server_address[1]}/")
        page.wait("document.title === 'elsewhere'")
        options = "method: 'POST', mode: 'no-cors', credentials: 'include'"
        body = '{"id": "ears.tflite", "threshold": 1}'
        write = f"fetch('{base}/api/threshold', {{ {options}, body: '{body}' }})"
        assert page.value(f"{write}.then(r => r.text()).catch(() => 'nothing')") == "nothing"
        for address in ("/api/session", "/api/overview", "/"):
            read = f"fetch('{base}{address}', {{credentials: 'include'}}).then(r => r.text()).catch(() => 'nothing')"
            assert page.value(read) == "nothing", address
        frame = f"document.body.append(Object.assign(document.createElement('iframe'), {{src: '{base}/'}}))"
        page.value(f"{frame}; 1")
        page.wait("document.querySelector('iframe') !== null")
        assert set(Elsewhere.cookies) == {None}
    finally:
        other.shutdown()
        other.server_close()
    assert Path("ears.tflite").read_bytes() == before

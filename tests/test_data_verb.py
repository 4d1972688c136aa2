"""`data MODEL`: what each source has, told without making anything; with --fetch made and fetched."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data import Clip, Folder, GeneratedNoise
from mltk_like.data.fetch import is_offline
from mltk_like.data.source import Described, Inventory
from mltk_like.errors import DataError, ModelError, SettingError, ToolError
from mltk_like.feed.dataset import collect
from mltk_like.verbs.data import heard_s, inventory

pytestmark = toys.TENSORFLOW_WARNINGS
RATE = 16000

MODEL = """
import mltk_like as mltk
from mltk_like.data import Download, Folder, GeneratedNoise


class Several(mltk.Model, mltk.AudioDatasetMixin):
    classes = ("yes", "_unknown_")

    def sources(self):
        return [
            Folder(path="{folder}/yes", label="yes", group="parent", licence="CC0-1.0"),
            GeneratedNoise(minutes=0.5),
            Download(url="{url}/words.wav", label="_unknown_", licence="CC-BY-4.0", size_bytes=2_500_000, name="words"),
            Download(url="{url}/gone.zip", label="_unknown_", retries=0, name="gone"),
            Folder(path="{folder}/nowhere", label="_unknown_"),
        ]


my_model = Several()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of `words.wav`; what it was asked is in `asked` of the handler."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)
    write_wav(tmp_path / "site" / "words.wav", np.full(2 * RATE, 9, np.int16), RATE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    Quiet.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012  what a request handler knows is its class's

    def log_message(self, format: str, *args: Any) -> None:
        self.asked.append(self.path)


@pytest.fixture
def several(site: str, tmp_path: Path, model_file: Callable[..., Path]) -> Path:
    """A model with one source of each sort."""
    for voice in "ab":
        for take in range(3):
            write_wav(tmp_path / "yes" / voice / f"{take}.wav", np.full(RATE // 2, 5, np.int16), RATE)
    return model_file(MODEL.format(folder=tmp_path, url=site), "several")


def states(report: mltk.DataReport) -> list[str]:
    return [line.state.partition(":")[0] for line in report.sources]


def test_it_tells_what_there_is_and_makes_nothing(several: Path, tmp_path: Path) -> None:
    report = mltk.data_report(str(several))
    assert states(report) == ["ready", "to be made", "not fetched", "not fetched", "cannot be had"]
    yes, noise, words, _, nowhere = report.sources
    assert (yes.clips, yes.voices, yes.labels, yes.licence) == (6, 2, ("yes",), "CC0-1.0")
    assert yes.hours == pytest.approx(3 / 3600, abs=1e-4)
    assert (noise.clips, noise.licence) == (0, "CC0-1.0")
    assert (words.licence, words.download_bytes) == ("CC-BY-4.0", 2_500_000)
    assert "there is no folder" in nowhere.state
    assert Quiet.asked == []
    assert not (tmp_path / "cache").exists()
    assert sum(row.clips for row in report.splits) == 6
    assert report.failed == ()
    text = str(report)
    assert "split of the clips that are here" in text
    assert f"python -m mltk_like data {several} --fetch" in text


def test_fetch_gets_and_makes_everything(several: Path) -> None:
    report = mltk.data_report(str(several), fetch=True, progress=False)
    assert states(report) == ["ready", "ready", "ready", "cannot be had", "cannot be had"]
    assert report.sources[1].clips >= 3
    assert (report.sources[2].clips, report.sources[2].labels) == (1, ("_unknown_",))
    assert "HTTP 404" in report.sources[3].state
    assert report.failed == tuple(line.name for line in report.sources[3:])
    assert f"could not be got: {', '.join(report.failed)}; a training goes on without them" in str(report)
    assert "--fetch" not in str(report), "no advice to do what was just done"
    assert {row.label for row in report.splits} == {"yes", "_unknown_", "_noise_"}
    assert Quiet.asked.count("/words.wav") == 1
    # A second call asks for what is missing only, and a plain one for nothing.
    asked = len(Quiet.asked)
    assert mltk.data_report(str(several), fetch=True, progress=False).sources[:3] == report.sources[:3]
    assert "/words.wav" not in Quiet.asked[asked:]
    assert states(mltk.data_report(str(several)))[:3] == ["ready"] * 3


def test_offline_asks_nobody(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = mltk.data_report(str(several), fetch=True, offline=True, progress=False)
    assert states(report) == ["ready", "ready", "cannot be had", "cannot be had", "cannot be had"]
    assert "words.wav is not in the cache and the network is off" in report.sources[2].state
    assert "offline: downloads are not tried" in str(report)
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    assert mltk.data_report(str(several), fetch=True, progress=False).offline
    assert Quiet.asked == []
    monkeypatch.delenv("MLTK_LIKE_OFFLINE")
    mltk.data_report(str(several), fetch=True, progress=False)
    assert "/words.wav" in Quiet.asked
    assert states(mltk.data_report(str(several), offline=True))[2] == "ready"


def test_the_command(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(several), "--offline", "--set", "split_fractions=[0.5, 0.25, 0.25]"]) == 0
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if "offline" in line]
    assert lines == ["offline: downloads are not tried, only what is in the cache is used"]
    assert any(line.split()[:5] == ["words", "_unknown_", "0", "0.00", "0"] for line in printed.splitlines())
    assert main(["data", str(several), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [source["state"] for source in value["sources"]][:3] == ["ready", "to be made", "not fetched"]
    assert {"name", "sources", "splits", "offline", "fetch", "corrected", "thrown_out"} == set(value)
    assert main(["data", str(several), "--fetch", "--json"]) == 1
    assert main(["data", str(several), "--fetch", "--offline"]) == 1
    assert main(["data", "no_such_model"]) == 2


def test_a_model_without_data(model_file: Callable[..., Path]) -> None:
    path = model_file("import mltk_like as mltk\nclass Bare(mltk.Model):\n    pass\nmy_model = Bare()\n", "bare")
    with pytest.raises(ModelError, match="cannot be used with 'data'"):
        mltk.data_report(str(path))


class Plain:
    """A source that cannot tell what there is of it."""

    name = "plain"
    label = "yes"

    def collect(self, *, limit: int | None = None, workers: int | None = None, progress: bool = True) -> list[Clip]:
        raise DataError("its server is down")


class Toolless(Plain):
    def inventory(self) -> Inventory:
        raise ToolError("the engine is not installed", "pip install it")


def test_sources_of_an_authors_own(tmp_path: Path) -> None:
    assert inventory(Plain()).state == "to be made"
    assert inventory(Toolless()).state == "cannot be had: the engine is not installed"
    assert isinstance(GeneratedNoise(), Described)
    assert inventory(Folder(path=tmp_path / "gone")).state.startswith("cannot be had: there is no folder")


def test_states_in_words() -> None:
    clip = Clip(path=Path("a.wav"), label="yes", group="g", source="s")
    assert Inventory(clips=[clip]).state == "ready"
    assert Inventory(clips=[clip], missing=2).state == "1 of 3 made"
    assert Inventory(missing=2).state == "to be made"
    assert Inventory(missing=None, fetched=True).state == "not fetched"
    assert Inventory(problem="no disk").state == "cannot be had: no disk"


def test_stretches_that_overlap_are_heard_once() -> None:
    def clip(name: str, start: float, end: float | None = None) -> Clip:
        return Clip(path=Path(name), label="x", group="g", source="s", start_s=start, end_s=end)

    clips = [clip("a", 2.0, 4.0), clip("b", 0.0), clip("a", 0.0, 2.0), clip("a", 1.0, 3.0)]
    assert heard_s(clips, [2.0, 5.0, 2.0, 2.0]) == [1.0, 5.0, 2.0, 1.0]
    assert heard_s(clips[:1], [float("nan")]) == [0.0]


@pytest.mark.parametrize("verb", [["data"], ["train", "--workers", "1"]])
def test_what_is_no_source_is_one_error(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    text = toys.write_toy(tmp_path / "models").read_text()
    path = tmp_path / "models" / "nested.py"
    path.write_text(text.replace("        return [\n", "        return [\n            [],\n", 1))
    assert main([verb[0], str(path), *verb[1:]]) == 2
    said = capsys.readouterr().err
    assert "error: sources() gives a list, which is no source" in said
    assert "write * before" in said


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    model: Any = mltk.load_model(str(toys.write_toy(tmp_path / "models")))
    with pytest.raises(SettingError, match="a name twice"):
        collect(model.with_settings(classes=("beep", "beep", "_unknown_")), progress=False)


def test_offline_holds_for_the_plots_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr("mltk_like.verbs.data.plot_data", lambda *_, **__: seen.append(is_offline()))
    assert main(["data", "bell_detector", "--offline", "--plots", str(tmp_path)]) == 0
    assert seen == [True]

"""`report`: what is stored is shown, what is not is said, and nothing in a stored file can harm the page."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import wave
import webbrowser
import zipfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError
from mltk_like.verbs.export import web_page
from mltk_like.verbs.report import players as sounds
from mltk_like.verbs.report.players import LIMIT, LONGEST_S, Players
from mltk_like.verbs.report.reproduce import set_options
from mltk_like.verbs.report.stored import read_model

pytest_plugins = ["toy_fixtures"]
ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "models" / "keyword_spotting_alexa.mltk.zip"
NAME = "keyword_spotting_alexa"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TITLES = (
    "Misses against false accepts", "Latency", "By voice, source and noise", "Worst misses", "Loudest false accepts",
    "Single windows", "Float against int8", "The same on every engine", "Model card",
    "Training curves", "Mined windows", "Data card",
    "Memory and layers", "Parameters", "How to reproduce", "Licences",
)  # fmt: skip
LATER = ("threshold", "merge_ms", "misses_by", "false_accepts_by", "worst_misses", "loudest_false_accepts")
POLICY = "default-src &#x27;none&#x27;;"

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped archive as a folder."""
    folder = tmp_path_factory.mktemp("run")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def older(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with an evaluation of an older version, and its report."""
    folder = Path(shutil.copytree(unpacked, tmp_path_factory.mktemp("older") / "runs" / NAME / "1"))
    for kind in ("keras", "tflite"):
        change(folder, _forget, kind)
    mltk.report(folder, progress=False)
    return folder


@pytest.fixture
def run_folder(older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder of the test's own, without what takes long to draw."""
    monkeypatch.chdir(tmp_path)
    left_out = shutil.ignore_patterns("report", "keras", "history.json", "manifest.jsonl", "*.zip")
    folder = Path(shutil.copytree(older, tmp_path / "runs" / NAME / "1", ignore=left_out))
    change(folder, lambda found: found.update(windows=None))
    return folder


def _forget(found: dict[str, Any]) -> None:
    for key in LATER:
        found.pop(key, None)
    for stream in found["streams"].values():
        stream.pop("latencies", None)


def change(folder: Path, by: Change, kind: str = "tflite") -> None:
    """Change a stored evaluation."""
    file = folder / "eval" / kind / "eval-results.json"
    values = json.loads(file.read_text())
    by(values)
    file.write_text(json.dumps(values))


def sections(document: str) -> dict[str, str]:
    """Markup of each section by its title."""
    parts = re.findall(r"<section id=\"s\d+\"><h2>(.*?)</h2>(.*?)</section>", document, re.DOTALL)
    return dict(parts)


def players(document: str) -> list[float]:
    """Seconds of every player."""
    found = []
    for data in re.findall(r'src="data:audio/wav;base64,([^"]+)"', document):
        with wave.open(io.BytesIO(base64.b64decode(data))) as file:
            found.append(file.getnframes() / file.getframerate())
    return found


def miss(file: str, time_s: float = 0.0, **changes: Any) -> dict[str, Any]:
    values = {
        "condition": "clean", "index": 0, "file": file, "time_s": time_s, "end_s": time_s + 0.6, "score": 12,
        "label": "alexa", "group": "anna", "source": "my room",
    }  # fmt: skip
    return {**values, **changes}


def event(file: str, time_s: float, **changes: Any) -> dict[str, Any]:
    values = {
        "file": file, "time_s": time_s, "stream_s": 70.0, "score": 250, "label": "alexa", "group": "radio",
        "source": "my radio",
    }  # fmt: skip
    return {**values, **changes}


def windows(matrix: list[list[int]]) -> dict[str, Any]:
    classes = [{"label": label, "support": 1} for label in ("alexa", "_unknown_")]
    return {"accuracy": 0.5, "clips": 2, "classes": classes, "confusion_matrix": matrix}


@pytest.mark.slow
def test_the_shipped_archive_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from mltk_like.cli import main;"
        f"code = main(['report', {str(ARCHIVE)!r}, '-o', 'out', '--json']);"
        "assert not {'tensorflow', 'keras'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert (result["name"], result["page"]) == (NAME, "out/index.html")
    document = (tmp_path / "out" / "index.html").read_text()
    assert tuple(sections(document)) == TITLES
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"index.html", *result["pictures"]}
    assert {"det.png", "confusion.png", "roc.png", "det-float-int8.png", "history.png"} <= set(result["pictures"])
    assert document.count('src="data:image/png;base64,') == len(result["pictures"])
    assert not re.search(r"""(src|href)="(?!data:|#)|<script|url\(""", document)
    assert POLICY in document
    assert result["size_bytes"] == len(document.encode()) < 3_000_000


@pytest.mark.slow
def test_what_an_older_evaluation_lacks_is_said(older: Path) -> None:
    found = sections((older / "report" / "index.html").read_text())
    for title in ("Latency", "Worst misses", "Loudest false accepts"):
        assert "Not stored with this evaluation" in found[title]
    assert "not stored, or all clips are of one" in found["By voice, source and noise"]
    assert "No test of the differences is stored" in found["Float against int8"]


def test_figures_are_those_that_are_stored(older: Path) -> None:
    stored = json.loads((older / "eval/tflite/eval-results.json").read_text())
    document = (older / "report" / "index.html").read_text()
    found = sections(document)
    for stream in stored["streams"].values():
        for point in [*stream["operating_points"], stream["at_own_threshold"]]:
            low, high = (100 * end for end in point["misses_interval_95"])
            share = f"{100 * point['misses_fraction']:.1f} % ({low:.1f} to {high:.1f} %)"
            assert share in document.split("<nav")[0]
            assert f"{point['misses']} of {point['positives']}: {share}" in found["Misses against false accepts"]
    assert f"{100 * stored['windows']['accuracy']:.2f} %" in found["Single windows"]
    history = json.loads((older / "train/history.json").read_text())
    assert f"the checkpoint of epoch {history['best_epoch']} is" in found["Training curves"]
    assert found["Memory and layers"].count("<tr>") > 56
    rows = [json.loads(line) for line in (older / "manifest.jsonl").read_text().splitlines()]
    assert f"{len(rows)} clips" in found["Data card"]
    for source in {row["source"] for row in rows}:
        assert escape(source) in found["Data card"]
    for licence in {row["licence"] for row in rows} - {""}:
        assert escape(licence) in found["Licences"]
    assert "fe.noise_reduction_enable" in found["Parameters"]


def test_warnings_stand_on_top(run_folder: Path) -> None:
    def quiet(found: dict[str, Any]) -> None:
        for stream in found["streams"].values():
            stream["curve"].update(hours=0.0, false_accepts=[0] * len(stream["curve"]["thresholds"]))

    def short(found: dict[str, Any]) -> None:
        found.pop("voices", None)
        for stream in found["streams"].values():
            stream["curve"].update(hours=0.04)

    settings_file = run_folder / "settings.json"
    change(run_folder, short)
    few = mltk.report(run_folder, progress=False)
    assert "Too little was heard" in few.warnings[0]
    assert "to show 0.1 an hour takes 30 h without one" in few.warnings[0]
    assert "was not measured. At its own threshold 205" in few.page.read_text()
    assert few.page.read_text().split("<nav")[0].count('role="note"') == len(few.warnings)
    assert f"note: {few.warnings[0]}" in str(few)
    change(run_folder, quiet)
    settings_file.write_text(settings_file.read_text().replace('"test": false', '"test": true'))
    state_file = run_folder / "state.json"
    state_file.write_text(json.dumps({**json.loads(state_file.read_text()), "failures": ["it differs"]}))
    none = mltk.report(run_folder, progress=False)
    assert none.warnings[0] == "CHECK FAILED: it differs."
    assert "dry run" in none.warnings[1]
    assert any("false accepts were not measured" in text for text in none.warnings)
    assert "No curve:" in none.page.read_text()
    assert "det.png" not in none.pictures


def test_enough_hours_need_no_warning(run_folder: Path) -> None:
    def many(found: dict[str, Any]) -> None:
        found["data"] = "recordings in /kitchen"
        found.pop("voices", None)
        for stream in found["streams"].values():
            stream["curve"]["hours"] = 40.0

    change(run_folder, many)
    result = mltk.report(run_folder, progress=False)
    assert not any("heard" in text or "own data" in text for text in result.warnings)
    assert result.pictures == ("det.png",)


def test_synthetic_voices_are_named_on_top(run_folder: Path) -> None:
    voices = {"positives": 75, "synthetic_positives": 75, "hours": 6.0, "synthetic_hours": 5.5, "engines": ["kokoro"]}
    change(run_folder, lambda found: found.update(voices=voices))
    warnings = "\n".join(mltk.report(run_folder, progress=False).warnings)
    assert (
        "All 75 clips with the word are spoken by synthetic voices (kokoro). People are missed more often" in warnings
    )
    assert "counted in 6.00 h: 5.50 h of synthetic speech and 0.50 h of other recordings" in warnings


def test_worst_cases_can_be_heard(run_folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_wav(tmp_path / "word.wav", toys.beep(rng), toys.RATE)
    write_wav(tmp_path / "radio.wav", (rng.standard_normal(30 * 8000) * 900).astype(np.int16), 8000)

    def add(found: dict[str, Any]) -> None:
        found["worst_misses"] = [
            miss("word.wav"), miss("word.wav", condition="10 dB", score=7), miss("gone.wav", group="<b>"),
        ]  # fmt: skip
        found["loudest_false_accepts"] = [event("radio.wav", 20.0), event("radio.wav", 1e300), event("radio.wav", 0.1)]

    change(run_folder, add)
    result = mltk.report(run_folder, progress=False)
    document = result.page.read_text()
    found = sections(document)
    lengths = players(document)
    assert result.players == len(lengths) == 4
    assert lengths[0] == pytest.approx(len(toys.beep(np.random.default_rng(0))) / toys.RATE)
    # The net's window of 1.2 s, the mean over 0.4 s, and half a second after the detection.
    assert lengths[1] == pytest.approx(1.2 + 0.4 + 0.5, abs=0.01)
    assert "clean: 12; 10 dB: 7" in found["Worst misses"]
    assert "no player: the file is not here" in found["Worst misses"]
    assert "&lt;b&gt;" in found["Worst misses"]
    assert "20.00 s" in found["Loudest false accepts"]


def test_the_number_and_length_of_players_is_bounded(run_folder: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", np.ones(60 * toys.RATE, np.int16), toys.RATE)

    def add(found: dict[str, Any]) -> None:
        found["worst_misses"] = [miss("long.wav", second, end_s=50.0) for second in range(49)]
        found["loudest_false_accepts"] = [event("long.wav", second) for second in range(5, 55)]

    change(run_folder, add)
    result = mltk.report(run_folder, progress=False)
    lengths = players(result.page.read_text())
    assert result.players == len(lengths) == LIMIT
    assert max(lengths) <= LONGEST_S
    assert result.size_bytes < 8_000_000
    assert f"with {LIMIT} players" in result.page.read_text()


def test_an_archive_reaches_no_file_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    write_wav(tmp_path / "private.wav", np.ones(1600, np.int16), 16000)
    write_wav(work / "ours.wav", np.ones(1600, np.int16), 16000)
    (work / "link.wav").symlink_to(tmp_path / "private.wav")
    strict, trusting = Players(16000, anywhere=False), Players(16000, anywhere=True)
    for name in ("../private.wav", str(tmp_path / "private.wav"), "link.wav", "a\0b", "cache:../../../private.wav"):
        assert "no player: neither" in strict.player(name, 0, 1, name="x")
    assert "<audio" in strict.player("ours.wav", 0, 1, name="x")
    assert "<audio" in trusting.player("../private.wav", 0, 1, name="x")
    assert "no player" in trusting.player("ours.wav", float("nan"), float("inf"), name="x") or trusting.made == 2
    (work / "text.wav").write_text("no audio")
    assert "cannot be read" in trusting.player("text.wav", 0, 1, name="x")


def test_a_bare_tflite_judged_on_recordings(run_folder: Path, tmp_path: Path) -> None:
    for index in range(3):
        write_wav(tmp_path / "yes" / f"{index}.wav", toys.beep(np.random.default_rng(index)), toys.RATE)
    noise = np.random.default_rng(5).standard_normal(20 * toys.RATE)
    write_wav(tmp_path / "no" / "long.wav", (noise * 800).astype(np.int16), toys.RATE)
    bare = Path(shutil.copy(run_folder / f"{NAME}.tflite", tmp_path / "theirs.tflite"))
    unjudged = mltk.report(bare, output=tmp_path / "a", progress=False)
    assert "has not been judged" in unjudged.warnings[0]
    found = sections(unjudged.page.read_text())
    assert tuple(found) == tuple(title for title in TITLES if title != "Mined windows")
    assert "No evaluation is stored" in found["Misses against false accepts"]
    assert "No manifest is stored" in found["Data card"]
    assert unjudged.pictures == ()
    assert main(["report", str(bare), "--positives", "yes", "--negatives", "no", "--snr", "5", "-o", "b"]) == 0
    document = Path("b/index.html").read_text()
    stored = json.loads(Path("b/eval-results.json").read_text())["tflite"]
    assert list(stored["streams"]) == ["clean", "5 dB"]
    assert "missed, 5 dB" in document
    assert "report theirs.tflite" not in document
    assert "--positives yes --negatives no --snr 5" in document
    # Beeps are no word of this model: all three are missed, and can be heard.
    assert len(stored["worst_misses"]) == 6
    assert len(players(document)) >= 3


def test_what_mining_found_is_shown(run_folder: Path, tmp_path: Path) -> None:
    def loudest(count: int) -> list[dict[str, Any]]:
        return [{"clip": f"cache:speech/{i}.wav", "end_s": 0.5 + i, "score": 0.9 - i / 100} for i in range(count)]

    rounds = [
        {"round": 1, "hours": 2.5, "windows": 45_000, "alarms": 210, "kept": 3750, "loudest": loudest(1),
         "kept_by_family": {f"engine {i}": 10 * i for i in range(1, 9)}},
        {"round": 2, "hours": 2.5, "windows": 45_000, "alarms": 33, "kept": 3750, "loudest": loudest(12)},
    ]  # fmt: skip
    (run_folder / "train" / "mining.json").write_text(json.dumps(rounds))
    row = {"path": "cache:speech/0.wav", "label": "_unknown_", "group": "pico:de-DE", "split": "training",
           "source": "random <speech>", "text": "a lecture", "duration_s": 1.0}  # fmt: skip
    (run_folder / "manifest.jsonl").write_text(json.dumps(row))
    (run_folder / "manifest.sha256").write_text("0123abcd\n")
    mltk.report(run_folder, output=tmp_path / "out", progress=False)
    found = sections((tmp_path / "out" / "index.html").read_text())
    shown = found["Mined windows"]
    assert "2.5 h</td><td>45000</td><td>210</td><td>3750</td><td>engine 8 80, engine 7 70" in shown
    assert "2 more" in shown
    assert (
        "a lecture</td><td>pico:de-DE</td><td>random &lt;speech&gt;</td><td>cache:speech/0.wav</td><td>0.50 s" in shown
    )
    assert "not in the manifest" in shown
    assert "round 2: windows 11 to 12" in shown
    assert "round 1: windows 1 to 1" in shown
    assert shown.index("in round 2") < shown.index("round 1: windows")
    assert "SHA-256 over the hashes of all clips: 0123abcd" in found["Data card"]


def test_settings_and_parameters_that_were_changed(run_folder: Path, tmp_path: Path) -> None:
    file = run_folder / "settings.json"
    values = json.loads(file.read_text())
    values["overrides"] = {"epochs": 5, "recogniser": {"latency_ms": 100}, "optimizer": "adamw; rm -rf"}
    file.write_text(json.dumps(values))
    mltk.update_params(run_folder, ["detection_threshold=99"])
    result = mltk.report(run_folder, output=tmp_path / "out", progress=False)
    found = sections(result.page.read_text())
    assert (
        f"detection_threshold is 99, was {values['settings']['recogniser']['detection_threshold']}"
        in found["Parameters"]
    )
    assert any("the .tflite now says 99" in text for text in result.warnings)
    command = "--set epochs=5 --set recogniser.latency_ms=100 --set 'optimizer=adamw; rm -rf'"
    assert escape(command, quote=True) in found["How to reproduce"]
    assert "epochs, recogniser.latency_ms, optimizer" in found["How to reproduce"]
    assert set_options(read_model(open_artifact(run_folder)))[:2] == ["--set", "epochs=5"]


@pytest.mark.parametrize(
    "by",
    [
        lambda found: found.update(streams={}),
        lambda found: found.update(streams=[1]),
        lambda found: found.update(windows="none"),
        lambda found: found.update(voices={"hours": "many"}),
        lambda found: found.update(windows=windows([[1]])),
        lambda found: found.update(windows=windows([[1, -1], [10**30, 0]])),
        lambda found: found["streams"]["clean"]["curve"].update(positives=-1),
        lambda found: found["streams"]["clean"]["curve"].update(misses=[1]),
        lambda found: found["streams"]["clean"]["curve"].update(hours=float("inf")),
        lambda found: found["streams"]["clean"]["curve"].update(thresholds=list(range(1000))),
        lambda found: found.update(worst_misses=[{"file": 7}]),
    ],
)
def test_damaged_files(run_folder: Path, by: Change, capsys: pytest.CaptureFixture[str]) -> None:
    change(run_folder, by)
    assert main(["report", str(run_folder)]) == 2
    error = capsys.readouterr().err
    assert "eval/tflite/eval-results.json" in error
    assert "cannot be read" in error
    assert not (run_folder / "report").exists()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from("<>&\"'/=$`\0\ud800\x1b漢 script"), min_size=1, max_size=30),
    key=st.sampled_from(["data", "label"]),
)
def test_stored_text_stays_text(run_folder: Path, text: str, key: str) -> None:
    marked = f"<img src=x>{text}"
    change(run_folder, lambda found: found.update({key: marked}))
    document = mltk.report(run_folder, progress=False).page.read_text()
    assert "<img src=x>" not in document
    assert "\0" not in document


def test_bad_arguments(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run_folder), "--snr", "5"]) == 2
    assert "--snr goes with an evaluation" in capsys.readouterr().err
    assert main(["report", str(run_folder), "--noise", "x"]) == 2
    assert "go with recordings" in capsys.readouterr().err
    with pytest.raises(ModelError, match="no such file"):
        mltk.report(tmp_path / "none.mltk.zip")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        mltk.report(run_folder, output=tmp_path / "file", progress=False)


def test_open_calls_the_browser(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(opened.append(url)))
    assert main(["report", str(run_folder), "--open"]) == 0
    assert opened == [(run_folder / "report" / "index.html").resolve().as_uri()]
    assert "no browser can be opened here" in capsys.readouterr().err


def test_a_file_that_ends_early_has_no_player(tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", np.ones(10, np.int16), 16000)
    assert len(sounds._read(tmp_path / "short.wav", 100.0, 1.0, 16000)) == 1
    assert len(sounds._read(tmp_path / "none.wav", 0.0, 1.0, 16000)) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning")
def test_a_trained_model_judged_now(trained: toys.Trained, tmp_path: Path) -> None:
    stored = mltk.report(trained.result.folder, output=tmp_path / "a", progress=False)
    again = mltk.report(str(trained.path), evaluate=True, output=tmp_path / "b", progress=False)
    documents = [sections(found.page.read_text()) for found in (stored, again)]
    for title in (*TITLES[:6], *TITLES[7:10], *TITLES[11:14]):
        assert documents[0][title] == documents[1][title], title
    assert "exact McNemar test" in documents[1]["Float against int8"]
    results = json.loads((tmp_path / "b" / "eval-results.json").read_text())
    assert results["tflite"] == trained.result.evaluations["tflite"].to_dict()
    assert results["comparison"]
    assert len(players(again.page.read_text())) == again.players > 0


def test_a_page_that_listens_is_linked(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link() -> str | None:
        document = mltk.report(run_folder, output=Path("a b"), progress=False).page.read_text()
        found = re.search(r'<a href="([^"#]*)">Let it listen in your browser</a>', document)
        return found and found[1]

    monkeypatch.setattr(web_page, "compile_wasm", lambda data: b"")
    stranger = Path("export") / f"{NAME}.html"
    stranger.parent.mkdir()
    stranger.write_text("<p>of another model")
    assert link() is None
    mltk.export(run_folder, format="web")
    assert link() == f"../export/{NAME}.html"
    mltk.export(run_folder, format="web", output=run_folder)
    assert link() == f"../runs/{NAME}/1/{NAME}.html"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_browser_shows_the_page(older: Path, tmp_path: Path) -> None:
    import matplotlib.image

    result = mltk.report(older, progress=False)
    page, shot = tmp_path / "counted.html", tmp_path / "shot.png"
    # The page itself forbids scripts; this copy lets one script say which pictures were decoded.
    script = (
        "<script>addEventListener('load', () => document.body.append('shown: ' + [...document.images]"
        ".filter(i => i.complete && i.naturalWidth > 300).length + ' of ' + document.images.length))</script>"
    )
    document = result.page.read_text()
    assert document.count(POLICY) == 1
    page.write_text(document.replace(POLICY, f"{POLICY} script-src 'unsafe-inline';") + script)
    assert CHROMIUM is not None
    options = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        "--window-size=1300,1300", f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    calls = ([f"--screenshot={shot}", result.page.as_uri()], ["--dump-dom", page.as_uri()])
    done = [
        subprocess.run([*options, *call], capture_output=True, text=True, timeout=120, check=True) for call in calls
    ]
    assert not [line for found in done for line in found.stderr.splitlines() if "CONSOLE" in line]
    assert f"shown: {len(result.pictures)} of {len(result.pictures)}" in done[1].stdout
    colours = np.unique((matplotlib.image.imread(shot)[..., :3] * 255).astype(int) @ [65536, 256, 1])
    assert {0x0072B2, 0xD55E00} <= set(colours.tolist())  # the curves, clean and in noise

"""The workbench's server: whom it answers, which files it touches, and that it says what the verbs say."""

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.audio.live import Step
from mltk_like.audio.recogniser import Detection
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.errors import DataError, ModelError
from mltk_like.loader import load_file
from mltk_like.run import create_run
from mltk_like.tflite.parameters import read_parameters, write_parameters
from mltk_like.training.checkpoint import Checkpoint, save_checkpoint
from mltk_like.verbs.workbench import WorkbenchServer, workbench
from mltk_like.verbs.workbench.guard import Guard, Refused

ALEXA = "keyword_spotting_alexa"
CONV = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"
RATE = 16000
Patch = pytest.MonkeyPatch


class Browser:
    """Asks a server as the page would."""

    def __init__(self, server: WorkbenchServer) -> None:
        self.port = server.server_address[1]
        self.server = server
        self.cookie = server.guard.cookie.partition(";")[0]
        self.token = server.guard.token

    def ask(
        self, path: str, body: bytes | None = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content; `headers` replace the page's own, an empty one takes it away."""
        given = {"Cookie": self.cookie, **({"X-Workbench-Token": self.token} if body is not None else {})}
        given = {name: value for name, value in {**given, **(headers or {})}.items() if value}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            within = path if "key" in query else self.server.guard.base + path.removeprefix("/")
            address = f"{within}?{urlencode(query, doseq=True)}" if query else within
            connection.request("GET" if body is None else "POST", address, body, given)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether the server has a place for this browser now."""
        try:
            return self.ask("/")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, **query: Any) -> Any:
        """What a request gives, which must be granted."""
        status, _, data = self.ask(path, **query)
        assert status == 200, data
        return json.loads(data)

    def post(self, path: str, value: Any = None, *, raw: bytes | None = None, **query: Any) -> Any:
        """The same of a request that changes something."""
        status, _, data = self.ask(path, json.dumps(value).encode() if raw is None else raw, **query)
        assert status == 200, data
        return json.loads(data)

    def fails(self, path: str, value: Any = None, *, status: int = 400, **query: Any) -> str:
        """The message of a request that is refused."""
        found, _, data = self.ask(path, None if value is None else json.dumps(value).encode(), **query)
        assert found == status, data
        message: str = json.loads(data)["error"]
        return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to work in, with a run whose training is under way, and a sound."""
    made = tmp_path / "work"
    made.mkdir()
    write_wav(made / "sound.wav", np.arange(RATE, dtype=np.int16), RATE)
    return made


@pytest.fixture
def browser(folder: Path, monkeypatch: Patch) -> Iterator[Browser]:
    """A browser before a server of that folder."""
    monkeypatch.delenv("MLTK_LIKE_RUNS")
    with workbench(folder, browse=False) as server:
        yield Browser(server)


def test_the_printed_address_opens_the_page(browser: Browser) -> None:
    key = browser.server.url.partition("=")[2]
    status, headers, _ = browser.ask("/", headers={"Cookie": ""}, key=key)
    base = browser.server.guard.base
    assert (status, headers["Location"]) == (303, base)
    # No other port of this machine is sent the cookie, since its path is not known there.
    assert f"; Path={base};" in headers["Set-Cookie"]
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    status, headers, page = browser.ask("/")
    assert status == 200
    assert b'<script type="module" src="main.js">' in page
    assert browser.token.encode() not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert browser.get("/api/session") == {"token": browser.token}
    for path in ("/", "/api/session", "/main.js"):
        status, _, data = browser.ask(path, key="guessed")
        assert (status, json.loads(data)["error"][:22]) == (403, "open the whole address")


def test_all_that_the_page_loads_is_there(browser: Browser) -> None:
    static = Path(mltk.__file__).parent / "verbs" / "workbench" / "static"
    for file in static.iterdir():
        status, headers, data = browser.ask(f"/{file.name}")
        assert (status, data) == (200, file.read_bytes()), file.name
        assert headers["X-Content-Type-Options"] == "nosniff"
    text = "".join(path.read_text() for path in static.iterdir() if path.suffix != ".svg")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_one_connection_too_many_is_told_so(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr("mltk_like.verbs.workbench.server.MOST_CONNECTIONS", 2)
    with workbench(folder, browse=False) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.server_address[1])
        idle = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(2)]
        with socket.create_connection(address, timeout=30) as third:
            told = b"".join(iter(lambda: third.recv(4096), b""))
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["error"] == "too many connections at once"
        # A place that was given back is another's.
        idle[0].close()
        assert any(Browser(server).answers() for _ in range(1000))


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Cookie": ""}, 403, "open the whole address"),
        ({"Cookie": "workbench_1=x"}, 403, "open the whole address"),
        ({"Cookie": "a=\\; ="}, 403, "open the whole address"),
        ({"Host": "evil.example"}, 421, "this server is not 'evil.example'"),
        ({"Host": "127.0.0.1:1"}, 421, "this server is not"),
        ({"Origin": "http://evil.example"}, 403, "another page"),
        ({"Origin": "null"}, 403, "another page"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
        ({"X-Workbench-Token": ""}, 403, "lacks the page's"),
        ({"X-Workbench-Token": "guessed"}, 403, "lacks the page's"),
    ],
)
def test_only_the_page_is_answered(browser: Browser, headers: dict[str, str], status: int, message: str) -> None:
    assert message in json.loads(browser.ask("/api/live/close", b"", headers=headers, session="x")[2])["error"]
    found, _, data = browser.ask("/api/live/close", b"", headers=headers, session="x")
    assert found == status
    if "X-Workbench-Token" not in headers:
        found, _, data = browser.ask("/api/overview", headers=headers)
        assert found == status
        assert b"folder" not in data


def test_a_request_says_how_long_it_is(browser: Browser) -> None:
    def raw(*lines: str) -> bytes:
        head = [
            f"POST {browser.server.guard.base}api/live/close?session=x HTTP/1.1",
            f"Host: 127.0.0.1:{browser.port}", f"Cookie: {browser.cookie}",
            f"X-Workbench-Token: {browser.token}", *lines,
        ]  # fmt: skip
        with socket.create_connection(("127.0.0.1", browser.port), timeout=30) as connection:
            connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            data = b""
            while piece := connection.recv(65536):
                data += piece
        return data

    assert b" 413 " in raw("Content-Length: 99999999999").partition(b"\r\n")[0]
    assert b" 411 " in raw("Transfer-Encoding: chunked").partition(b"\r\n")[0]
    assert b" 411 " in raw("Content-Length: -1").partition(b"\r\n")[0]


@pytest.mark.parametrize("path", ["/nothing", "/../server.py", "/static/main.js", "/api/nothing", "/server.py"])
def test_there_is_nothing_else(browser: Browser, path: str) -> None:
    assert "there is nothing at" in browser.fails(path, status=404)
    assert "there is nothing at" in browser.fails("/api/overview", {}, status=404)


def test_sounds_of_the_folder_alone(browser: Browser, folder: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", np.ones(100, np.int16), RATE)
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "notes.txt").write_text("private")
    (folder / "loop").symlink_to(folder / "loop")
    assert browser.get("/api/sounds") == {"files": ["sound.wav"]}
    for name in (
        "../secret.wav",
        str(tmp_path / "secret.wav"),
        "link.wav",
        "notes.txt",
        "cache:../secret.wav",
        "x\0.wav",
    ):
        assert "is no sound file of this folder" in browser.fails("/api/sound", status=403, file=name)
        start = {"id": ALEXA, "file": name}
        assert "is no sound file of this folder" in browser.fails("/api/live", start, status=403)
    for name in ("gone.wav", "x" * 5000 + ".wav"):
        assert "is not there" in browser.fails("/api/sound", status=404, file=name)
    # Beyond the end is the last sample, however far.
    assert len(browser.ask("/api/sound", file="sound.wav", start="1e308")[2]) == 44 + 2
    assert "no number" in browser.fails("/api/sound", file="sound.wav", start="nan")
    status, headers, data = browser.ask("/api/sound", file="sound.wav", start=0.25, end=0.5)
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(data)) as found:
        assert (found.getframerate(), found.getnframes()) == (RATE, RATE // 4)
        assert found.readframes(1) == (4000).to_bytes(2, "little")


def test_what_cannot_be_read_is_said_in_the_verbs_words(browser: Browser, folder: Path) -> None:
    (folder / "bad.wav").write_bytes(b"no sound")
    assert "cannot read audio from bad.wav" in browser.fails("/api/sound", file="bad.wav")
    assert "cannot read audio from bad.wav" in browser.fails("/api/live", {"id": ALEXA, "file": "bad.wav"})
    assert "detection_threshold" in browser.fails("/api/live", {"id": ALEXA, "threshold": 300})
    assert "there is no model or run" in browser.fails("/api/live", {"id": "../../x"}, status=404)
    assert "there is no model or run" in browser.fails("/api/live", {"id": "../1"}, status=404)
    assert "no JSON" in json.loads(browser.ask("/api/live", b"{", headers={})[2])["error"]
    assert "has ended" in browser.fails("/api/live/next", {}, status=410, session="x")


def test_a_training_under_way_is_seen_by_its_files(browser: Browser, model_file: Callable[..., Path]) -> None:
    run = create_run(load_file(model_file()), test=False)
    run.update(status="running", pid=os.getpid())
    (found,) = browser.get("/api/overview")["runs"]
    assert (found["id"], found["model"], found["status"], found["alive"]) == ("toy/1", "toy", "running", True)
    assert browser.get("/api/curves", id="toy/1") == {"toy/1": {"history": {}, "best_epoch": None, "log": ""}}
    history = {"loss": [2.0, 1.0], "val_loss": [3.0, float("nan")]}
    state = Checkpoint(step=2, best_score=1.0, best_epoch=1, history=history, arrays={"net/a": np.zeros(3)})
    save_checkpoint(run.train_dir / "checkpoint.npz", state)
    (run.folder / "log.txt").write_text("old\n" * 9000 + "epoch 2\n")
    curves = browser.get("/api/curves", id=["toy/1"])["toy/1"]
    assert curves["history"] == {"loss": [2.0, 1.0], "val_loss": [3.0, None]}
    assert curves["log"].endswith("old\nepoch 2")
    assert len(curves["log"]) < 17_000
    run.write_json("train/history.json", {"best_epoch": 2, "history": {"loss": [2.0, 1.0, 0.5]}})
    run.update(status="complete")
    curves = browser.get("/api/curves", id=["toy/1"])["toy/1"]
    assert (curves["history"], curves["best_epoch"]) == ({"loss": [2.0, 1.0, 0.5]}, 2)
    run.update(status="running", pid=2**22 + 1)
    assert browser.get("/api/overview")["runs"][0]["status"] == "killed"
    (run.train_dir / "history.json").write_text("{")
    assert "cannot be read" in browser.fails("/api/curves", id="toy/1")


def test_a_stranger_s_archive_is_not_run(tmp_path: Path, monkeypatch: Patch) -> None:
    # A run folder that links out, as an unpacked archive may, is refused as every verb does.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_RUNS", "runs")
    run = tmp_path / "runs" / "evil" / "1"
    run.mkdir(parents=True)
    (run / "state.json").write_text('{"name": "evil", "status": "complete"}')
    (run / "log.txt").symlink_to("/etc/passwd")
    with workbench(browse=False) as server:
        assert "link out of its folder" in Browser(server).fails("/api/curves", id="evil/1")


def events_of(found: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Steps and detections of the server's answers."""
    steps = [(s["time_ms"], tuple(s["scores"] or ())) for part in found for s in part["steps"]]
    return steps, [(d["time_ms"], d["label"], d["score"]) for part in found for d in part["detections"]]


def expected_events(model: Path, file: Path, **settings: Any) -> tuple[list[Any], list[Any]]:
    """The same as `classify_audio` gives them."""
    events = list(mltk.classify_audio(model, input=file, settings=settings))
    steps = [(e.time_ms, e.scores or ()) for e in events if isinstance(e, Step)]
    return steps, [(e.time_ms, e.label, e.score) for e in events if isinstance(e, Detection)]


@pytest.fixture
def ears(folder: Path) -> Path:
    """A bare .tflite with random weights that has all it needs to listen, and a sound of 9.5 s at 22050 Hz."""
    frontend = FrontendSettings(sample_length_ms=332, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8)
    recogniser = RecogniserSettings(
        latency_ms=100, minimum_count=2, average_window_duration_ms=300, suppression_ms=300,
        detection_threshold_list=(90, 90, 90, 90),
    )  # fmt: skip
    classes = {"classes": ["one", "two", "_three_", "four"]}
    parameters = {**classes, **frontend.to_parameters(), **recogniser.to_parameters()}
    (folder / "ears.tflite").write_bytes(write_parameters(CONV.read_bytes(), parameters))
    t = np.arange(round(9.5 * 22050)) / 22050
    sound = np.sin(2 * np.pi * 300 * t * (1 + 0.3 * t)) * (np.sin(5 * t) > 0)
    write_wav(folder / "sweep.wav", (9000 * sound).astype(np.int16), 22050)
    return folder / "ears.tflite"


@pytest.fixture
def listener(ears: Path, monkeypatch: Patch) -> Iterator[Browser]:
    """A browser before a server that was given that model."""
    monkeypatch.chdir(ears.parent)
    with workbench("ears.tflite", browse=False) as server:
        yield Browser(server)


def test_a_file_is_heard_as_classify_audio_hears_it(listener: Browser, ears: Path) -> None:
    begun = listener.post("/api/live", {"id": "ears.tflite", "file": "sweep.wav", "threshold": 70})
    assert begun["command"] == "python -m mltk_like classify_audio ears.tflite --input sweep.wav --threshold 70"
    assert (begun["classes"], begun["thresholds"]) == (["one", "two", "_three_", "four"], [])
    found: list[dict[str, Any]] = []
    while not found or not found[-1]["done"]:
        found.append(listener.post("/api/live/next", {}, session=begun["session"]))
    expected = expected_events(ears, ears.with_name("sweep.wav"), detection_threshold=70)
    assert events_of(found) == expected
    assert len(expected[1]) > 2
    columns = sum(len(part["columns"]) for part in found) * 3 // 4 // begun["channels"]
    assert abs(columns * begun["step_ms"] - 9500) < 50


def test_a_microphone_is_heard_as_classify_audio_hears_it(listener: Browser, ears: Path) -> None:
    begun = listener.post("/api/live", {"id": "ears.tflite", "file": None})
    samples = read_audio(ears.with_name("sweep.wav"), 22050)
    found = [
        listener.post("/api/live/audio", raw=piece.tobytes(), session=begun["session"], rate=22050)
        for piece in np.array_split(samples, 13)
    ]
    steps, detections = expected_events(ears, ears.with_name("sweep.wav"))
    # The end of the sound is still in the resampler.
    assert 9300 < found[-1]["heard_ms"] <= 9500
    assert events_of(found)[0] == steps[: len(events_of(found)[0])]
    assert events_of(found)[1] == [one for one in detections if one[0] <= found[-1]["heard_ms"]]
    assert len(detections) > 2
    _, _, data = listener.ask("/api/live/audio", b"", session=begun["session"], rate=1)
    assert "is no rate" in json.loads(data)["error"]
    listener.post("/api/live/close", {}, session=begun["session"])
    assert "has ended" in listener.fails("/api/live/audio", {}, status=410, session=begun["session"], rate=16000)


def test_only_so_many_listen(listener: Browser) -> None:
    names = [listener.post("/api/live", {"id": "ears.tflite"})["session"] for _ in range(5)]
    assert "has ended" in listener.fails("/api/live/audio", {}, status=410, session=names[0], rate=16000)
    assert listener.post("/api/live/audio", raw=bytes(320), session=names[4], rate=16000)["heard_ms"] == 10


def test_the_package_s_own_models_are_not_written(browser: Browser) -> None:
    assert "lies outside of" in browser.fails("/api/threshold", {"id": ALEXA, "threshold": 100})


def test_a_threshold_is_written_by_update_params(listener: Browser, ears: Path) -> None:
    found = listener.post("/api/threshold", {"id": "ears.tflite", "threshold": 77})
    assert found["after"]["detection_threshold"] == 77
    assert found["command"] == (
        "python -m mltk_like update_params ears.tflite detection_threshold=77 detection_threshold_list="
    )
    begun = listener.post("/api/live", {"id": "ears.tflite"})
    assert (begun["threshold"], begun["thresholds"]) == (77, [])
    assert "300" in listener.fails("/api/threshold", {"id": "ears.tflite", "threshold": 300})
    assert read_parameters(ears.read_bytes())["detection_threshold"] == 77


def test_a_port_that_is_taken(folder: Path) -> None:
    with workbench(folder, browse=False) as server:
        port = server.server_address[1]
        with (
            pytest.raises(DataError, match=rf"port {port} of 127\.0\.0\.1 cannot be used"),
            workbench(folder, port=port),
        ):
            pass
    with pytest.raises(DataError, match=r"port 99999 of 127\.0\.0\.1 cannot be used"), workbench(folder, port=99999):
        pass


def test_a_host_that_there_is_not(folder: Path) -> None:
    with pytest.raises(DataError, match=r"the host 192\.0\.2\.7 cannot be used"), workbench(folder, host="192.0.2.7"):
        pass


def test_what_is_no_folder_and_no_model(tmp_path: Path) -> None:
    with (
        pytest.raises(ModelError, match="no folder keyword_spotting_alex, and no model named"),
        workbench("keyword_spotting_alex"),
    ):
        pass
    with pytest.raises(ModelError, match="no such model file"), workbench(tmp_path / "nothing"):
        pass
    before = Path.cwd()
    with workbench("marvin", browse=False) as server:
        assert Browser(server).get("/api/overview")["given"] == "marvin"
    assert Path.cwd() == before


def test_other_hosts_are_asked_for_and_said(folder: Path) -> None:
    with workbench(folder, host="0.0.0.0", browse=False) as server:
        browser = Browser(server)
        assert browser.ask("/api/overview", headers={"Host": f"192.0.2.7:{browser.port}"})[0] == 200
        assert browser.ask("/api/overview", headers={"Host": f"evil.example:{browser.port}"})[0] == 421


@pytest.mark.parametrize(
    ("host", "address", "asked", "ours"),
    [
        ("Box.example", "192.0.2.7", "box.example:8000", True),
        ("Box.example", "192.0.2.7", "192.0.2.7:8000", True),
        ("Box.example", "192.0.2.7", "127.0.0.1:8000", False),
        ("Box.example", "192.0.2.7", "box.example", False),
        ("Box.example", "127.0.1.1", "localhost:8000", True),
        ("127.0.0.1", "127.0.0.1", "evil.example:8000", False),
        ("::1", "::1", "[::1]:8000", True),
        ("::", "::", "[2001:db8::1]:8000", True),
        ("::", "::", "evil.example:8000", False),
    ],
)
def test_a_server_answers_to_its_names(host: str, address: str, asked: str, ours: bool) -> None:
    headers = Message()
    headers["Host"] = asked
    with nullcontext() if ours else pytest.raises(Refused, match="this server is not"):
        Guard(host, address, 8000).check_host(headers)


def test_browsers_leave_out_the_usual_port() -> None:
    headers = Message()
    headers["Host"] = "127.0.0.1"
    Guard("127.0.0.1", "127.0.0.1", 80).check_host(headers)


def test_the_address_of_a_named_host_opens_the_page(folder: Path) -> None:
    with workbench(folder, host="LocalHost", browse=False) as server:
        address = urlsplit(server.url)
        assert address.hostname == "localhost"
        key = address.query.partition("=")[2]
        status, headers, _ = Browser(server).ask("/", headers={"Host": address.netloc}, key=key)
    assert (status, headers["Location"]) == (303, server.guard.base)


def test_ctrl_c_ends_it(folder: Path) -> None:
    command = [sys.executable, "-m", "mltk_like", "workbench", str(folder), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(2)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")

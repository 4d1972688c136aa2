"""Downloads against a server on 127.0.0.1 that misbehaves on demand."""

import contextlib
import hashlib
import io
import multiprocessing
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.data import pace, published
from mltk_like.data.download import Download, cache_path, fetch
from mltk_like.data.fetch import offline
from mltk_like.data.recordings import Folder
from mltk_like.data.remote import RemoteFile
from mltk_like.errors import DataError

DATA = np.random.default_rng(0).bytes(300_000)
SHA1 = hashlib.sha1(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


@dataclass
class Server:
    """What to serve, which faults to inject (one per request, in order), and what was asked."""

    url: str = ""
    data: bytes = DATA
    etag: str = '"v1"'
    ranges: bool = True
    faults: list[Callable[[Any], bool]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            server.asked.append({"path": self.path, **self.headers})
            self.close_connection = True
            if server.faults and server.faults.pop(0)(self):
                return
            start, data = 0, server.data
            wanted = self.headers.get("Range", "")
            fresh = self.headers.get("If-Range") in (None, server.etag)
            if server.ranges and wanted and fresh:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    self.reply(416, {"Content-Range": f"bytes */{len(data)}"})
                    return
            headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            self.reply(206 if start else 200, {"ETag": server.etag, **headers}, data[start:])

        def reply(self, status: int, headers: dict[str, str], body: bytes = b"", declared: int | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if declared is None else declared))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    state.url = f"http://127.0.0.1:{http.server_port}/data.bin"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


def get(server: Server, target: Path, url: str = "", **options: Any) -> Path:
    return fetch(url or server.url, target, **{"progress": False, "backoff_s": 0.001, "read_timeout_s": 5.0, **options})


def cut_after(size: int) -> Callable[[Any], bool]:
    def fault(handler: Any) -> bool:
        wanted = handler.headers.get("Range")
        start = int(wanted[6:-1]) if wanted else 0
        headers = {"ETag": '"v1"'}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        body = DATA[start : start + size]
        handler.reply(206 if wanted else 200, headers, body, declared=len(DATA) - start)
        return True

    return fault


def status(code: int) -> Callable[[Any], bool]:
    def fault(handler: Any) -> bool:
        handler.reply(code, {})
        return True

    return fault


def leftovers(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {target.name, f"{target.name}.lock"}


def test_fetches_once_and_checks_both_hashes(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    for _ in range(2):
        assert get(server, target, sha1=SHA1.upper(), sha256=SHA256) == target
        assert target.read_bytes() == DATA
    assert len(server.asked) == 1
    assert leftovers(target) == {"file.hash.json"}


def test_resumes_where_the_line_was_cut(server: Server, tmp_path: Path) -> None:
    server.faults = [cut_after(100_000), cut_after(100_000)]
    assert get(server, tmp_path / "f", sha1=SHA1, retries=2).read_bytes() == DATA
    starts = [asked.get("Range", "bytes=0-")[6:-1] for asked in server.asked]
    assert int(starts[0]) == 0
    assert 60_000 <= int(starts[1]) <= 100_000
    assert int(starts[2]) > int(starts[1])
    assert server.asked[1]["If-Range"] == '"v1"'


def test_resumes_in_a_later_call(server: Server, tmp_path: Path) -> None:
    server.faults = [cut_after(200_000)]
    with pytest.raises(DataError, match=r"cannot fetch .*(cut|broken|IncompleteRead)"):
        get(server, tmp_path / "f", retries=0)
    assert not (tmp_path / "f").exists()
    assert get(server, tmp_path / "f", retries=0).read_bytes() == DATA
    assert "Range" in server.asked[1]


def test_starts_over_when_the_server_knows_no_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.faults = [cut_after(150_000)]
    assert get(server, tmp_path / "f", retries=1).read_bytes() == DATA


def test_starts_over_when_the_file_has_changed(server: Server, tmp_path: Path) -> None:
    server.faults = [cut_after(150_000)]
    server.data, server.etag = b"new" * 90_000, '"v2"'
    assert get(server, tmp_path / "f", retries=1).read_bytes() == b"new" * 90_000


def test_without_a_validator_it_resumes_only_if_a_hash_can_tell(server: Server, tmp_path: Path) -> None:
    def cut_anonymous(handler: Any) -> bool:
        handler.reply(200, {}, DATA[:150_000], declared=len(DATA))
        return True

    server.etag = ""
    server.faults = [cut_anonymous]
    assert get(server, tmp_path / "a", retries=1).read_bytes() == DATA
    assert "Range" not in server.asked[1]
    # With a hash it resumes; the file has changed, the hash shows it, and it starts over by itself.
    server.faults = [cut_anonymous]
    server.data = bytes(reversed(DATA))
    wanted = hashlib.sha1(server.data).hexdigest()
    assert get(server, tmp_path / "b", retries=1, sha1=wanted).read_bytes() == server.data
    assert [("Range" in asked) for asked in server.asked[2:]] == [False, True, False]


def test_a_whole_part_file_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA)
    assert get(server, tmp_path / "f", sha1=SHA1, retries=0).read_bytes() == DATA
    (tmp_path / "g.part").write_bytes(DATA + b"too long")
    assert get(server, tmp_path / "g", sha1=SHA1, retries=0).read_bytes() == DATA


def test_a_wrong_hash_names_both_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    wrong = "0" * 40
    with pytest.raises(DataError, match=f"SHA1 is {SHA1}, not {wrong}"):
        get(server, tmp_path / "f", sha1=wrong)
    assert not (tmp_path / "f").exists()
    assert leftovers(tmp_path / "f") == set()
    assert len(server.asked) == 1


def test_a_file_with_another_hash_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    assert get(server, tmp_path / "f", sha1=SHA1).read_bytes() == DATA


def test_404_is_final_and_500_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.faults = [status(404)]
    with pytest.raises(DataError, match="HTTP 404"):
        get(server, tmp_path / "f")
    assert len(server.asked) == 1
    server.faults = [status(500), status(503)]
    assert get(server, tmp_path / "f", retries=2).read_bytes() == DATA
    server.faults = [status(500)] * 3
    with pytest.raises(DataError, match="HTTP 500"):
        get(server, tmp_path / "g", retries=2)


def test_mirrors_are_tried_in_turn(server: Server, tmp_path: Path) -> None:
    server.faults = [status(404), status(500)]
    target = get(server, tmp_path / "f", mirrors=(server.url + "?a", server.url + "?b"), retries=0, sha1=SHA1)
    assert target.read_bytes() == DATA
    assert [asked["path"] for asked in server.asked] == ["/data.bin", "/data.bin?a", "/data.bin?b"]


def test_a_silent_server_times_out(server: Server, tmp_path: Path) -> None:
    done = threading.Event()
    server.faults = [lambda handler: done.wait(10)]
    with pytest.raises(DataError, match="no answer in time"):
        get(server, tmp_path / "f", read_timeout_s=0.2, retries=0)
    server.faults = [lambda handler: done.wait(10)]
    assert get(server, tmp_path / "f", read_timeout_s=0.5, retries=1).read_bytes() == DATA
    done.set()


def test_a_slow_server_is_waited_for_as_long_as_it_sends(server: Server, tmp_path: Path) -> None:
    def trickle(handler: Any) -> bool:
        handler.reply(200, {"ETag": server.etag}, DATA[:1], declared=len(DATA))
        for start in range(1, len(DATA), 60_000):
            time.sleep(0.1)
            handler.wfile.write(DATA[start : start + 60_000])
        return True

    server.faults = [trickle]
    assert get(server, tmp_path / "f", read_timeout_s=0.4, retries=0, sha1=SHA1).read_bytes() == DATA


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over, for handlers that would go on."""
    event = threading.Event()
    yield event
    event.set()


def test_a_drip_is_no_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    def drip(handler: Any) -> bool:
        """A byte at a time: never silent for long."""
        handler.reply(200, {"ETag": server.etag}, declared=len(DATA))
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                handler.wfile.write(b"x")
        return True

    monkeypatch.setattr(pace, "LEAST_IN_S", 0.2)
    server.faults = [drip, drip]
    with pytest.raises(DataError, match=r"too slow: less than 16 KiB came within 0\.2 s"):
        get(server, tmp_path / "f", retries=1)
    assert len(server.asked) == 2
    monkeypatch.setattr(pace, "LEAST_IN_S", 60)
    assert get(server, tmp_path / "g", retries=0, sha1=SHA1).read_bytes() == DATA


def test_an_answer_that_never_begins(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: threading.Event
) -> None:
    def drip_headers(handler: Any) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            while not over.wait(0.01):
                handler.wfile.write(b"X-Wait: 1\r\n")
        return True

    monkeypatch.setattr(pace, "ANSWER_IN_S", 0.2)
    server.faults = [drip_headers]
    with pytest.raises(DataError, match=r"no whole answer within 0\.2 s"):
        get(server, tmp_path / "f", retries=0)


def test_a_mirror_has_what_the_first_address_spoilt(server: Server, tmp_path: Path) -> None:
    def spoilt(handler: Any) -> bool:
        handler.reply(200, {}, bytes(reversed(DATA)))
        return True

    server.faults = [spoilt]
    assert get(server, tmp_path / "f", mirrors=[f"{server.url}?a"], sha1=SHA1).read_bytes() == DATA
    assert leftovers(tmp_path / "f") == {"f.hash.json"}


def test_progress_is_shown(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    get(server, tmp_path / "f", progress=True)
    assert "data.bin" in capsys.readouterr().err


def test_follows_redirects_but_not_in_circles(server: Server, tmp_path: Path) -> None:
    def redirect(handler: Any) -> bool:
        handler.reply(302, {"Location": "/elsewhere"})
        return True

    server.faults = [redirect]
    assert get(server, tmp_path / "f").read_bytes() == DATA
    server.faults = [redirect] * 40
    with pytest.raises(DataError, match="circles"):
        get(server, tmp_path / "g")


def test_a_gzip_body_is_kept_as_it_is(server: Server, tmp_path: Path) -> None:
    def encoded(handler: Any) -> bool:
        handler.reply(200, {"Content-Encoding": "gzip"}, DATA)
        return True

    server.faults = [encoded]
    assert get(server, tmp_path / "f", sha1=SHA1).read_bytes() == DATA


def test_no_server_and_no_address(tmp_path: Path, server: Server) -> None:
    with pytest.raises(DataError, match=r"cannot fetch http://127\.0\.0\.1:1/x"):
        fetch("http://127.0.0.1:1/x", tmp_path / "f", retries=0, progress=False)
    for url in ("ftp://127.0.0.1/x", "no address"):
        with pytest.raises(DataError, match="not an http or https address"):
            fetch(url, tmp_path / "f", progress=False)


def test_offline_uses_the_cache_and_asks_nobody(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with offline(), pytest.raises(DataError, match=r"data\.bin is not in the cache and the network is off"):
        get(server, tmp_path / "f")
    with offline(wanted=False):
        get(server, tmp_path / "f")
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    assert get(server, tmp_path / "f").read_bytes() == DATA
    with pytest.raises(DataError, match="network is off"):
        get(server, tmp_path / "g")
    with offline(wanted=False), pytest.raises(DataError, match="network is off"):
        get(server, tmp_path / "g")
    assert len(server.asked) == 1


def slowly(handler: Any) -> bool:
    time.sleep(0.3)
    return False


def test_two_threads_fetch_once(server: Server, tmp_path: Path) -> None:
    server.faults = [slowly]
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: get(server, tmp_path / "f", sha1=SHA1), range(4)))
    assert {path.read_bytes() for path in paths} == {DATA}
    assert len(server.asked) == 1


def _fetch_in_process(url: str, target: str) -> None:
    fetch(url, Path(target), progress=False)


def test_two_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    server.faults = [slowly]
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_fetch_in_process, args=(server.url, str(tmp_path / "f"))) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0, 0]
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(server.asked) == 1


def test_an_address_that_cannot_be_reached_is_left_at_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("waited"))
    target = fetch("http://127.0.0.1:1/x", tmp_path / "f", mirrors=[server.url], retries=5, progress=False)
    assert target.read_bytes() == DATA


def test_pauses_grow_and_heed_the_server(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(handler: Any) -> bool:
        handler.reply(503, {"Retry-After": "7"})
        return True

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.faults = [status(500), status(500), busy, cut_after(1000)]
    assert get(server, tmp_path / "f", retries=4, backoff_s=0.5).read_bytes() == DATA
    assert pauses == [0.5, 1.0, 7.0, 4.0]


def test_equal_names_do_not_collide(server: Server) -> None:
    one, two = cache_path("https://a.example/x/data.tar.gz?dl=1"), cache_path("https://a.example/y/data.tar.gz?dl=1")
    assert one != two
    assert one.name.startswith("data-")
    assert cache_path("https://a.example/..%2F..%2Fetc").parent == one.parent
    assert cache_path("https://a.example/").parent == one.parent


def archive_of(folder: Path, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name in names:
            write_wav(folder / "one.wav", np.ones(1600, np.int16), 16000)
            out.write(folder / "one.wav", name)
    return buffer.getvalue()


def test_an_archive_becomes_clips_and_a_second_call_is_free(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "set/alexa/azure_en+1.wav", "set/alexa/azure_de+2.wav", "set/readme/x.wav")
    source = Download(
        url=server.url, sha1=hashlib.sha1(server.data).hexdigest(), label="alexa", folder="set/alexa",
        group=r"\+(\w+)\.\w+$", speakers="azure", licence="unknown", pattern="**/*.wav",
    )  # fmt: skip
    assert not source.is_cached()
    clips = source.collect(progress=False)
    assert {(c.label, c.group, c.source, c.licence) for c in clips} == {
        ("alexa", "azure/1", "data", "unknown"),
        ("alexa", "azure/2", "data", "unknown"),
    }
    assert source.is_cached()
    assert source.collect(progress=False) == clips
    assert len(source.collect(limit=1, progress=False)) == 1
    assert len(server.asked) == 1
    # The archive itself is not kept.
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.download*")) == 0


def test_a_new_hash_fetches_anew(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "a/1.wav")
    Download(url=server.url).collect(progress=False)
    server.data = archive_of(tmp_path, "b/1.wav", "b/2.wav")
    clips = Download(url=server.url, sha256=hashlib.sha256(server.data).hexdigest()).collect(progress=False)
    assert [c.label for c in clips] == ["b", "b"]


def test_a_single_audio_file_is_a_source_too(server: Server, tmp_path: Path) -> None:
    write_wav(tmp_path / "one.wav", np.ones(1600, np.int16), 16000)
    server.data = (tmp_path / "one.wav").read_bytes()
    url = server.url.replace("data.bin", "rain%20drops.wav")
    (clip,) = Download(url=url, label="_noise_").collect(progress=False)
    assert (clip.path.name, clip.label, clip.source) == ("rain_drops.wav", "_noise_", "rain_drops")


def test_what_is_neither_archive_nor_audio_is_not_kept(server: Server) -> None:
    server.data = b"<html>This file has moved</html>"
    for url in (server.url, server.url.replace(".bin", ".wav")):
        for _ in range(2):
            with pytest.raises(DataError, match=r"neither an archive nor audio|cannot read audio"):
                Download(url=url, label="x").collect(progress=False)
    assert len(server.asked) == 4


def test_a_failed_download_says_why_at_once(server: Server) -> None:
    server.faults = [status(404)]
    with pytest.raises(DataError, match="HTTP 404"):
        Download(url=server.url, label="x").collect(progress=False)


def _collect_in_process(url: str) -> None:
    Download(url=url, label="x").collect(progress=False)


def test_two_processes_fetch_and_extract_an_archive_once(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "a/1.wav", "a/2.wav")
    server.faults = [slowly]
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_collect_in_process, args=(server.url,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(server.asked) == 1
    assert len(Download(url=server.url).collect(progress=False)) == 2


@pytest.mark.parametrize("name", ["../evil.wav", "C:evil.wav"])
def test_a_hostile_archive_is_refused_and_not_kept(server: Server, tmp_path: Path, name: str) -> None:
    server.data = archive_of(tmp_path, "good.wav", name)
    source = Download(url=server.url, label="x")
    with pytest.raises(DataError, match="refused to extract"):
        source.collect(progress=False)
    assert not source.is_cached()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_stamp_without_its_folder_counts_for_nothing(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "a/1.wav")
    source = Download(url=server.url)
    source.collect(progress=False)
    shutil.rmtree(source.cached_folder)
    assert not source.is_cached()
    assert len(source.collect(progress=False)) == 1


def test_a_file_that_is_no_clip_is_kept_as_it_is(server: Server) -> None:
    remote = RemoteFile(url=server.url, sha256=SHA256)
    assert not remote.is_cached()
    for _ in range(2):
        (path,) = remote.get(progress=False).iterdir()
        assert (path.name, path.read_bytes()) == ("data.bin", DATA)
    assert remote.is_cached()
    assert len(server.asked) == 1


def test_what_there_is_of_a_download(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "yes/1.wav", "no/2.wav")
    source = Download(url=server.url, licence="CC0-1.0", size_bytes=1234)
    before = source.inventory()
    assert (before.state, before.clips, before.size_bytes, before.licence) == ("not fetched", (), 1234, "CC0-1.0")
    assert server.asked == []
    clips = source.collect(progress=False)
    after = source.inventory()
    assert (after.state, list(after.clips)) == ("ready", clips)


def test_speech_commands_by_word_and_speaker(server: Server, tmp_path: Path) -> None:
    names = ["yes/0a7c2a8d_nohash_0.wav", "no/0a7c2a8d_nohash_1.wav", "bird/1b4c9b89_nohash_0.wav"]
    server.data = archive_of(tmp_path, *names, "_background_noise_/white_noise.wav")
    declared = published.speech_commands_v2("yes", "no")
    assert (declared.licence, declared.size_bytes) == ("CC-BY-4.0", 2_428_923_189)
    assert (len(declared.sha1), len(declared.sha256)) == (40, 64)
    found = replace(
        declared, url="http://127.0.0.1:1/x", mirrors=(server.url,), sha1="",
        sha256=hashlib.sha256(server.data).hexdigest(),
    ).collect(progress=False)  # fmt: skip
    assert {(clip.label, clip.group, clip.source, clip.licence) for clip in found} == {
        ("_unknown_", "speech_commands/1b4c9b89", "Speech Commands v2", "CC-BY-4.0"),
        ("no", "speech_commands/0a7c2a8d", "Speech Commands v2", "CC-BY-4.0"),
        ("yes", "speech_commands/0a7c2a8d", "Speech Commands v2", "CC-BY-4.0"),
        ("_noise_", "speech_commands noise/white_noise", "Speech Commands v2", "CC-BY-4.0"),
    }
    assert len(server.asked) == 1


def test_what_the_seeds_name_is_declared() -> None:
    alexa = published.silabs_alexa()
    assert len(alexa) == 13
    assert all(len(source.sha1) == 40 for source in alexa if source.label != "_noise_")
    assert {source.licence for source in alexa} == {"", "CC-BY-4.0", "CC0-1.0", "Mixkit Sound Effects Free License"}
    assert sum(bool(source.mirrors) for source in alexa) == 9
    assert published.brainchip_kws_features().size_bytes == 175_810_841
    assert published.sensiml_smart_lock().url.endswith("/Smart_Lock_Demo.zip")


def test_a_layout_reads_what_was_fetched(server: Server, tmp_path: Path) -> None:
    server.data = archive_of(tmp_path, "project/knock.wav")
    source = published.sensiml_smart_lock(lambda folder: Folder(path=folder / "project", label="knock", name="lock"))
    (clip,) = replace(source, url=server.url).collect(progress=False)
    assert (clip.label, clip.source) == ("knock", "lock")

"""Windows and macOS, as far as Linux can tell: without what they lack everything imports, and says what it cannot do.

Calls of functions that a system lacks are found by mypy: `make lint` runs it for all three.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mltk_like.systems import without_tflm
from mltk_like.verbs.train import finish

ROOT = Path(__file__).resolve().parents[1]

# A Python that has loaded all that this package is built on, and then lost what Windows does not have.
WINDOWS = """
import importlib, os, pkgutil, platform, signal, sys

import mltk_like


def load():
    names = [found.name for found in pkgutil.walk_packages(mltk_like.__path__, "mltk_like.")]
    names = [name for name in names if "__main__" not in name and not name.startswith("mltk_like.models.")]
    for name in names:
        importlib.import_module(name)
    return names


load()
importlib.import_module("tqdm.auto")
platform.machine()
native = sys.modules["mltk_like._native"]
for name in [name for name in sys.modules if name.partition(".")[0] == "mltk_like"]:
    del sys.modules[name]
for name in ("fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "tflite_micro"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "killpg", "getpgid", "setpgid", "setsid", "sched_getaffinity", "sysconf", "getuid",
             "geteuid", "chown", "mkfifo", "pread", "pwrite", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC",
             "O_DIRECTORY", "nice", "getloadavg", "set_blocking"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGALRM", "SIGPIPE", "SIGUSR1", "alarm", "setitimer", "pthread_sigmask",
             "pthread_kill", "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"):
    delattr(signal, name)
signal.SIGBREAK = signal.SIGTTIN
sys.platform = "win32"
sys.modules["mltk_like._native"] = native
import mltk_like

names = load()
assert len(names) > 200, names
"""


def on_windows(code: str, folder: Path) -> str:
    """What a program prints on such a Python, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLTK_LIKE_MODELS": str(ROOT / "models")}
    result = subprocess.run(
        [sys.executable, "-c", WINDOWS + textwrap.dedent(code)],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux plays Windows")
def test_without_what_windows_lacks(tmp_path: Path) -> None:
    said = on_windows(
        """
        import contextlib, io
        from pathlib import Path
        from mltk_like.cli import main
        from mltk_like.paths import write_text


        def say(*words):
            with contextlib.redirect_stderr(io.StringIO()) as errors:
                code = main(words)
            print(f"[{words[0]} {code}]", errors.getvalue())


        for text in ("first", "second"):
            write_text(Path("a.txt"), text)
        Path(".b.txt.tmp").write_text("of a process that is gone")
        write_text(Path("b.txt"), "whole")
        print([(path.name, path.read_text()) for path in sorted(Path().iterdir())])
        say("summarize", "keyword_spotting_alexa", "--tflite")
        say("export", "keyword_spotting_alexa", "--format", "c", "-o", "net")
        say("new", "gecko", "--keywords", "hey gecko", "--quick")
        say("profile", "keyword_spotting_alexa")
        say("doctor")
        """,
        tmp_path,
    )
    assert "[('a.txt', 'second'), ('b.txt', 'whole')]" in said
    for verb in ("summarize", "export", "new"):
        assert f"[{verb} 0]" in said
    assert "[profile 2] error: TensorFlow Lite Micro is for Linux on x86-64 only; this is Windows on" in said
    # The markers of the packages know nothing of this game, so no more is asked of the whole.
    assert "not here TensorFlow Lite Micro" in " ".join(said.split())
    assert (tmp_path / "net" / "model_net.c").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="there it is what runs")
@pytest.mark.parametrize("script", ["espeak_process.py", "pico_process.py"])
def test_a_speech_program_without_forks_ends_with_its_first_answer(script: str, tmp_path: Path) -> None:
    if script == "espeak_process.py":
        folder = Path(pytest.importorskip("espeakng_loader").__file__).parent
        request = '{"voice": "en", "text": "hello"}\n'
    else:
        folder = Path(pytest.importorskip("py_nanotts").__file__).parent
        request = '{"voice": "en-US", "text": "hello", "speed": 1.0, "pitch": 1.0}\n'
    path = ROOT / "mltk_like" / "data" / "speech" / script
    code = f"""
import os, runpy, sys
del os.fork
sys.platform = "win32"
sys.argv = [{str(path)!r}, {str(folder)!r}]
runpy.run_path({str(path)!r}, run_name="__main__")
"""
    ended = subprocess.run([sys.executable, "-c", code], input=request.encode() * 2, capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    size = int.from_bytes(ended.stdout[4:8], "little")
    assert size > 2000
    assert len(ended.stdout) == 8 + size


def test_a_training_without_tensorflow_lite_micro_ends_without_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise without_tflm("TensorFlow Lite Micro")

    said: list[str] = []
    job: Any = SimpleNamespace(run=SimpleNamespace(name="toy"), progress=False, say=said.append)
    monkeypatch.setattr(finish, "profile_tflite", refused)
    assert finish.measure(job, b"") is None
    assert "no profile: TensorFlow Lite Micro is for Linux on x86-64 only" in said[0]

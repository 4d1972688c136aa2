"""What ends a command from outside ends it as Ctrl-C does: one line, an exit code of its own, nothing left behind."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mltk_like.signals import Signals, Stopped, exit_code

# A verb in place of `models` that works until it is ended, and says when it has cleaned up.
WORKING = """
import sys, time
import mltk_like.cli.models as verb
from mltk_like.__main__ import main

def run(args):
    try:
        print("ready", flush=True)
        # Not one long sleep: Python sees a signal that comes just before it only when it ends.
        for _ in range(600):
            time.sleep(0.1)
    finally:
        print("cleaned up", flush=True)
        {then}

verb.run = run
sys.exit(main())
"""
# Ctrl-C while a module of this name is looked for.
IMPORTING = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["mltk_like", "train", "nothing"]
runpy.run_module("mltk_like", run_name="__main__", alter_sys=True)
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def start(code: str, folder: Path, *, then: str = "") -> "subprocess.Popen[str]":
    """A child whose verb is at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", code.format(then=then), "models"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_is_one_line_and_a_code(number: signal.Signals, tmp_path: Path) -> None:
    process = start(WORKING, tmp_path)
    process.send_signal(number)
    output = process.communicate(timeout=30)
    assert (process.returncode, *output) == (CODES[number], "cleaned up\n", "interrupted\n")


def test_what_fails_after_a_signal_is_not_the_error_to_show(tmp_path: Path) -> None:
    process = start(WORKING, tmp_path, then="raise SystemError('half an import')")
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=30)[1], process.returncode) == ("interrupted\n", 143)


def test_the_second_signal_of_the_same_end_does_not_break_the_cleaning_up(tmp_path: Path) -> None:
    process = start(WORKING, tmp_path, then="time.sleep(0.5); print('in peace', flush=True)")
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "cleaned up\n"
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=30), process.returncode) == (("in peace\n", "interrupted\n"), 143)


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + WORKING
    process = start(code, tmp_path)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING.format(then="(lambda f: f.write('kept'))(open('kept.txt', 'w'))"), "models"],
        cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    assert os.read(ours, 100).startswith(b"ready")
    os.close(ours)
    assert process.wait(30) == 129
    # Its print before that went nowhere, and did not end it.
    assert (tmp_path / "kept.txt").exists()


@pytest.mark.parametrize("module", ["mltk_like.cli", "argparse", "mltk_like.cli.train", "mltk_like.loader", "numpy"])
def test_ctrl_c_during_an_import(module: str, tmp_path: Path) -> None:
    code = IMPORTING.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_ctrl_c_that_python_swallows_comes_again(tmp_path: Path) -> None:
    swallowing = """
class Lasting:
    def __del__(self):
        import os, signal
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
def run(args):
    print("ready", flush=True)
    lasting = Lasting()
    del lasting
    time.sleep(60)
verb.run = run
sys.exit(main())
"""
    process = start(WORKING[: WORKING.index("def run")] + swallowing, tmp_path)
    assert (process.communicate(timeout=30)[1], process.returncode) == ("interrupted\n", 143)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in CODES]
    with Signals() as signals, pytest.raises(Stopped) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert exit_code(caught.value) == 143
    assert signals.came is caught.value
    assert [signal.getsignal(number) for number in CODES] == before


@pytest.mark.parametrize("how", ["signal.signal(signal.SIGINT, signal.SIG_IGN)", "block"])
def test_a_child_is_interrupted_though_its_parent_ignores_that(how: str) -> None:
    before = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})" if how == "block" else how
    code = (
        f"import os, signal, time; {before}\n"
        "from mltk_like.signals import end_with_stdin\n"
        "end_with_stdin()\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in (130, -signal.SIGINT)

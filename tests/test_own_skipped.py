"""`train --positives/--negatives`: what cannot be used of the user's recordings is named as the user names it."""

import re
from pathlib import Path

import numpy as np
import pytest
from toys import model_with

from mltk_like.audio import FrontendSettings
from mltk_like.audio.wav import write_wav
from mltk_like.data import Folder, generated_noise
from mltk_like.run import create_run
from mltk_like.verbs.train.augmented import Augmented
from mltk_like.verbs.train.job import Job
from mltk_like.verbs.train.prepare import collect_data, open_files
from mltk_like.verbs.train.recordings import own_data
from mltk_like.verbs.train.result import Reporter

RATE = 16_000


def make(path: Path, seed: int, level: int = 999) -> Path:
    samples = np.random.default_rng(seed).integers(-level, level + 1, 3200)
    write_wav(path, samples.astype(np.int16), RATE)
    return path


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr("mltk_like.audio.foreign.importlib.util.find_spec", lambda name: None)
    for number in range(10):
        make(tmp_path / "sources" / "yes" / f"{number}.wav", number)
        make(tmp_path / "sources" / "no" / f"{number}.wav", number + 50)
        make(tmp_path / "mine" / "ann" / f"{number}.wav", number + 100)
        make(tmp_path / "room" / f"{number}.wav", number + 200)
    make(tmp_path / "mine" / "bob" / "mute.wav", 0, 0)
    (tmp_path / "mine" / "bob" / "phone.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(50))
    (tmp_path / "room" / "page.mp3").write_text("<html>404</html>")
    folder = tmp_path / "sources"
    unknown = Folder(path=folder / "no", label="_unknown_")
    model = model_with(
        Folder(path=folder, labels=("yes",), name="own"), unknown, generated_noise(minutes=0.05),
        classes=("yes", "_unknown_"), frontend=FrontendSettings(sample_length_ms=300), babble_minutes=0.0,
    )  # fmt: skip
    run = create_run(model, test=False)
    return Job(
        model=model, run=run, reporter=Reporter(run, quiet=True),
        own=own_data(tmp_path / "mine", tmp_path / "room", None, None).sources(model),
        augmented=Augmented(dump=0, copies=0), weights=None, workers=0, test=False, resume=False, evaluate=False,
        publish=False, strict=False, progress=False,
    )  # fmt: skip


def test_what_cannot_be_used_is_in_skipped_txt_and_in_the_log(job: Job, tmp_path: Path) -> None:
    open_files(job, collect_data(job))
    skipped = (job.run.folder / "skipped.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(line.rpartition("/")[2] for line in skipped) == [
        "mute.wav: it is silent: every sample is 0",
        "page.mp3: it is damaged, or of a kind that libsndfile cannot read",
        "phone.m4a: MP4 needs a decoder, and there is none here",
    ]
    assert f"{tmp_path / 'mine' / 'bob' / 'phone.m4a'}: MP4" in "\n".join(skipped)
    log = (job.run.folder / "log.txt").read_text(encoding="utf-8")
    assert "warning: 2 recordings cannot be used: " in log
    assert "(1 need a decoder: install ffmpeg (or: pip install av) and they are read as they are, or convert" in log
    assert 'ffmpeg -i "$f" "${f%.*}.wav"' in log
    assert "warning: 1 recordings cannot be used: bob/mute.wav: it is silent: every sample is 0 (skipped.txt" in log
    assert not re.search(r"[0-9a-f]{24}", log + "".join(skipped)), "no hash of the cache"
    open_files(job, collect_data(job))
    assert (job.run.folder / "skipped.txt").read_text(encoding="utf-8").splitlines() == skipped

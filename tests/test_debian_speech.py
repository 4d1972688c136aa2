"""Speech out of Debian packages, against a fake apt-get and packages that are made here."""

import errno
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import soundfile

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.data.debian import apt, packages, source, store
from mltk_like.data.debian.game_files import recordings
from mltk_like.data.debian.packages import Package, Part
from mltk_like.data.fetch import offline
from mltk_like.errors import DataError, SettingError
from mltk_like.feed.dataset import collect, gather
from mltk_like.verbs.data import inventory

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="there is no dpkg-deb here")

TALK = Package(
    name="talk",
    version="1:1.0-1",
    size_bytes=1000,
    parts=(
        Part(
            language="en", licence="MIT", files=("*/voices/*.wav",), without=("*/noise.wav",),
            speaker=r"/voices/(\w+)/", text=True, clips=3,
        ),
    ),
)  # fmt: skip
SONG = Package(
    name="song", version="2", size_bytes=500, parts=(Part(language="fr", licence="GPL-2.0", files=("*.wav",), clips=1),)
)

APT_GET = """#!/bin/sh
echo "$@" >> '{root}/log'
for last in "$@"; do :; done
if [ "$last" = update ]; then
  {update}
elif [ -f '{root}/debs/'$last'.deb' ]; then
  cp '{root}/debs/'$last'.deb' ./${{last}}_1%3a1.0-1_all.deb
else
  echo "E: Unable to locate package $last" >&2; exit 100
fi
"""
GOOD_UPDATE = 'for word in "$@"; do case $word in Dir::State::Lists=*) : > "${word#*=}/x_Packages";; esac; done'
BAD_UPDATE = 'echo "E: Temporary failure resolving" >&2; exit 100'


@dataclass
class Apt:
    """A machine with an apt-get of ours.

    Attributes:
        root: folder of its programs, packages and log.
    """

    root: Path

    def install(self, update: str = GOOD_UPDATE) -> None:
        program = self.root / "bin" / "apt-get"
        program.parent.mkdir(exist_ok=True)
        program.write_text(APT_GET.format(root=self.root, update=update))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def offer(self, package: Package, files: dict[str, np.ndarray], version: str = "") -> None:
        tree = self.root / "tree" / package.name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text(
            f"Package: {package.name}\nVersion: {version or package.version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: test\n"
        )
        for name, samples in files.items():
            write_wav(tree / "usr" / "share" / name, samples, 16000)
        (self.root / "debs").mkdir(exist_ok=True)
        subprocess.run(
            ["dpkg-deb", "-Znone", "-b", str(tree), str(self.root / "debs" / f"{package.name}.deb")],
            check=True, capture_output=True,
        )  # fmt: skip

    def asked(self) -> list[str]:
        log = self.root / "log"
        return [line.split()[-1] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'apt' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(source, "PACKAGES", MappingProxyType({"talk": TALK, "song": SONG}))
    machine = Apt(tmp_path / "apt")
    machine.root.mkdir()
    machine.install()
    return machine


@pytest.fixture
def full(machine: Apt) -> Apt:
    machine.offer(TALK, talk())
    machine.offer(SONG, {"song/a.wav": voice(9)})
    return machine


def voice(seed: int, seconds: float = 0.3) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(round(16000 * seconds)) * 3000).astype(np.int16)


def talk() -> dict[str, np.ndarray]:
    folder = "games/talk/voices"
    return {
        f"{folder}/ann/hello_world.wav": voice(1),
        f"{folder}/ann/good-bye.wav": voice(2),
        f"{folder}/bob/hello.wav": voice(3),
        f"{folder}/bob/hello_again.wav": voice(3),
        f"{folder}/bob/short.wav": voice(4, 0.1),
        f"{folder}/bob/silent.wav": np.zeros(9000, np.int16),
        f"{folder}/bob/noise.wav": voice(5),
        "games/talk/music/tune.wav": voice(6),
    }


def speech(*names: str, **settings: object) -> data.DebianSpeech:
    return data.debian_speech(packages=names or ("talk", "song"), **settings)  # type: ignore[arg-type]


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "debian").glob("*") if path.name != "apt" and path.suffix != ".lock")


@needs_dpkg
def test_takes_speech_and_says_what_it_is(full: Apt) -> None:
    clips = speech().collect(progress=False)
    assert [(clip.path.stem, clip.group, clip.licence, clip.text, clip.details["language"]) for clip in clips] == [
        ("good-bye", "talk/ann", "MIT", "good bye", "en"),
        ("hello_world", "talk/ann", "MIT", "hello world", "en"),
        ("hello", "talk/bob", "MIT", "hello", "en"),
        ("a", "song/all", "GPL-2.0", "", "fr"),
    ]
    assert {(clip.label, clip.source, clip.details["package"]) for clip in clips} == {
        ("_unknown_", "Debian speech", "talk"),
        ("_unknown_", "Debian speech", "song"),
    }
    assert clips[0].details["version"] == "1:1.0-1"
    assert (clips.problem, clips.skipped) == ("", ())
    assert soundfile.info(clips[0].path).format == "FLAC"
    np.testing.assert_array_equal(read_audio(clips[0].path, 16000), voice(2))


@needs_dpkg
def test_asks_apt_once_and_leaves_the_system_alone(full: Apt, tmp_path: Path) -> None:
    first = speech().collect(progress=False)
    full.install(BAD_UPDATE)
    with offline():
        assert speech().collect(progress=False) == first
    assert full.asked() == ["update", "talk", "song"]
    for line in (full.root / "log").read_text().splitlines():
        assert f"Dir::State::Lists={tmp_path}/cache/debian/apt/lists/" in line
        assert f"Dir::Cache={tmp_path}/cache/debian/apt/cache/" in line
        assert "APT::Get::AllowUnauthenticated=false" in line
    assert [re.sub("-[0-9a-f]{8}$", "", name) for name in left(tmp_path / "cache")] == ["song", "talk"]


@needs_dpkg
def test_the_cache_may_be_named_from_the_working_folder(
    full: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_CACHE", "here")
    assert len(speech().collect(progress=False)) == 4
    assert (tmp_path / "here" / "debian" / "apt" / "updated").exists()


@needs_dpkg
def test_leaves_out_what_is_known_to_be_avoided(full: Apt) -> None:
    def texts(*avoid: str) -> list[str]:
        return [clip.text for clip in speech("talk", avoid=avoid).collect(progress=False)]

    assert texts("Hello") == ["good bye"]
    assert texts("hello world") == ["good bye", "hello"]
    assert texts("hell", "world hello") == ["good bye", "hello world", "hello"]


@needs_dpkg
def test_the_label_the_limit_and_the_split(full: Apt) -> None:
    clips = replace(speech(label="other"), split="test").collect(limit=3, progress=False)
    assert {clip.group for clip in clips} == {"talk/ann", "talk/bob", "song/all"}
    assert {(clip.label, clip.split) for clip in clips} == {("other", "test")}


def test_without_apt_there_is_one_sentence(machine: Apt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"^there is no apt-get on this machine\nhint: Debian and Ubuntu"):
        speech().collect(progress=False)


def test_offline_nothing_is_asked(machine: Apt) -> None:
    with offline(), pytest.raises(DataError, match="talk is not in the cache and the network is off"):
        speech().collect(progress=False)
    assert machine.asked() == []


@needs_dpkg
def test_lists_that_cannot_be_had_are_asked_for_once(machine: Apt) -> None:
    machine.install(BAD_UPDATE)
    with pytest.raises(DataError, match="apt cannot get the package lists: Temporary failure resolving"):
        speech().collect(progress=False)
    assert machine.asked() == ["update"]


@needs_dpkg
def test_lists_that_are_empty_are_said(machine: Apt) -> None:
    machine.install("true")
    with pytest.raises(DataError, match=r"apt gets no package lists\nhint: .*apt-get update"):
        speech().collect(progress=False)


@needs_dpkg
def test_a_package_that_is_missing_leaves_the_others(machine: Apt, caplog: pytest.LogCaptureFixture) -> None:
    machine.offer(SONG, {"song/a.wav": voice(9)})
    clips = speech().collect(progress=False)
    why = "talk: apt cannot download talk: Unable to locate package talk"
    assert [clip.group for clip in clips] == ["song/all"]
    assert clips.problem == f"1 of 2 packages are missing: {why}"
    assert f"Debian speech: 1 of 2 packages cannot be had: {why}" in caplog.text
    with pytest.raises(DataError, match="1 of 2 packages cannot be had"):
        speech(strict=True).collect(progress=False)


class Listening(mltk.Model, mltk.AudioDatasetMixin):
    """Hears the packages and nothing else."""

    classes = ("_unknown_",)

    def sources(self) -> list[data.DebianSpeech]:
        return [speech()]


@needs_dpkg
def test_a_training_knows_what_it_lacks_and_a_dry_run_fetches_nothing(machine: Apt) -> None:
    machine.offer(SONG, {"song/a.wav": voice(9)})
    assert not gather(Listening(), test=True, progress=False).clips
    assert machine.asked() == []
    gathered = gather(Listening(), progress=False)
    assert len(gathered.clips) == 1
    assert gathered.problems["Debian speech"].startswith("1 of 2 packages are missing: talk")
    told = inventory(speech(), gathered)
    assert (len(told.clips), told.state[:48]) == (1, "cannot be had: 1 of 2 packages are missing: talk")
    with pytest.raises(DataError, match="Debian speech: 1 of 2 packages"):
        collect(Listening(), strict=True, progress=False)


@needs_dpkg
def test_another_version_is_taken_if_it_holds_as_much(machine: Apt, caplog: pytest.LogCaptureFixture) -> None:
    machine.offer(TALK, talk(), version="1:1.1")
    (clip, *_) = speech("talk").collect(progress=False)
    assert clip.details["version"] == "1:1.1"
    assert "talk is 1:1.1 here, and is known as 1:1.0-1" in caplog.text


@needs_dpkg
@pytest.mark.parametrize("count", [0, 1, 6])
def test_another_layout_is_refused(machine: Apt, count: int, tmp_path: Path) -> None:
    machine.offer(TALK, {f"x/voices/ann/{index}.wav": voice(index) for index in range(count)}, version="3")
    with pytest.raises(DataError, match=f"talk 3 has {count} recordings where version 1:1.0-1 has 3"):
        speech("talk").collect(progress=False)
    assert left(tmp_path / "cache") == []


@needs_dpkg
def test_an_interrupted_call_goes_on_where_it_was(full: Apt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = apt.unpack

    def unpack(deb: Path, into: Path) -> None:
        if "song" in deb.name:
            raise KeyboardInterrupt
        real(deb, into)

    monkeypatch.setattr(apt, "unpack", unpack)
    with pytest.raises(KeyboardInterrupt):
        speech().collect(progress=False)
    assert [name[:4] for name in left(tmp_path / "cache")] == ["talk"]
    monkeypatch.setattr(apt, "unpack", real)
    assert len(speech().collect(progress=False)) == 4
    assert full.asked() == ["update", "talk", "song", "song"]


@needs_dpkg
def test_what_a_killed_process_left_is_cleared(full: Apt, tmp_path: Path) -> None:
    work = store.folder_of(TALK).with_name(f"{store.folder_of(TALK).name}.work")
    (work / "clips" / "old").mkdir(parents=True)
    store.folder_of(TALK).mkdir(parents=True)
    (store.folder_of(TALK) / "index.json").write_text("{")
    clips = speech("talk").collect(progress=False)
    assert all(clip.path.is_file() for clip in clips)
    assert [name[:4] for name in left(tmp_path / "cache")] == ["talk"]


@needs_dpkg
def test_a_full_disk_is_one_sentence(full: Apt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_space(samples: object) -> bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "flac", no_space)
    with pytest.raises(DataError, match=r"cannot write .*: No space left on device\nhint: check the free disk"):
        speech().collect(progress=False)
    assert full.asked() == ["update", "talk"]
    assert left(tmp_path / "cache") == []


@needs_dpkg
def test_clips_of_a_manifest_are_made_again(full: Apt) -> None:
    clips = speech().collect(progress=False)
    shutil.rmtree(store.folder_of(TALK))
    speech().remake({clips[0].path}, progress=False)
    assert clips[0].path.is_file()
    speech().remake({Path("elsewhere.wav")}, progress=False)
    assert full.asked() == ["update", "talk", "song", "talk"]


@needs_dpkg
def test_says_what_there_is(full: Apt) -> None:
    before = speech().inventory()
    assert (before.state, before.size_bytes, before.licence) == ("not fetched", 1500, "GPL-2.0, MIT")
    speech("talk").collect(progress=False)
    assert (len(speech().inventory().clips), speech().inventory().state) == (3, "not fetched")
    speech().collect(progress=False)
    assert (len(speech().inventory().clips), speech().inventory().state) == (4, "ready")


def test_a_package_that_is_not_known_is_refused() -> None:
    with pytest.raises(SettingError, match="there is no speech of a package 'hello'"):
        data.debian_speech(packages=("hello",))


def test_the_table_is_sound() -> None:
    everything = [packages.PACKAGES[name] for name in data.DEBIAN_SPEECH_ALL]
    few = [packages.PACKAGES[name] for name in data.DEBIAN_SPEECH]
    assert 1.2e9 < sum(package.size_bytes for package in everything) < 1.3e9
    assert sum(package.size_bytes for package in few) < 6.5e8
    parts = [part for package in everything for part in package.parts]
    assert sum(part.clips for part in parts) > 21_000
    assert sum(part.clips for package in few for part in package.parts) > 20_000
    assert {part.language for part in parts} >= {"cs", "de", "en", "es", "fr", "he", "it", "nl", "ru", "zh"}
    assert all(part.licence and part.files for part in parts)
    assert all(re.compile(part.speaker).groups == 1 for part in parts if part.speaker)


@pytest.mark.parametrize(
    ("package", "path", "taken"),
    [
        ("fillets-ng-data-nl", "games/fillets-ng/sound/computer/nl/poc-m-myslis.ogg", False),
        ("fillets-ng-data-nl", "games/fillets-ng/sound/computer/nl/poc-m-lidi.ogg", True),
        ("fillets-ng-data-cs", "games/fillets-ng/sound/computer/cs/poc-m-myslis.ogg", True),
        ("kajongg", "kajongg/voices/de/male1/b1.ogg", True),
        ("asterisk-core-sounds-en-g722", "asterisk/sounds/en_US_f_Allison/silence/1.g722", False),
    ],
)
def test_which_files_are_speech(package: str, path: str, taken: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = [
        name for part in packages.PACKAGES[package].parts for name, _ in recordings({path: tmp_path / "file"}, part)
    ]
    assert found == [path] * taken

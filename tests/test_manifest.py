"""The manifest: one line per clip, read back as it was written."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import digest, lean_manifest, parse_manifest, read_manifest, splits_of, write_manifest
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, portable


def clips(folder: Path) -> list[Clip]:
    made = []
    for i in range(30):
        path = folder / "data" / f"é {i}.wav"
        write_wav(path, np.full(800 + i, i, np.int16), 16000)
        text = 'he said "αλέξα"\n' if i % 2 else ""
        made.append(Clip(path=path, label="a", group=f"g{i % 10}", source="s", licence="CC0-1.0", text=text))
    return made


def test_what_is_written_is_read(tmp_path: Path) -> None:
    splits = split_by_group(clips(tmp_path))
    rows = write_manifest(tmp_path / "run" / "manifest.jsonl", splits)
    assert read_manifest(tmp_path / "run" / "manifest.jsonl") == rows
    assert len(rows) == 30
    for row in rows:
        assert row.sha256 == hashlib.sha256(Path(row.path).read_bytes()).hexdigest()
        assert row.duration_s == pytest.approx((800 + int(Path(row.path).stem[2:])) / 16000, abs=1e-6)
    again = splits_of(rows)
    assert [c.path for c in again.test] == [c.path for c in splits.test]
    assert split_by_group([c for _, part in again.items() for c in part], seed=99) == again


KEYS = ["path", "label", "group", "split", "source", "licence", "text", "duration_s", "sha256"]


def test_each_line_is_one_json_object_with_the_agreed_keys(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", split_by_group(clips(tmp_path)))
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(list(json.loads(line)) == KEYS for line in lines)


def test_stretches_weights_and_details_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    write_wav(path, np.zeros(16_000, np.int16), 16_000)
    clip = Clip(path=path, label="a", group="g", source="s", split="test")
    details = {"engine": "piper", "voice": "amy"}
    given = [
        clip,
        replace(clip, start_s=0.25, end_s=0.5, weight=2.5),
        replace(clip, start_s=0.75, end_s=3.0, details=details),
    ]
    rows = write_manifest(tmp_path / "m.jsonl", split_by_group(given))
    assert [row.duration_s for row in rows] == [1.0, 0.25, 0.25]
    assert len({row.sha256 for row in rows}) == 1
    assert splits_of(read_manifest(tmp_path / "m.jsonl")).test == tuple(given)
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [list(line)[len(KEYS) :] for line in lines] == [
        [],
        ["start_s", "end_s", "weight"],
        ["start_s", "end_s", "details"],
    ]


def test_a_file_is_read_once_however_many_stretches_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(16_000, np.int16), 16_000)
    clip = Clip(path=tmp_path / "a.wav", label="a", group="g", source="s")
    read = []
    monkeypatch.setattr(
        "mltk_like.data.manifest._hash_and_length", lambda path, *, sound: read.append(path) or ("0f", 1.0)
    )
    parts = [replace(clip, start_s=i / 100, end_s=(i + 1) / 100) for i in range(100)]
    assert len(write_manifest(tmp_path / "m.jsonl", split_by_group(parts))) == 100
    assert read == [tmp_path / "a.wav"]


def test_older_manifests_are_read() -> None:
    old = b"""{"path":"cache:a.wav","label":"a","group":"g","split":"test","source":"s","licence":"","text":"",
        "duration_s":0.5,"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}""".replace(b"\n", b"")
    (row,) = parse_manifest(old, Path("m.jsonl"))
    assert (row.label, row.duration_s, row.sha256, row.start_s, row.end_s) == ("a", 0.5, "", 0.0, None)


def test_a_file_that_has_gone_has_a_row_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = clips(tmp_path)
    made[3].path.unlink()
    made[4].path.write_text("no audio")
    rows = write_manifest(tmp_path / "m.jsonl", split_by_group(made))
    gone = [row for row in rows if not row.sha256]
    assert {row.path for row in gone} == {str(made[3].path), str(made[4].path)}
    assert {row.duration_s for row in gone} == {0.0}
    assert "2 of 30 clips" in caplog.text
    assert read_manifest(tmp_path / "m.jsonl") == rows


@pytest.mark.parametrize("where", ["here", "cache", "elsewhere"])
def test_paths_are_those_of_portable(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    folder = {"here": work, "cache": cache_dir() / "x", "elsewhere": tmp_path / "other"}[where]
    work.mkdir()
    monkeypatch.chdir(work)
    made = [Clip(path=folder / f"{name}.wav", label="a", group=name, source="s") for name in "abc"]
    for clip in made:
        write_wav(clip.path, np.ones(800, np.int16), 16_000)
    rows = write_manifest(tmp_path / "m.jsonl", split_by_group(made))
    assert {row.path for row in rows} == {portable(clip.path) for clip in made}
    assert all(row.clip().path.samefile(folder / Path(row.path).name) for row in rows)


def test_an_impossible_stretch_is_an_error(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", split_by_group(clips(tmp_path)))
    raw = (tmp_path / "m.jsonl").read_bytes().replace(b'"duration_s"', b'"start_s":3.0,"end_s":2.0,"duration_s"', 1)
    with pytest.raises(DataError, match="no stretch"):
        splits_of(parse_manifest(raw, tmp_path / "m.jsonl"))


@pytest.mark.parametrize("damage", ["{", '{"path": "x"}', "[]", '"\xff"'])
def test_a_damaged_line_is_named(damage: str, tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", split_by_group(clips(tmp_path)))
    raw = (tmp_path / "m.jsonl").read_bytes()
    (tmp_path / "m.jsonl").write_bytes(raw + damage.encode("latin-1") + b"\n")
    with pytest.raises(DataError, match="line 31"):
        read_manifest(tmp_path / "m.jsonl")
    (tmp_path / "m.jsonl").write_bytes(raw.replace(b'"split":"test"', b'"split":"tset"'))
    with pytest.raises(DataError, match="no split 'tset'"):
        read_manifest(tmp_path / "m.jsonl")
    with pytest.raises(DataError, match="cannot read"):
        read_manifest(tmp_path / "none.jsonl")


def test_a_lean_manifest_has_one_hash_for_all(tmp_path: Path) -> None:
    rows = write_manifest(tmp_path / "m.jsonl", split_by_group(clips(tmp_path)))
    data = (tmp_path / "m.jsonl").read_bytes()
    lean, found = lean_manifest(data, tmp_path / "m.jsonl")
    again = parse_manifest(lean, tmp_path / "m.jsonl")
    assert again == tuple(replace(row, sha256="") for row in rows)
    assert found == digest(rows) == hashlib.sha256("\n".join(row.sha256 for row in rows).encode()).hexdigest()
    assert b"sha256" not in lean
    assert digest(again) == digest([]) == ""
    assert digest([*rows[1:], replace(rows[0], sha256="")]) != found
    with pytest.raises(DataError, match=r"m\.jsonl, line 1"):
        lean_manifest(b"{", tmp_path / "m.jsonl")

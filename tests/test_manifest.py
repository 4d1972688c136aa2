"""The manifest: one line per clip, read back as it was written."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import read_manifest, splits_of, write_manifest
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError


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
        assert row.sha1 == hashlib.sha1(Path(row.path).read_bytes()).hexdigest()
        assert row.duration_s == pytest.approx((800 + int(Path(row.path).stem[2:])) / 16000, abs=1e-6)
    again = splits_of(rows)
    assert [c.path for c in again.test] == [c.path for c in splits.test]
    assert split_by_group([c for _, part in again.items() for c in part], seed=99) == again


def test_each_line_is_one_json_object_with_the_agreed_keys(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", split_by_group(clips(tmp_path)))
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()
    keys = ["path", "label", "group", "split", "source", "licence", "text", "duration_s", "sha1"]
    assert all(list(json.loads(line)) == keys for line in lines)


def test_a_missing_clip_leaves_no_manifest(tmp_path: Path) -> None:
    made = clips(tmp_path)
    made[3].path.unlink()
    with pytest.raises(DataError, match=r"é 3\.wav"):
        write_manifest(tmp_path / "m.jsonl", split_by_group(made))
    assert not (tmp_path / "m.jsonl").exists()


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

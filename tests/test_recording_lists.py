"""Lists of recordings: CSV, JSON, JSON Lines."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import write_wav
from mltk_like.data.lists import COLUMNS, RecordingList
from mltk_like.errors import DataError, SettingError


def make(root: Path, *names: str) -> None:
    for name in names:
        write_wav(root / name, np.ones(16_000, np.int16), 16_000)


ROWS: list[dict[str, Any]] = [
    {"path": "a.wav", "label": "yes", "group": "amy", "split": "train", "text": "yes, please", "licence": "CC0-1.0"},
    {"path": "sub/b.wav", "label": "no", "start": 0.25, "end": 0.5, "weight": 3},
    {"path": "sub/b.wav", "label": "yes", "start": 0.5},
]


def write(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [columns, *([str(row.get(key, "")) for key in columns] for row in rows)]
        quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in line] for line in lines]
        path.write_text("\ufeff" + "\r\n".join(delimiter.join(line) for line in quoted), encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [",path,label\n0,a.wav,yes\n1,b.wav,no\n", "path,label,\na.wav,yes,\nb.wav,no,\n"])
def test_columns_without_a_name_are_passed_over(text: str, tmp_path: Path) -> None:
    """As pandas writes the numbers of rows, and spreadsheets a comma too many."""
    make(tmp_path, "a.wav", "b.wav")
    (tmp_path / "l.csv").write_text(text)
    clips = RecordingList(path=tmp_path / "l.csv", strict=True).collect()
    assert [(clip.path.name, clip.label) for clip in clips] == [("a.wav", "yes"), ("b.wav", "no")]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("l.csv", ","), ("l.csv", ";"), ("l.tsv", "\t"), ("l.json", ""), ("l.jsonl", "")]
)
def test_every_format_says_the_same(name: str, delimiter: str, tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "sub/b.wav")
    source = RecordingList(path=write(tmp_path / name, ROWS, delimiter), licence="own", strict=True)
    clips = source.collect()
    assert [(c.path, c.label, c.group) for c in clips] == [
        (tmp_path / "a.wav", "yes", f"{name}/amy"),
        (tmp_path / "sub/b.wav", "no", f"{name}/sub/b"),
        (tmp_path / "sub/b.wav", "yes", f"{name}/sub/b"),
    ]
    assert [(c.split, c.text, c.licence) for c in clips] == [
        ("training", "yes, please", "CC0-1.0"),
        ("", "", "own"),
        ("", "", "own"),
    ]
    assert [(c.start_s, c.end_s, c.weight) for c in clips] == [(0.0, None, 1.0), (0.25, 0.5, 3.0), (0.5, None, 1.0)]
    assert {c.source for c in clips} == {name}
    assert pickle.loads(pickle.dumps(source)) == source
    assert len(source.collect(limit=1)) == 1


def test_what_the_source_gives_where_the_rows_do_not(tmp_path: Path) -> None:
    make(tmp_path / "audio", "amy_1.wav", "bob_1.wav")
    (tmp_path / "l.csv").write_text("Path , Text\namy_1.wav,hello\nbob_1.wav,\n")
    clips = RecordingList(
        path=tmp_path / "l.csv", folder=tmp_path / "audio", label="yes", group=r"^(\w+)_", speakers="us", name="mine"
    ).collect()
    assert [(c.label, c.group, c.source, c.text) for c in clips] == [
        ("yes", "us/amy", "mine", "hello"),
        ("yes", "us/bob", "mine", ""),
    ]


def test_absolute_paths_and_files_outside_the_folder(tmp_path: Path) -> None:
    make(tmp_path, "x/a.wav", "list/b.wav")
    write(
        tmp_path / "list" / "l.json",
        [{"path": str(tmp_path / "x" / "a.wav"), "label": "x"}, {"path": "../x/a.wav", "label": "x"}],
    )
    clips = RecordingList(path=tmp_path / "list" / "l.json").collect()
    assert all(clip.path.is_file() for clip in clips)


BAD = [
    ("gone.wav,yes,,,,,,,", "there is no such file"),
    (".,yes,,,,,,,", "'.' is a folder"),
    ("/,yes,,,,,,,", "'/' is a folder"),
    (",yes,,,,,,,", "names no path"),
    ("a.wav,,,,,,,,", "names no label"),
    ("a.wav,yes,,holdout,,,,,", "no split 'holdout'"),
    ("a.wav,yes,,,,soon,,,", "start='soon' is no number"),
    ("a.wav,yes,,,,0.5,0.25,,", "no stretch"),
    ("a.wav,yes,,,,5,,,", "after the end"),
    ("a.wav,yes,,,,,,,-1", "weight=-1.0"),
    ("a.wav,yes,,,,,,,1,9", "10 values for 9 columns"),
    ("no/b.wav,yes,,,,,,,", "labelled 'yes', but its folder is 'no'"),
    ("no/b.wav,no,,,,,,,\nno/b.wav,no,,,,,,,", "in line 3 already"),
    ("c.wav,no,,,,,,,\nc.wav,yes,,,,,,,", "in line 3 already, there labelled 'no'"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_bad_row_is_named_and_skipped(
    row: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "a.wav", "no/b.wav", "c.wav", "no/good.wav")
    lines = [",".join(COLUMNS), "no/good.wav,no,,,,,,,", *row.split("\n")]
    (tmp_path / "l.csv").write_text("\n".join(lines))
    source = RecordingList(path=tmp_path / "l.csv")
    clips = source.collect()
    assert [item for item in clips.skipped if reason in item.reason] == list(clips.skipped)
    assert len(clips.skipped) == 1
    assert len(clips) == len(lines) - 2
    if clips.skipped[0].path == tmp_path / "l.csv":
        assert f"line {len(lines)}: " in clips.skipped[0].reason
    assert reason in caplog.text
    with pytest.raises(DataError, match="1 of"):
        RecordingList(path=tmp_path / "l.csv", strict=True).collect()


def test_unknown_columns_are_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path, "a.wav")
    write(tmp_path / "l.csv", [{"path": "a.wav", "label": "x", "mood": "good"}])
    assert len(RecordingList(path=tmp_path / "l.csv").collect()) == 1
    assert "not read: mood" in caplog.text


def test_decimal_commas(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    (tmp_path / "l.csv").write_text("path;label;start;end\na.wav;x;0,25;0,5\n")
    (clip,) = RecordingList(path=tmp_path / "l.csv").collect()
    assert (clip.start_s, clip.end_s) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("none.csv", None, "cannot read"),
        ("l.csv", b"", "names no columns"),
        ("l.csv", b"path,path\na,b\n", "names no columns"),
        ("l.csv", b"path,label\n", "none of 0 recordings"),
        ("l.csv", b"a.wav,yes\nb.wav,no\n", "names no path"),
        ("l.csv", b"path,label\n\xff,x\n", "not text in UTF-8"),
        ("l.csv", b'path,label\n"a,x\n', "line 2"),
        ("l.json", b"{}", "holds no list"),
        ("l.json", b"[1]", "not an object"),
        ("l.json", b"[", "not JSON"),
        ("l.jsonl", b"{", "line 1: not JSON"),
        ("l.json", b'[{"path": ["a"], "label": "x"}]', "path is no text"),
    ],
)
def test_what_is_no_list_is_one_error(name: str, content: bytes | None, reason: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason):
        RecordingList(path=tmp_path / name).collect()


def test_other_endings_are_refused_at_once() -> None:
    with pytest.raises(SettingError, match=r"\.csv, \.tsv, \.json, \.jsonl"):
        RecordingList(path="list.xlsx")


cell = st.one_of(
    st.text(max_size=8), st.sampled_from(["a.wav", "yes", "0.5", "1e999", "nan", "~x/a", "test", '"', "\0"])
)


@settings(max_examples=60, deadline=None)
@given(
    suffix=st.sampled_from([".csv", ".tsv", ".json", ".jsonl"]),
    content=st.one_of(
        st.binary(max_size=60),
        st.lists(st.dictionaries(st.sampled_from([*COLUMNS, "x", ""]), cell, max_size=6), max_size=4),
        st.lists(st.lists(cell, max_size=4), max_size=4),
    ),
)
def test_nothing_but_data_errors(suffix: str, content: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    make(folder, "a.wav")
    path = folder / f"l{suffix}"
    if isinstance(content, list):
        table = "path,label,start,end,group\n" + "\n".join(",".join(map(str, row)) for row in content)
        lines = "\n".join(map(json.dumps, content))
        content = {".json": json.dumps(content), ".jsonl": lines}.get(suffix, table).encode()
    path.write_bytes(content)
    try:
        clips = RecordingList(path=path).collect()
    except DataError:
        return
    assert all(clip.path == folder / "a.wav" and clip.label for clip in clips)

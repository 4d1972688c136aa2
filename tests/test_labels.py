"""Label files of long recordings, and the windows that are cut by them."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.data.cutting import RULES, WindowRule, windows
from mltk_like.data.labels import Interval, Segment, read_audacity, read_dcli, to_intervals
from mltk_like.errors import DataError, SettingError


def test_an_audacity_track(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(
        "\ufeff25.29\t26.29\tDing\r\n"
        "70,578\t71,578\tDing Dong\r\n"
        "\\\t1484.669312\t2969.338523\r\n"
        "80.5\t80.5\tpoint\n"
        "\n"
        "90.25\told point\n"
        "-0.5\t0.5\tearly\n"
        "100\t101\n"
        "102\t103\ta\tb\u2028c\n".encode()
    )
    track = read_audacity(path)
    assert track.problems == ()
    assert [(i.start_s, i.end_s, i.label) for i in track.intervals] == [
        (25.29, 26.29, "Ding"),
        (70.578, 71.578, "Ding Dong"),
        (80.5, 80.5, "point"),
        (90.25, 90.25, "old point"),
        (0.0, 0.5, "early"),
        (100.0, 101.0, ""),
        (102.0, 103.0, "a b\u2028c"),
    ]


def test_lines_that_are_no_labels_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Ding\t1\t2\n1\t2\tok\n3\t2\tback\nnan\t3\tx\n-2\t-1\tbefore\n1e300\tx\n")
    track = read_audacity(path)
    assert [interval.label for interval in track.intervals] == ["ok"]
    assert track.problems == (
        "line 1: 'Ding' is no time in seconds",
        "line 3: it ends at 2 s, before it starts at 3 s",
        "line 4: 'nan' is no time in seconds",
        "line 5: it ends at -1 s, before the recording starts",
        "line 6: '1e300' is no time in seconds",
    )


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=80) | st.text(alphabet="0123456789.,-\t\n\\eainf\u0661é", max_size=80).map(str.encode)
)
def test_audacity_gives_intervals_or_a_data_error(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "track.txt"
    path.write_bytes(content)
    try:
        track = read_audacity(path)
    except DataError:
        return
    assert all(0 <= interval.start_s <= interval.end_s < 4e9 for interval in track.intervals)


DCLI = [
    {
        "file_name": "lock.wav",
        "metadata": [{"name": "set", "value": "train"}, {"name": "take", "value": 2}],
        "videos": [],
        "sessions": [
            {
                "session_name": "m8000",
                "segments": [
                    {"name": "Label", "value": "Key IO", "start": 0, "end": 7999},
                    {"name": "Label", "value": "Knocking", "start": 8000, "end": 15999},
                ],
            },
            {"session_name": "m8000_test", "segments": [{"name": "Unknown", "start": 16000, "end": 23999}]},
        ],
    },
    {"file_name": "empty.wav"},
]


def test_a_dcli_file(tmp_path: Path) -> None:
    path = tmp_path / "a.dcli"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(DCLI).encode())
    lock, empty = read_dcli(path)
    assert (lock.file_name, lock.property("set"), lock.property("take"), lock.property("none")) == (
        "lock.wav",
        "train",
        "2",
        "",
    )
    first, second = lock.sessions or ()
    assert [segment.label for segment in (*first.segments, *second.segments)] == ["Key IO", "Knocking", "Unknown"]
    assert to_intervals(first.segments, 16_000, "test") == [
        Interval(start_s=0.0, end_s=0.5, label="Key IO", split="test"),
        Interval(start_s=0.5, end_s=1.0, label="Knocking", split="test"),
    ]
    assert empty.sessions == ()


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("{}", "array"),
        ("[{}]", "file_name"),
        ('[{"file_name": "a", "sessions": [{"session_name": "s", "segments": 5}]}]', "segments"),
        ("[" * 100_000, "no .dcli"),
        ("nothing", "no .dcli"),
    ],
)  # fmt: skip
def test_what_is_no_dcli_is_one_error(content: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "a.dcli").write_text(content)
    with pytest.raises(DataError, match=where):
        read_dcli(tmp_path / "a.dcli")
    with pytest.raises(DataError, match="cannot read"):
        read_dcli(tmp_path / "none.dcli")


leaf = st.none() | st.integers() | st.floats() | st.text(max_size=4)
KEYS = ["file_name", "metadata", "sessions", "session_name", "segments", "name", "value", "start", "end"]


@settings(max_examples=60, deadline=None)
@given(
    content=st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner)
    )
)
def test_dcli_gives_captures_or_a_data_error(content: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.dcli"
    path.write_text(json.dumps(content))
    try:
        captures = read_dcli(path)
    except DataError:
        return
    assert all(isinstance(capture.file_name, str) for capture in captures)


def test_windows_of_the_bell_page() -> None:
    """Windows of 32 frames by 8 at 8 ms a frame: the 396th begins before the label of 25.29 s, the 397th lies in it."""
    rule = WindowRule(window_s=0.256, step_s=0.064)
    found = list(windows([Interval(start_s=25.29, end_s=26.29, label="Ding")], 60.0, rule))
    assert len(found) == 934
    assert found[395].start_s == pytest.approx(25.28)
    assert found[395].interval is None
    assert found[395].touched
    assert found[396].interval is not None
    assert [number for number, window in enumerate(found) if window.interval] == list(range(396, 407))


def oracle(
    intervals: list[tuple[int, int, str]], length: int, window: int, step: int, rule: str, share: Fraction
) -> list[tuple[str | None, bool]]:
    """Label and touch of each window, all times in whole milliseconds: every window against every interval."""
    result = []
    for start in range(0, length - window + 1, step):
        end = start + window
        candidates, touched = [], False
        for order, (a, b, label) in enumerate(intervals):
            shared = min(end, b) - max(start, a)
            if b <= a or shared <= 0:
                continue
            touched = True
            holds = {
                "inside": a <= start and end <= b,
                "overlap": shared >= share * min(window, b - a),
                "centre": 2 * a <= start + end < 2 * b,
            }[rule]
            if holds:
                candidates.append((-shared, b - a, order, label))
        result.append((min(candidates)[3] if candidates else None, touched))
    return result


@settings(max_examples=300, deadline=None)
@given(
    marks=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 120), st.sampled_from("abc")), max_size=6),
    length=st.integers(0, 400),
    window=st.integers(1, 90),
    step=st.integers(1, 60),
    rule=st.sampled_from(RULES),
    share=st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(1)]),
)
def test_windows_follow_the_rule_exactly(
    marks: list[tuple[int, int, str]], length: int, window: int, step: int, rule: str, share: Fraction
) -> None:
    intervals = [(start, start + size, label) for start, size, label in marks]
    found = windows(
        [Interval(start_s=a / 1000, end_s=b / 1000, label=label) for a, b, label in intervals],
        length / 1000,
        WindowRule(window_s=window / 1000, step_s=step / 1000, rule=rule, overlap=float(share)),
    )
    got = [(item.interval.label if item.interval else None, item.touched) for item in found]
    assert got == oracle(intervals, length, window, step, rule, share)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "any"},
        {"window_s": 0.0},
        {"step_s": -1.0},
        {"overlap": 0.0},
        {"overlap": 1.5},
        {"step_s": float("nan")},
    ],
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        WindowRule(**{"window_s": 1.0, "step_s": 0.5, **wrong})


def test_segments_of_one_sample_count() -> None:
    assert to_intervals([Segment(start=5, end=5, value="x")], 10) == [Interval(start_s=0.5, end_s=0.6, label="x")]

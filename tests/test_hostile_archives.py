"""Archives as an enemy makes them, and such as a bad disk leaves: one clear error, no code run, little memory taken."""

import io
import json
import os
import random
import resource
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mltk_like.artifact import Artifact, open_artifact
from mltk_like.cli import main
from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.nets.weights_file import check_net_file
from mltk_like.quiet import import_tensorflow
from mltk_like.verbs.shared import building
from mltk_like.verbs.shared.building import open_net
from mltk_like.verbs.shared.subject import open_subject

SHIPPED = Path(__file__).resolve().parents[1] / "models" / "bell_detector.mltk.zip"
NAME = "bell_detector"
with zipfile.ZipFile(SHIPPED) as _shipped:
    MEMBERS = {info.filename: _shipped.read(info) for info in _shipped.infolist()}
SEED = int(os.environ.get("MLTK_LIKE_FUZZ_SEED", "14"))
# More than a verb needs for a sound archive, and far less than a bomb would take.
MEMORY_MB = 700
DEEP = "[" * 200_000 + "]" * 200_000
ZEROS = bytes(1 << 20)

QUICK = [
    ["summarize", "{f}", "--tflite"],
    ["summarize", "{f}", "--frontend"],
    ["update_params", "{f}", "detection_threshold=190"],
    ["update_params", "{f}"],
]
ALL = [*QUICK, ["export", "{f}", "-o", "{d}/exported"], ["report", "{f}", "-o", "{d}/page"]]


def changed(member: str, **values: object) -> dict[str, bytes]:
    """A JSON member with other values."""
    return {member: json.dumps({**json.loads(MEMBERS[member]), **values}).encode()}


def walked(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: walked(item, leaf) for name, item in value.items()}
    return [walked(item, leaf) for item in value] if isinstance(value, list) else leaf(value)


def evaluation(leaf: Callable[[Any], Any]) -> dict[str, bytes]:
    """Both evaluations with every number replaced."""
    names = [f"eval/{kind}/eval-results.json" for kind in ("tflite", "keras")]
    number = lambda value: leaf(value) if isinstance(value, int | float) and not isinstance(value, bool) else value  # noqa: E731
    return {name: json.dumps(walked(json.loads(MEMBERS[name]), number)).encode() for name in names}


def zeros(path: Path, member: str, head: bytes, megabytes: int) -> None:
    """Add a member that is nearly nothing packed."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(member, "w") as out:
        out.write(head)
        for _ in range(megabytes):
            out.write(ZEROS)


def keras(**members: bytes) -> dict[str, bytes]:
    """The archive's float model with other members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(MEMBERS[f"{NAME}.keras"])) as old, zipfile.ZipFile(buffer, "w") as new:
        contents = {info.filename: old.read(info) for info in old.infolist()}
        for name, data in {**contents, **{f"{key}.json": value for key, value in members.items()}}.items():
            new.writestr(name, data)
    return {f"{NAME}.keras": buffer.getvalue()}


def config() -> Any:
    with zipfile.ZipFile(io.BytesIO(MEMBERS[f"{NAME}.keras"])) as archive:
        return json.loads(archive.read("config.json"))


def units(count: int) -> bytes:
    """The net's config with layers of so many units and filters."""
    value = config()
    for layer in value["config"]["layers"]:
        for name in {"units", "filters"} & set(layer["config"]):
            layer["config"][name], layer["build_config"] = count, None
    return json.dumps(value).encode()


def code_of(trap: Path) -> bytes:
    return f"open({str(trap)!r}, 'w').close()\n".encode()


def hostile(trap: Path) -> dict[str, dict[str, bytes]]:
    """Members that take the place of the shipped archive's, by what they try."""
    state, settings, tflite = "state.json", "settings.json", f"{NAME}.tflite"
    script = "<script>alert(1)</script>"
    row = json.loads(MEMBERS["manifest.jsonl"].splitlines()[0])
    return {
        "code": {f"{NAME}.py": code_of(trap), "sitecustomize.py": code_of(trap), "__init__.py": code_of(trap)},
        "code-by-another-name": {**changed(settings, model="setup", path="setup.py"), "setup.py": code_of(trap)},
        "deep-state": {state: f'{{"name": {DEEP}}}'.encode()},
        "deep-settings": {settings: f'{{"model": {DEEP}}}'.encode()},
        "deep-history": {"train/history.json": f'{{"history": {DEEP}}}'.encode()},
        "deep-evaluation": {"eval/tflite/eval-results.json": DEEP.encode()},
        "big-number": {state: b'{"name": ' + b"9" * 100_000 + b"}"},
        "name-up": changed(state, name="../../x"),
        "name-long": changed(state, name="x" * 5000),
        "name-nul": changed(state, name="x\0y"),
        "name-list": changed(state, name=[1, 2]),
        "model-number": changed(settings, model=5),
        "overrides-list": changed(settings, overrides=[1]),
        "overrides-bad": changed(settings, overrides={"epochs": -5, "nosuch": 1}),
        "not-a-number": evaluation(lambda _: float("nan")),
        "infinite": evaluation(lambda value: float("inf") if isinstance(value, float) else value),
        "huge": evaluation(lambda value: 10**400 if isinstance(value, int) else value),
        "history-many": changed("train/history.json", history={f"a{k}": [1.0] for k in range(40)}),
        "html": {**changed(state, problems=[script], stages={script: 1.0}), f"{NAME}.py": script.encode()},
        "manifest-paths": {
            "manifest.jsonl": b"\n".join(
                json.dumps({**row, "path": path}).encode()
                for path in ("/etc/passwd", "cache:../../../etc/passwd", "\0", "x" * 6000, "/dev/zero")
            )
        },
        "lists": {state: b'{"name": "' + NAME.encode() + b'", "x": [' + b"[]," * 300_000 + b"[]]}"},
        "no-tflite": {tflite: b""},
        "short-tflite": {tflite: MEMBERS[tflite][:1000]},
        "traversal": {"../evil_up": b"x", "a/../../evil": b"x", "..\\evil": b"x", "/tmp/evil": b"x"},
    }


def written(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**MEMBERS, **members}.items():
            archive.writestr(name, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the archive, with a `setup.py` beside it and a trap that its code would spring."""
    folder = tmp_path / "received"
    folder.mkdir()
    (folder / "setup.py").write_bytes(code_of(tmp_path / "trap"))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """A test may not raise the height of this process's memory by more than a sound archive would."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_MB << 10


def survives(path: Path, verbs: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Every verb ends well or with one error; nothing is run, and nothing written but what was asked for."""
    content = path.read_bytes()
    for words in verbs:
        path.write_bytes(content)
        code = main([word.format(f=path, d=path.parent) for word in words])
        error = capsys.readouterr().err
        assert code in (0, 1, 2), words
        assert "Traceback" not in error, words
        if code == 2:
            assert sum(line.startswith("error: ") for line in error.splitlines()) == 1, error
            assert path.read_bytes() == content
        assert not (path.parent.parent / "trap").exists(), words
        assert {found.name for found in path.parent.iterdir()} <= {path.name, "setup.py", "exported", "page"}, words
    assert {found.name for found in path.parent.parent.iterdir()} <= {"received", "cache", "runs"}


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(hostile(Path("trap"))))
def test_hostile_archives(case: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(place / f"{NAME}.mltk.zip", hostile(place.parent / "trap")[case])
    survives(path, QUICK, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(hostile(Path("trap"))))
def test_hostile_archives_with_every_verb(case: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(place / f"{NAME}.mltk.zip", hostile(place.parent / "trap")[case])
    survives(path, ALL, capsys)


def test_links_are_no_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link in a zip is a member whose content is a path."""
    path = written(place / f"{NAME}.mltk.zip", {}, {"extra": "/etc/passwd", "eval/link": "../../../etc/passwd"})
    survives(path, QUICK, capsys)


@pytest.mark.parametrize(
    ("member", "head", "megabytes"),
    [
        ("state.json", b'{"name": "x", "a": [', 9),
        ("manifest.jsonl", b"", 65),
        (f"{NAME}.tflite", MEMBERS[f"{NAME}.tflite"], 65),
        ("x.bin", b"", 65),
        ("x.bin", b"", 17),
    ],
)
def test_bombs(member: str, head: bytes, megabytes: int, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = place / f"{NAME}.mltk.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in MEMBERS:
            if name != member:
                archive.writestr(name, MEMBERS[name])
    zeros(path, member, head, megabytes)
    content = path.read_bytes()
    assert len(content) < 2 << 20
    # Each verb reads what it needs; this one copies every member.
    assert main(["update_params", str(path), "detection_threshold=190"]) == 2
    assert " are allowed (" in capsys.readouterr().err
    survives(path, QUICK, capsys)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, cut out or doubled."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at, length = rng.randrange(len(found)), rng.choice((1, 1, 2, 4, 64))
        match rng.randrange(4):
            case 0:
                found[at : at + length] = rng.randbytes(length)
            case 1:
                found[at] ^= 1 << rng.randrange(8)
            case 2:
                del found[at : at + length]
            case _:
                found[at:at] = found[at : at + length]
        found = found or bytearray(b"\0")
    return bytes(found)


def mutation(path: Path, rng: random.Random) -> Path:
    """An archive with damage in its directory, anywhere, or within one member."""
    kind = rng.randrange(3)
    if kind == 2:
        member = rng.choice([name for name in MEMBERS if not name.endswith((".png", ".txt"))])
        return written(path, {member: mutated(MEMBERS[member], rng)})
    data = SHIPPED.read_bytes()
    start = data.rindex(b"PK\5\6") - 3000 if kind else 0
    path.write_bytes(data[:start] + mutated(data[start:], rng))
    return path


def fuzz(place: Path, verbs: list[list[str]], seeds: range, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in seeds:
        path = mutation(place / f"{NAME}.mltk.zip", random.Random(f"{SEED}/{seed}"))
        try:
            survives(path, verbs, capsys)
        except Exception as error:
            raise AssertionError(f"seed {SEED}, archive {seed}") from error


def test_mutated_archives(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fuzz(place, QUICK[:3], range(40), capsys)


@pytest.mark.slow
def test_many_mutated_archives(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fuzz(place, QUICK, range(1000, 1300), capsys)
    fuzz(place, ALL[4:], range(2000, 2012), capsys)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
def test_what_opens_the_float_net(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`quantize` and `evaluate`: no layer is made that no lawful net has, and nothing is called."""

    def none(artifact: Artifact) -> None:
        raise ModelError("there is no model's file", "")

    # With the user's own file its net would be made in place of the archive's.
    monkeypatch.setattr(building, "specification", none)
    import_tensorflow()
    layer = {"module": "keras.layers", "registered_name": None, "build_config": None}
    vocabulary = {**layer, "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}
    unsafe = {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}
    cases = {
        "units": keras(config=units(10**9)),
        "many": keras(config=units(20_000)),
        "call": keras(config=json.dumps({"module": "os", "class_name": "system", "config": "touch trap"}).encode()),
        "unsafe": keras(config=json.dumps(unsafe).encode()),
        "vocabulary": keras(config=json.dumps(vocabulary).encode()),
        "deep": keras(config=f'{{"a": {DEEP}}}'.encode()),
        "other": keras(config=b"[]"),
    }
    for name, members in cases.items():
        path = written(place / f"{NAME}.mltk.zip", members)
        artifact = open_artifact(path)
        for opener in (open_net, lambda found: open_subject(found, "keras")):
            with pytest.raises(MltkLikeError):
                opener(artifact)
        assert not (place.parent / "trap").exists(), name
    sound = open_artifact(written(place / f"{NAME}.mltk.zip", {}))
    with sound.keras_file() as file:
        check_net_file(file)
    assert open_net(sound).count_params() == 1585

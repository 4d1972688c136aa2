"""What MODEL may be, and that opening one reads data and executes nothing."""

import contextlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.artifact import model_of, open_artifact
from mltk_like.errors import DataError, ModelError
from mltk_like.loader import load_file
from mltk_like.packing import pack, publish
from mltk_like.run import Run, create_run

Write = Callable[..., Path]
TFLITE = b"\0\0\0\0TFL3 and so on"


@pytest.fixture
def run(model_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run of the toy, with `./models` the test's own."""
    monkeypatch.chdir(tmp_path)
    made = create_run(load_file(model_file()).with_settings(epochs=2), test=False)
    made.file(".tflite").write_bytes(TFLITE)
    made.file(".keras").write_bytes(b"keras")
    made.update(status="complete")
    return made


def archive_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_every_kind_of_model(run: Run, tmp_path: Path) -> None:
    archive = pack(run)
    for spec in (
        run.folder,
        str(run.folder),
        archive,
        str(archive),
        "toy",
        "models/toy.py",
        tmp_path / "models" / "toy.py",
    ):
        artifact = open_artifact(spec)
        assert (artifact.name, artifact.tflite()) == ("toy", TFLITE)
        assert artifact.settings()["overrides"] == {"epochs": 2}
        assert artifact.read("nothing.txt") is None
        with artifact.keras_file() as file:
            assert (file.name, file.read_bytes()) == ("toy.keras", b"keras")
        assert not file.exists()


def test_a_bare_tflite(tmp_path: Path) -> None:
    path = tmp_path / "any.tflite"
    path.write_bytes(TFLITE)
    artifact = open_artifact(path)
    assert (artifact.name, artifact.tflite(), artifact.settings()) == ("any", TFLITE, {})
    with pytest.raises(ModelError, match=r"holds no any\.keras"), artifact.keras_file():
        pass
    with pytest.raises(ModelError, match=r"bare \.tflite without a specification"):
        model_of(path)


def test_a_name_means_the_latest_complete_run_else_the_archive(run: Run, tmp_path: Path) -> None:
    model = load_file(tmp_path / "models" / "toy.py")
    later = create_run(model, test=False)
    for status in ("running", "interrupted", "failed"):
        later.update(status=status)
        assert open_artifact("toy").path == run.folder
    later.update(status="complete")
    assert open_artifact("toy").path == later.folder
    published = publish(pack(run), model)
    run.update(status="failed")
    later.update(status="interrupted")
    assert open_artifact("toy").path == published
    assert open_artifact("toy").tflite() == TFLITE


def test_dry_runs_and_runs_are_apart(run: Run) -> None:
    with pytest.raises(ModelError, match="toy-test has not been trained"):
        open_artifact("toy-test")


def test_not_trained(model_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model_file()
    with pytest.raises(ModelError) as caught:
        open_artifact("toy")
    assert caught.value.message == "toy has not been trained"
    assert "python -m mltk_like train toy" in caught.value.hint


def test_a_folder_with_the_models_name_is_not_in_the_way(run: Run, tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    assert open_artifact("toy").path == run.folder
    assert model_of("toy").name == "toy"
    with pytest.raises(ModelError, match="is not a run folder"):
        open_artifact("./toy")


@pytest.mark.parametrize("spec", ["gone.mltk.zip", "gone.tflite", "text.txt", "folder/", "gone/1"])
def test_what_is_no_model(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError) as caught:
        open_artifact(spec)
    assert caught.value.hint


def test_the_specification_behind_a_run_has_its_settings(run: Run, tmp_path: Path) -> None:
    assert model_of("toy").epochs == 3  # type: ignore[attr-defined]
    assert model_of(run.folder).epochs == 2  # type: ignore[attr-defined]
    assert model_of(pack(run)).epochs == 2  # type: ignore[attr-defined]
    moved = archive_of(
        tmp_path / "moved.mltk.zip",
        {"state.json": b'{"name": "toy"}', "settings.json": b'{"model": "toy"}', "toy.py": b"raise SystemExit"},
    )
    assert model_of(moved).path == (tmp_path / "models" / "toy.py").resolve()


def test_opening_an_archive_executes_nothing(run: Run, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    evil = f"open({str(trap)!r}, 'w').close()\n"
    (tmp_path / "evil.py").write_text(evil)
    code = {name: evil.encode() for name in ("toy.py", "evil.py", "__init__.py", "sitecustomize.py", "models/toy.py")}
    for path, model in (
        (str(tmp_path / "evil.py"), "toy"),
        ("evil.py", "evil"),
        ("", str(tmp_path / "evil.py")),
        ("", "./evil"),
    ):
        settings = json.dumps({"path": path, "model": model, "overrides": {}}).encode()
        (tmp_path / "received").mkdir(exist_ok=True)
        archive = archive_of(
            tmp_path / "received" / "toy.mltk.zip",
            {"state.json": b'{"name": "toy"}', "settings.json": settings, "toy.tflite": TFLITE, **code},
        )
        artifact = open_artifact(archive)
        assert artifact.tflite() == TFLITE
        try:
            assert model_of(archive).path == (tmp_path / "models" / "toy.py").resolve()
        except ModelError:
            assert model != "toy"
        assert not trap.exists()


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", "..", ".hidden", "a\\b", "evil.py"])
def test_names_that_lead_out_of_a_folder_are_refused(name: str, tmp_path: Path) -> None:
    state = json.dumps({"name": name}).encode()
    archive = archive_of(
        tmp_path / "x.mltk.zip", {"state.json": state, f"{name}.keras": b"x", f"{name}.tflite": TFLITE}
    )
    with pytest.raises(ModelError, match="damaged or hostile"):
        open_artifact(archive)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.json").write_bytes(state)
    with pytest.raises(ModelError, match="damaged or hostile"):
        open_artifact(tmp_path / "run")


def test_members_that_lead_out_are_never_written(run: Run, tmp_path: Path) -> None:
    members = {"state.json": b'{"name": "toy"}', "../../outside.txt": b"x", "/tmp/outside.txt": b"x", "toy.keras": b"k"}
    artifact = open_artifact(archive_of(tmp_path / "toy.mltk.zip", members))
    with artifact.keras_file() as file:
        assert [path.name for path in file.parent.iterdir()] == ["toy.keras"]
    assert not list(tmp_path.parent.glob("outside.txt"))


def test_a_huge_declared_size_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "toy.mltk.zip", {"state.json": b'{"name": "toy"}', "toy.tflite": TFLITE})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\1\2")  # the central directory's entry of the last member
    struct.pack_into("<I", data, entry + 24, 0xF0000000)
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"claims 40265318.. bytes, and 1073741824 are allowed"):
        open_artifact(path).tflite()


@pytest.mark.parametrize("text", [b"{", b"[]", b'"x"', b"\xff", b"null", b"[" * 100_000])
def test_damaged_json(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_artifact(archive_of(tmp_path / "toy.mltk.zip", {"state.json": text}))
    path = archive_of(tmp_path / "toy.mltk.zip", {"state.json": b'{"name": "toy"}', "settings.json": text})
    with pytest.raises(ModelError):
        model_of(path)


@pytest.mark.parametrize("overrides", [b"[]", b"5", b'"x"'])
def test_damaged_overrides(overrides: bytes, run: Run, tmp_path: Path) -> None:
    settings = b'{"model": "toy", "overrides": ' + overrides + b"}"
    path = archive_of(tmp_path / "toy.mltk.zip", {"state.json": b'{"name": "toy"}', "settings.json": settings})
    with pytest.raises(ModelError, match="overrides"):
        model_of(path)


def use(path: Path) -> None:
    artifact = open_artifact(path)
    artifact.settings()
    artifact.tflite()
    with artifact.keras_file():
        pass
    artifact.replace("toy.tflite", b"new")


def good_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.json", '{"name": "toy"}' + " " * 50)
        archive.writestr("settings.json", '{"model": "toy"}')
        archive.writestr("toy.tflite", bytes(range(256)) * 4)
        archive.writestr("toy.keras", b"k" * 100)
    return buffer.getvalue()


GOOD = good_archive()


@given(data=st.data())
@hypothesis_settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_a_model_error(data: st.DataObject, tmp_path: Path) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(GOOD) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.sampled_from([len(GOOD), *range(0, len(GOOD), 7)])) :]
    path = tmp_path / "toy.mltk.zip"
    path.write_bytes(damaged)
    with contextlib.suppress(ModelError):
        use(path)


def test_replacing_a_file(run: Run, tmp_path: Path) -> None:
    archive = pack(run)
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(TFLITE)
    for spec in (archive, run.folder, bare):
        open_artifact(spec).replace(f"{open_artifact(spec).name}.tflite", TFLITE + b" new")
        assert open_artifact(spec).tflite() == TFLITE + b" new"
    with zipfile.ZipFile(archive) as opened:
        assert opened.read("toy.keras") == b"keras"
        assert len(opened.namelist()) == len(set(opened.namelist()))


def test_a_failing_replacement_leaves_the_archive(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pack(run).read_bytes()

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(DataError, match="No space left"):
        open_artifact(run.archive).replace("toy.tflite", b"new")
    assert run.archive.read_bytes() == before

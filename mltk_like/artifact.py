"""What a verb is given as MODEL: a name, a model file, a run folder, an archive, a bare `.tflite`, or what another tool
made.

Opening one reads data and executes nothing that lies in it.
"""

import os
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.brought.micro_wake_word import file_of_manifest, model_of_manifest, read_manifest, written_manifest
from mltk_like.brought.silicon_labs import model_in
from mltk_like.errors import MltkLikeError, ModelError
from mltk_like.feed.measured import is_measured
from mltk_like.loader import TEST_SUFFIX, find_model, find_named, load_file, typed, typed_path
from mltk_like.model import Model
from mltk_like.opening import open_archive, read_file, refuse_links
from mltk_like.packing import pack
from mltk_like.paths import atomic_path, portable
from mltk_like.run import ARCHIVE_SUFFIX, Run, find_run, typed_run, whose_runs
from mltk_like.settings import from_json
from mltk_like.stored import is_plain_name, json_object
from mltk_like.tflite import is_tflite, read_parameters
from mltk_like.trust import is_own

MANIFEST_SUFFIX = ".json"
FILES = (ARCHIVE_SUFFIX, ".tflite", MANIFEST_SUFFIX)
"""How a trained model's file may end."""

_ONNX_HINT = "ONNX models do not run on TensorFlow Lite Micro, and not here: give a .tflite with int8 input"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A trained model on disk.

    Attributes:
        name: the model's name.
        path: run folder, archive, `.tflite` or manifest of microWakeWord.
        file: the model's file, where the user named that; None where it was reached by its path.
        member: the `.tflite` in an archive of Silicon Labs' MLTK; none: this is no such archive.
    """

    name: str
    path: Path
    file: Path | None = None
    member: str | None = None

    @property
    def alone(self) -> bool:
        """Whether there is an int8 model and nothing of a training: no float net, no specification, no data."""
        return self.member is not None or self.path.suffix in (".tflite", MANIFEST_SUFFIX)

    @property
    def kind(self) -> str:
        """What a model that is `alone` is, in words."""
        if self.member is not None:
            return "an archive of Silicon Labs' MLTK"
        return "a manifest of microWakeWord" if self.path.suffix == MANIFEST_SUFFIX else "a bare .tflite"

    def read(self, member: str) -> bytes | None:
        """A file of the run folder or archive, None where it is not there.

        Raises:
            ModelError: it is damaged, or beyond a limit of `limits`.
        """
        if self.path.is_dir():
            file = self.path / member
            return read_file(file) if file.is_file() else None
        if self.alone:
            return self._int8() if member.endswith(".tflite") else None
        return _read_member(self.path, member)

    def tflite(self) -> bytes:
        """The int8 model. Raises ModelError where there is none, or what is called so is something else."""
        data = self._need(f"{self.name}.tflite")
        if not is_tflite(data):
            where = self.path if self.path.suffix == ".tflite" else f"{self.name}.tflite in {self.path}"
            raise ModelError(f"{where} is not a .tflite file", "give a file that the quantize or train command wrote")
        return data

    def tflite_as_given(self) -> bytes:
        """The int8 model as its maker gave it, without the parameters that a manifest is read into."""
        return file_of_manifest(self.path) if self.path.suffix == MANIFEST_SUFFIX else self.tflite()

    def manifest(self) -> dict[str, Any]:
        """What the author of a model of microWakeWord wrote in its manifest; empty for all others."""
        return written_manifest(self.path) if self.path.suffix == MANIFEST_SUFFIX else {}

    @contextmanager
    def keras_file(self) -> Iterator[Path]:
        """The float model as a file for the time of the block. Raises ModelError where there is none."""
        data = self._need(f"{self.name}.keras")
        with TemporaryDirectory(prefix="mltk_like-") as folder:
            file = Path(folder) / f"{self.name}.keras"
            file.write_bytes(data)
            yield file

    def settings(self) -> dict[str, Any]:
        """What `settings.json` says; empty for a bare `.tflite`. Raises ModelError when it is damaged."""
        data = self.read("settings.json")
        return _json_mapping(data, self.path, "settings.json") if data else {}

    def state(self) -> dict[str, Any]:
        """What `state.json` says; empty for a bare `.tflite`. Raises ModelError when it is damaged."""
        data = self.read("state.json")
        return _json_mapping(data, self.path, "state.json") if data else {}

    def replace(self, member: str, data: bytes) -> None:
        """Put another content in place of a file, atomically. Raises DataError where it cannot be written."""
        self.check_writable()
        member = self.member or member
        if self.path.is_dir() or self.path.suffix == ".tflite":
            target = self.path / member if self.path.is_dir() else self.path
            with atomic_path(target) as temporary:
                temporary.write_bytes(data)
            if self.path.is_dir():
                pack(Run(self.path))  # the run's archive says what its folder says
            return
        with (
            open_archive(self.path) as old,
            atomic_path(self.path) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for info in old.members:
                kept = zipfile.ZipInfo(info.filename, info.date_time)
                kept.external_attr, kept.compress_type = info.external_attr, zipfile.ZIP_DEFLATED
                if info.filename == member:
                    new.writestr(kept, data)
                    continue
                kept.file_size = info.file_size
                with new.open(kept, "w") as out:
                    for piece in old.pieces(info):
                        out.write(piece)

    def check_writable(self) -> None:
        """Raise ModelError where `replace` would: what a manifest of microWakeWord says, its author says."""
        if self.path.suffix == MANIFEST_SUFFIX:
            copy = shlex.quote(f"{self.name}.tflite")
            raise ModelError(
                f"{self.path} is a manifest of microWakeWord, which is left as it is",
                f"make a .tflite of it: update_params {typed_path(self.path)} suppression_ms=1000 --output {copy}",
            )

    @property
    def model_file(self) -> Path | None:
        """The file of the model that it was made from, or None: for an archive the one beside it, else by its name.

        What another tool made has none, whatever it is called.
        """
        if self.alone and self.path.suffix != ".tflite":
            return None
        return (
            Run(self.path).model_file
            if self.path.is_dir()
            else _file_of_archive(self.name.removesuffix(TEST_SUFFIX), self.path)
        )

    @property
    def typed_model(self) -> str:
        """What a user types to train its model: a name or the path of the file."""
        file = self.model_file
        return typed(file) if file else "MODEL"

    @property
    def typed(self) -> str:
        """What a user types for it: a name or model file that reaches it, else its path."""
        file = self.model_file
        word = typed_run(Run(self.path)) if self.path.is_dir() else typed(file) if file else None
        with suppress(ModelError):
            if word is not None and open_artifact(word).path.samefile(self.path):
                return word
        return typed_path(self.path)

    def _int8(self) -> bytes | None:
        if self.path.suffix == MANIFEST_SUFFIX:
            return model_of_manifest(self.path)
        return read_file(self.path) if self.member is None else _read_member(self.path, self.member)

    def _need(self, member: str) -> bytes:
        data = self.read(member)
        if data is None:
            raise ModelError(
                f"{self.path} holds no {member}", f"train it: python -m mltk_like train {shlex.quote(self.typed_model)}"
            )
        return data


def open_artifact(spec: str | Path) -> Artifact:
    """The trained model that a name, path, run folder, archive, `.tflite` or manifest of microWakeWord stands for.

    A name or a `.py` means the latest complete run of that very file in `./runs`, else the archive beside it.

    Raises:
        ModelError: it does not exist, is of no known kind, or has not been trained.
    """
    path = Path(spec)
    text = str(spec)
    if is_run_folder(spec):
        return _from_folder(path)
    if text.endswith(FILES):
        if not path.is_file():
            raise ModelError(f"no such file: {path}", "give a model's name, a run folder, a .mltk.zip or a .tflite")
        return _from_file(path)
    if path.is_file() and path.suffix != ".py":
        hint = "give a model's name, a .py, a run folder, a .mltk.zip or a .tflite"
        raise ModelError(f"{path} is not a model", _ONNX_HINT if path.suffix == ".onnx" else hint)
    return _from_name(text)


def model_of(spec: str | Path) -> Model:
    """The specification behind MODEL, with the settings of the run where it is one.

    A name gives the settings of the model's file. What a training has to measure for the front end is in none: it is
    that of the trained model, where there is one.

    Raises:
        ModelError: as `specification`.
    """
    if is_run_folder(spec) or str(spec).endswith(FILES):
        return specification(open_artifact(spec))
    model = load_file(find_model(spec).path)
    # Any: only AudioDatasetMixin has it.
    return model if is_measured(model) else _measured_before(model, spec)


def specification(artifact: Artifact) -> Model:
    """The specification that a trained model was made from, with the settings of its run.

    The model's file is code. It is run where the user named it, or where it is known as the user's (see `trust`), and
    only if it has the name of the model and the run has a copy of it; never the copy.

    Raises:
        ModelError: there is no such file (a bare `.tflite` has none), or it is not known as the user's.
    """
    path = artifact.path
    if artifact.alone:
        raise ModelError(
            f"{path} is {artifact.kind} without a specification", "give the model's name or its run folder"
        )
    stored = artifact.settings()
    return from_json(load_file(_model_file(artifact, stored)), stored.get("overrides", {}))


def _measured_before(model: Any, spec: str | Path) -> Model:
    """The model with the front end's means and deviations that its latest training measured; as it is without one."""
    try:
        frontend = frontend_from_parameters(read_parameters(open_artifact(spec).tflite()))
        lists = {name: getattr(frontend, name) for name in ("means", "stds")}
        return model.with_settings(frontend=model.frontend.copy(**lists))  # type: ignore[no-any-return]
    except MltkLikeError:
        return model  # type: ignore[no-any-return]


def is_run_folder(spec: str | Path) -> bool:
    """A folder is meant: any that is written as a path, but a bare word only when it is a run folder."""
    path = Path(spec)
    return path.is_dir() and (isinstance(spec, Path) or os.sep in spec or (path / "state.json").is_file())


def _model_file(artifact: Artifact, stored: Mapping[str, Any]) -> Path:
    """The file of the model that a run folder or archive was made from, which may be run.

    A folder is believed no more than an archive: it may be one that was unpacked.
    """
    path, name = artifact.path, stored.get("model", "")
    if name not in (artifact.name, artifact.name.removesuffix(TEST_SUFFIX)):
        raise ModelError(
            f"{path} holds the model {artifact.name!r} and calls its file {name!r}", "it is damaged or hostile"
        )
    if artifact.read(f"{artifact.name}.py") is None:
        raise ModelError(f"{path} has no copy of its model's file {name}.py", "give the model's name or its .py")
    if artifact.file is not None:
        return artifact.file
    if path.is_dir() and (lost := Run(path).lost_file) is not None:
        raise ModelError(
            f"{portable(path)} is of {lost}, which is gone",
            "if that was moved: python -m mltk_like models --claim FILE",
        )
    file = Run(path).model_file if path.is_dir() else _file_of_archive(name, path)
    if file is None and (file := find_named(name)) is None:
        raise ModelError(
            f"this needs {name}.py, the file of the model in {portable(path)}, and no name reaches it",
            f"give the file in place of {typed_path(path)}; if you trust the copy in it, take that out and give it",
        )
    if file.stem == name and is_own(file):
        return file
    words = [typed_path(file), typed_path(path)]
    trusting = f"models --claim {shlex.join(words)}" if path.is_dir() else f"in place of the archive: {words[0]}"
    raise ModelError(
        f"this would run {portable(file)}, which is not known as yours: it may have come with {portable(path)}",
        f"read it, and if you trust it give {trusting}",
    )


def _file_of_archive(name: str, path: Path) -> Path | None:
    """The model's file of an archive or `.tflite`: what lies in a run folder is of the run's model, not of its copy."""
    if (path.parent / "state.json").is_file():
        return Run(path.parent).model_file
    beside = path.with_name(f"{name}.py")
    return beside if beside.is_file() else find_named(name)


def _plain_name(name: str, path: Path) -> str:
    """Refuse names from a file that would point out of a folder."""
    if name.endswith(".py") or not is_plain_name(name):
        raise ModelError(f"{path} calls its model {name[:80]!r}", "it is damaged or hostile")
    return name


def _json_mapping(data: bytes, path: Path, member: str) -> dict[str, Any]:
    try:
        return json_object(data, member)
    except ValueError as error:
        raise ModelError(f"{member} in {path} cannot be read: {error}", "it is damaged, or no .mltk.zip") from error


def _from_file(path: Path) -> Artifact:
    """A trained model in a file that ends with one of `FILES`."""
    if path.suffix == MANIFEST_SUFFIX:
        read_manifest(path)  # it may be any other JSON file
        return Artifact(name=_plain_name(path.stem, path), path=path)
    name = path.name.removesuffix(ARCHIVE_SUFFIX).removesuffix(".tflite")
    if path.suffix == ".tflite":
        return Artifact(name=_plain_name(name, path), path=path)
    member = model_in(path)
    return Artifact(name=_name_in_archive(path) or _plain_name(name, path), path=path, member=member)


def _from_folder(path: Path) -> Artifact:
    state = path / "state.json"
    try:
        name = json_object(read_file(state), state.name)["name"]
    except (ModelError, ValueError, KeyError) as error:
        why = error.message if isinstance(error, ModelError) else f"{error}"
        raise ModelError(f"{path} is not a run folder: {why}", "these are runs/<model>/<number>") from error
    refuse_links(path)
    return Artifact(name=_plain_name(str(name), path), path=path)


def _from_name(spec: str) -> Artifact:
    found = find_model(spec)
    name = found.path.stem + (TEST_SUFFIX if found.test else "")
    run = find_run(name, status=("complete",), file=found.path)
    if run is not None:
        return Artifact(name=name, path=run.folder, file=found.path)
    archive = found.path.with_name(f"{name}{ARCHIVE_SUFFIX}")
    if archive.is_file():
        return Artifact(name=name, path=archive, file=found.path)
    command = f"python -m mltk_like train {shlex.quote(spec)}, or --build for random weights where a verb has it"
    others = whose_runs(name)
    raise ModelError(f"{name} has not been trained" + (f" ({others})" if others else ""), command)


def _name_in_archive(path: Path) -> str:
    state = _read_member(path, "state.json")
    name = _json_mapping(state, path, "state.json").get("name", "") if state else ""
    return _plain_name(str(name), path) if name else ""


def _read_member(path: Path, member: str) -> bytes | None:
    with open_archive(path) as archive:
        return archive.read(member)

"""`train MODEL --cluster ADDRESS`: a whole training on a node of a Ray cluster.

The training runs as a process on the node, held by a named actor that outlives the connection. Whoever asks for the
same model at the same address again is connected to it again.
"""

import codecs
import io
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.cluster import NAMESPACE, Cluster
from mltk_like.data.archives import extract
from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.model import Model
from mltk_like.packing import publish as publish_archive
from mltk_like.paths import portable, runs_dir
from mltk_like.run import Run, next_folder, run_name
from mltk_like.terminal import pass_on
from mltk_like.verbs.shared.training_process import TrainingJob, TrainingProcess, scratch_folder

_POLL_S = 1.0
_MOST_BYTES = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class RemoteTraining:
    """A training that ran on a node, brought back.

    Attributes:
        name: the model's name.
        folder: the run folder, now on this machine.
        published: the archive's copy beside the model's file; None for a dry run or a training that did not end.
        exit_code: the training's own.
    """

    name: str
    folder: Path
    published: Path | None
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        published = str(self.published) if self.published else None
        return {"name": self.name, "folder": str(self.folder), "published": published, "exit_code": self.exit_code}

    def __str__(self) -> str:
        state = "" if self.exit_code == 0 else f" (it did not end well: exit code {self.exit_code})"
        also = f", published as {portable(self.published)}" if self.published else ""
        return f"brought back: {portable(self.folder)}{also}{state}"


def train_on_cluster(
    model: Model,
    address: str,
    *,
    arguments: tuple[str, ...] = (),
    recordings: Mapping[str, tuple[Path, ...]] | None = None,
    test: bool = False,
    stop: bool = False,
    publish: bool = True,
) -> RemoteTraining:
    """Train on a node (with its GPU, if the cluster has one), show its output, and bring its run folder back.

    When a training of this model is on the cluster already, it is joined instead of started. Ctrl-C or a cut line leave
    it running there.

    Args:
        model: a model that has a file; the file travels, the folders it names do not.
        address: of the cluster, see `Cluster`.
        arguments: further words of `train`, such as `--set epochs=5`.
        recordings: files and folders of this machine that travel, by the option that names them (`--negatives`).
        test: the dry run.
        stop: end the training that is there, and bring back what it has.
        publish: copy the archive of a training that ended well to the folder of the model's file.

    Raises:
        ModelError: the model has no file, another of its name is trained there, or there is nothing to stop.
        ToolError: no cluster answers, or the node was lost.
        DataError: the recordings are too much to send, or the run folder cannot be written.
    """
    if model.path is None:
        raise ModelError("a model without a file cannot travel", "write it into a .py file")
    name = run_name(model, test=test)
    with Cluster(address) as cluster, _losses_named(address):
        actor = _running(name)
        if actor is None and stop:
            raise ModelError(f"no training of {name} runs at {address}", "nothing to stop")
        print(f"{'starting' if actor is None else 'joining'} the training of {name} at {address}", flush=True)
        if not stop:
            job = _job(model, name, arguments, recordings or {}, test=test)
            actor = _start(cluster, job) if actor is None else _joined(actor, job)
        return _follow(actor, model, name, stop=stop, to_publish=publish and not test)


def _running(name: str) -> Any:
    """The actor of a training that is on the cluster already, or None."""
    import ray

    try:
        return ray.get_actor(f"train-{name}", namespace=NAMESPACE)
    except ValueError:
        return None


def _joined(actor: Any, job: TrainingJob) -> Any:
    """The actor; with a warning where its training was asked for with other words.

    Raises:
        ModelError: it trains another file of the same name.
    """
    import ray

    if ray.get(actor.model_digest.remote()) != job.model_digest:
        raise ModelError(
            f"a training of {job.name} is there already, of another file", "wait for its end, or end it with --stop"
        )
    if ray.get(actor.digest.remote()) != job.digest:
        note = "it was started with other options or recordings; with --stop it ends"
        print(f"warning: {note}", file=sys.stderr, flush=True)
    return actor


@contextmanager
def _losses_named(address: str) -> Iterator[None]:
    """Say what becomes of the training when the line is cut, by the network or by the user."""
    import ray

    try:
        yield
    except (ray.exceptions.RayError, ConnectionError) as error:
        hint = "a training that is still there is joined by the same command; else start it again"
        raise ToolError(f"the connection to the training at {address} was lost: {error}", hint) from error
    except KeyboardInterrupt:
        note = f"the training goes on at {address}; the same command joins it again, with --stop it ends"
        print(f"\n{note}", file=sys.stderr)
        raise


def _follow(actor: Any, model: Model, name: str, *, stop: bool, to_publish: bool) -> RemoteTraining:
    """Show what the training prints till its end, and bring back its run folder."""
    import ray

    if stop:
        ray.get(actor.stop.remote())
    for text in _output(actor):
        pass_on(text)
    packed: bytes
    exit_code: int
    packed, exit_code = ray.get(actor.pack.remote())
    # Where it cannot be written here, it stays there to be brought back later; where there is nothing, it may go.
    folder = _bring_back(packed, name) if packed else None
    ray.get(actor.discard.remote())
    ray.kill(actor)
    if folder is None:
        raise ModelError(f"the training of {name} ended before it had a run folder", "see what it printed")
    assert model.path is not None
    Run(folder).claim(model.path)
    well = to_publish and exit_code == 0
    published = publish_archive(Run(folder).archive, model) if well else None
    return RemoteTraining(name=name, folder=folder, published=published, exit_code=exit_code)


class TrainingNode:
    """The actor: a training process on a node, its output and its run folder."""

    def __init__(self, job: TrainingJob) -> None:
        self._process = TrainingProcess(job, scratch_folder())

    def digest(self) -> str:
        """Of the job, see `TrainingJob.digest`."""
        return self._process.job.digest

    def model_digest(self) -> str:
        """Of the model's file, see `TrainingJob.model_digest`."""
        return self._process.job.model_digest

    def output(self, start: int) -> tuple[bytes, bool]:
        """What was printed from byte `start` on, and whether the process has ended (looked up first)."""
        ended = self._process.exit_code() is not None
        return self._process.output(start), ended

    def stop(self) -> None:
        """Interrupt the training and wait for its end."""
        self._process.stop()

    def pack(self) -> tuple[bytes, int]:
        """The run folder as a ZIP archive (empty bytes when there is none), and the exit code."""
        code = self._process.exit_code(None)
        folder = self._process.run_folder
        buffer = io.BytesIO()
        if folder is not None:
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.rglob("*")):
                    if path.is_file():
                        archive.write(path, path.relative_to(folder).as_posix())
        return buffer.getvalue(), 1 if code is None else code

    def discard(self) -> None:
        """Remove the files on the node."""
        shutil.rmtree(self._process.folder, ignore_errors=True)


def _start(cluster: Cluster, job: TrainingJob) -> Any:
    import ray

    options = {"name": f"train-{job.name}", "namespace": NAMESPACE, "lifetime": "detached", "max_concurrency": 4}
    resources = {"num_cpus": 1, "num_gpus": 1 if cluster.gpus else 0}
    return ray.remote(TrainingNode).options(**options, **resources).remote(job)


def _job(
    model: Model,
    name: str,
    arguments: tuple[str, ...],
    recordings: Mapping[str, tuple[Path, ...]],
    *,
    test: bool,
) -> TrainingJob:
    assert model.path is not None
    files = {f"models/{model.path.name}": model.path.read_bytes()}
    words = list(arguments) + (["--test"] if test else [])
    for option, folders in recordings.items():
        names = []
        for number, folder in enumerate(folders):
            root = f"recordings/{option.strip('-')}-{number}"
            names.append(f"{root}/{folder.name}" if folder.is_file() else root)
            files |= {f"{root}/{path}": content for path, content in _contents(folder)}
        words += [option, *names] if names else []
    size = sum(len(content) for content in files.values())
    if size > _MOST_BYTES:
        raise DataError(
            f"the recordings are {size / 1e9:.1f} GB, too much to send",
            "copy them to the node and name them in the model's sources()",
        )
    return TrainingJob(name=name, model=f"models/{model.path.name}", arguments=tuple(words), files=files)


def _contents(given: Path) -> Iterator[tuple[str, bytes]]:
    if not given.exists():
        raise DataError(f"there is no {given}", "check the path")
    for path in [given] if given.is_file() else sorted(given.rglob("*")):
        if path.is_file():
            yield path.relative_to(given.parent if given.is_file() else given).as_posix(), path.read_bytes()


def _output(actor: Any) -> Iterator[str]:
    """What the training prints, till its end; from the start for whoever joins later."""
    import ray

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    done, ended = 0, False
    while not ended:
        data, ended = ray.get(actor.output.remote(done))
        done += len(data)
        yield decoder.decode(data, final=ended)
        if not ended:
            time.sleep(_POLL_S)


def _bring_back(packed: bytes, name: str) -> Path:
    folder = next_folder(runs_dir() / name)
    with tempfile.TemporaryDirectory(prefix="mltk_like-") as place:
        file = Path(place) / "run.zip"
        file.write_bytes(packed)
        extract(file, folder)
    return folder

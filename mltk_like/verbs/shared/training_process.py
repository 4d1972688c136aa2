"""One training as a process of its own: what a trial of `tune` is, and what runs on a node of a cluster."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mltk_like.processes import interrupt_session, kill_session

# Ray and others set these to the cores that *they* were told of; the training looks for itself.
_NOT_INHERITED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONPATH")
# The command line, in a process that ends when whoever started it does, however that ends.
_COMMAND = (
    "import sys; from mltk_like.signals import end_with_stdin; end_with_stdin();"
    "from mltk_like.__main__ import main; sys.exit(main())"
)


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a training needs that runs elsewhere.

    Attributes:
        name: the model's name; its run folders are `runs/<name>/<number>`.
        model: path of the model's file as the process is to see it, relative to its folder or absolute.
        arguments: further words behind `train MODEL`.
        files: content of files to put into the process's folder first, by relative path.
    """

    name: str
    model: str
    arguments: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The same for jobs that train the same: SHA-256 of all of it."""
        parts = [self.name.encode(), self.model.encode(), *(word.encode() for word in self.arguments)]
        parts += [part for name in sorted(self.files) for part in (name.encode(), self.files[name])]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model's file that travels; of nothing where it stays."""
        return hashlib.sha256(self.files.get(self.model, b"")).hexdigest()


class TrainingProcess:
    """`python -m mltk_like train ...` in a folder, with its output in `output.txt` there.

    It is interrupted when this process ends, also where that is killed.

    Args:
        job: what to train.
        folder: an empty folder for the job's files, run folders and output.
        cwd: where the process works; the folder itself by default.
    """

    def __init__(self, job: TrainingJob, folder: Path, cwd: Path | None = None) -> None:
        self.job = job
        self.folder = folder
        for name, content in job.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        # A bar that is drawn ten times a second would fill the log.
        environment |= {"MLTK_LIKE_RUNS": str(folder / "runs"), "TQDM_MININTERVAL": "5", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", _COMMAND, "train", job.model, *job.arguments]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=cwd or folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def _output(self) -> Path:
        return self.folder / "output.txt"

    @property
    def run_folder(self) -> Path | None:
        """The latest run folder that the process has made, if any."""
        runs = [path for path in (self.folder / "runs" / self.job.name).glob("*") if path.name.isdigit()]
        return max(runs, key=lambda path: int(path.name), default=None)

    def output(self, start: int = 0) -> bytes:
        """What was printed so far, from byte `start`."""
        with self._output.open("rb") as file:
            file.seek(start)
            return file.read()

    def exit_code(self, timeout: float | None = 0.0) -> int | None:
        """The process's exit code, waited for so many seconds (None: till the end); None while it runs."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code

    def stop(self, patience_s: float = 60.0) -> None:
        """Interrupt the training, as Ctrl-C does, so that its checkpoint is kept; kill it when that takes too long."""
        if self._process.poll() is None:
            interrupt_session(self._process)
            if self.exit_code(patience_s) is None:
                kill_session(self._process)
                self.exit_code(None)


def last_lines(output: bytes, count: int = 12) -> str:
    """The end of what a process printed, progress bars taken down to their last state."""
    lines = [line.rpartition("\r")[2] for line in output.decode(errors="replace").rstrip().split("\n")]
    return "\n".join(lines[-count:])


def scratch_folder() -> Path:
    """A new folder for a process's files."""
    return Path(tempfile.mkdtemp(prefix="mltk_like-"))

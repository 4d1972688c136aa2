"""What the workbench may touch: the folder that it was given, and what the package itself keeps.

Paths come from the browser as `paths.portable` stores them. Links are followed before it is asked where they lead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from os.path import isfile
from pathlib import Path

from mltk_like.artifact import Artifact, open_artifact
from mltk_like.audio.wav import AUDIO_SUFFIXES
from mltk_like.data.recordings import audio_files
from mltk_like.errors import ModelError
from mltk_like.loader import list_models
from mltk_like.paths import cache_dir, portable, resolved, runs_dir, unportable
from mltk_like.run import Run, runs_of
from mltk_like.verbs.workbench.guard import Refused

_MOST_FILES = 2000


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folder of the workbench, which is the working folder as long as it serves.

    Attributes:
        root: the folder, resolved.
        given: the model that was named on the command line; empty: none was.
    """

    root: Path
    given: str = ""

    def readable(self, path: Path) -> bool:
        """Whether a path leads into the folder, the cache, or the folder of the runs."""
        return self._leads_into(path, self.root, cache_dir(), runs_dir())

    def writable(self, path: Path) -> bool:
        """Whether a path leads into the folder, or that of the runs."""
        return self._leads_into(path, self.root, runs_dir())

    def sound(self, text: str) -> Path:
        """The sound file that a request names. Raises Refused."""
        path = unportable(text)
        if path.suffix.lower() not in AUDIO_SUFFIXES or not self.readable(path):
            raise Refused(403, f"{text[:200]} is no sound file of this folder")
        if not isfile(path):  # whatever text it is
            raise Refused(404, f"{text[:200]} is not there")
        return path

    def sounds(self) -> list[str]:
        """The sound files of the folder, at most 2000."""
        return [portable(path) for path in islice(self.sounds_below(self.root), _MOST_FILES)]

    def sounds_below(self, folder: Path) -> Iterator[Path]:
        """The sound files of a folder that can be heard: no link leads out of here, or nowhere."""
        return (path for path in audio_files(folder) if self.readable(path) and isfile(path))

    def models(self) -> dict[str, Path]:
        """Every model that a name reaches, as the verb `models` lists them, and the one that was named."""
        return list_models()

    def runs(self) -> Iterator[Run]:
        """The run folders, those of a model together, the latest first."""
        for folder in sorted(path for path in runs_dir().glob("*") if path.is_dir()):
            yield from runs_of(folder.name)

    def spec(self, name: str) -> str | Path:
        """What a verb is given for a model or run of the page's lists. Raises Refused for anything else."""
        if name and (name == self.given or name in self.models()):
            return name
        model, _, number = name.rpartition("/")
        if model and number.isdigit():
            folder = next((run.folder for run in self.runs() if run_id(run) == name), None)
            if folder is not None:
                return folder
        raise Refused(404, f"there is no model or run {name[:200]!r} here")

    def artifact(self, name: str) -> Artifact:
        """The trained model of one of the lists. Raises Refused; ModelError where it has not been trained."""
        return open_artifact(self.spec(name))

    def own_artifact(self, name: str) -> Artifact:
        """The same, to be written to. Raises ModelError for one that lies elsewhere, as the package's own do."""
        artifact = self.artifact(name)
        if not self.writable(artifact.path):
            raise ModelError(
                f"{artifact.path} lies outside of {self.root}",
                "train it here, or copy its archive into ./models",
            )
        return artifact

    def _leads_into(self, path: Path, *folders: Path) -> bool:
        try:
            real = resolved(path)
        except (OSError, RuntimeError, ValueError):
            return False
        return any(real.is_relative_to(resolved(folder)) for folder in folders)


def run_id(run: Run) -> str:
    """How the page calls a run: 'toy/3'."""
    return f"{run.folder.parent.name}/{run.folder.name}"

"""Real speech out of Debian packages, as a source."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk_like.cluster import Workers
from mltk_like.data.chosen import says
from mltk_like.data.clip import Clip
from mltk_like.data.debian.apt import NothingMoreError
from mltk_like.data.debian.packages import DEBIAN_SPEECH, PACKAGES, Package
from mltk_like.data.debian.store import Index, folder_of, obtain, stored
from mltk_like.data.skipped import Clips, Skipped, report
from mltk_like.data.source import Inventory
from mltk_like.data.split import first_spread
from mltk_like.errors import DataError, SettingError


@dataclass(frozen=True, kw_only=True)
class DebianSpeech:
    """Recordings of people in Debian packages: games with voice actors, prompts, read sentences, in ten languages.

    Wherever `apt-get` is (Debian, Ubuntu), with or without root; nothing is installed, and nothing on the system
    changes. A package that is in the cache needs neither apt nor network.

    Attributes:
        label: of all clips.
        packages: names of packages; see `DEBIAN_SPEECH` and `DEBIAN_SPEECH_ALL`.
        avoid: words and phrases; recordings that are known to say one are left out. What is said is known of a few
            hundred only; lines that say "computer" are never among them.
        split: fixes all clips to 'training', 'validation' or 'test'; empty lets the splitter decide.
        strict: a package that cannot be had is an error, though others can.
        name: in tables and manifest.

    Raises:
        SettingError: a package is not known.
    """

    label: str = "_unknown_"
    packages: tuple[str, ...] = DEBIAN_SPEECH
    avoid: tuple[str, ...] = ()
    split: str = ""
    strict: bool = False
    name: str = "Debian speech"

    def __post_init__(self) -> None:
        for name in self.packages:
            if name not in PACKAGES:
                raise SettingError(f"there is no speech of a package {name!r}", f"use {', '.join(PACKAGES)}")

    @property
    def licence(self) -> str:
        """Those of all packages."""
        return ", ".join(sorted({part.licence for package in self._packages() for part in package.parts}))

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, package by package; what is not in the cache is fetched.

        An interrupted call goes on with the package that it was at.

        Args:
            limit: only the first so many, groups taking turns; the packages are fetched whole all the same.
            workers: not used.
            progress: show a bar.

        Returns:
            The clips. Their `problem` says which packages could not be had, if any.

        Raises:
            DataError: no package can be had; with `strict`, any cannot.
        """
        from tqdm.auto import tqdm

        clips: list[Clip] = []
        missing: list[Skipped] = []
        off: NothingMoreError | None = None
        with tqdm(self._packages(), desc=self.name, unit="package", disable=not progress, leave=False) as bar:
            for package in bar:
                bar.set_postfix_str(package.name)
                try:
                    index = stored(package)
                    if index is None and off:
                        raise off
                    clips += self._clips(package, index or obtain(package))
                except DataError as error:
                    off = error if isinstance(error, NothingMoreError) else off
                    missing.append(Skipped(path=Path(package.name), reason=error.message))
        if not clips:
            first = missing[0].reason if missing else "it has no packages"
            raise DataError(first, off.hint if off else "see what apt-get says of it")
        report(self.name, missing, len(self.packages), "packages cannot be had", strict=self.strict)
        return Clips(first_spread(clips, limit), missing, problem=_problem(missing, len(self.packages)))

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Fetch the packages whose clips belong at `paths` and are missing there. Raises DataError."""
        for package in self._packages():
            if stored(package) is None and any(path.is_relative_to(folder_of(package)) for path in paths):
                obtain(package)

    def inventory(self) -> Inventory:
        """The clips of the packages that are in the cache, and the size of the others."""
        found = [(package, stored(package)) for package in self._packages()]
        clips = [clip for package, index in found if index for clip in self._clips(package, index)]
        return Inventory(
            clips=clips,
            missing=0 if all(index for _, index in found) else None,
            fetched=True,
            size_bytes=sum(package.size_bytes for package, _ in found),
            licence=self.licence,
        )

    def _packages(self) -> list[Package]:
        return [PACKAGES[name] for name in self.packages]

    def _clips(self, package: Package, index: Index) -> Iterator[Clip]:
        folder = folder_of(package)
        for item in index.clips:
            if not any(says(item.text or Path(item.file).stem, phrase) for phrase in self.avoid):
                yield Clip(
                    path=folder / item.file, label=self.label, group=f"{package.name}/{item.speaker or 'all'}",
                    source=self.name, licence=item.licence, text=item.text, split=self.split,
                    details={"language": item.language, "package": package.name, "version": index.version},
                )  # fmt: skip


def debian_speech(
    label: str = "_unknown_",
    *,
    packages: Sequence[str] = DEBIAN_SPEECH,
    avoid: Sequence[str] = (),
    strict: bool = False,
) -> DebianSpeech:
    """A source of 14 hours of people's speech in ten languages, out of Debian packages; see `DebianSpeech`.

    Args:
        label: of all clips.
        packages: `DEBIAN_SPEECH` (640 MB) or `DEBIAN_SPEECH_ALL` (1.27 GB, ten minutes more), or names of them.
        avoid: words and phrases; recordings that are known to say one are left out.
        strict: a package that cannot be had is an error, though others can.

    Raises:
        SettingError: a package is not known.
    """
    return DebianSpeech(label=label, packages=tuple(packages), avoid=tuple(avoid), strict=strict)


def _problem(missing: Sequence[Skipped], total: int) -> str:
    if not missing:
        return ""
    return f"{len(missing)} of {total} packages are missing: {missing[0]}"

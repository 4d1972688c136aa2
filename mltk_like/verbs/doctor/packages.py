"""Python and the packages that this one declares, each with the version that is installed."""

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from mltk_like.verbs.doctor.line import Line

_OURS = "mltk_like"
# Extras without which a model cannot be trained, and those that are for who works on this package itself.
_NEEDED, _LEFT_OUT = ("", "train", "speech"), ("docs", "test")


def python_line() -> Line:
    """The Python that runs, against the versions that are asked for."""
    version = platform.python_version()
    try:
        wanted = str(metadata.metadata(_OURS).json.get("requires_python", ""))
    except metadata.PackageNotFoundError:
        wanted = ""
    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    remedy = "" if fits else "apt-get install python3 python3-venv   # a newer Debian or Ubuntu"
    return Line(group="Python", name="python", ok=fits, found=version, remedy=remedy, needed=True)


def package_lines() -> Iterator[Line]:
    """A line for each package that is declared, those that all need first, then by extra."""
    try:
        declared = metadata.requires(_OURS) or []
        version = metadata.version(_OURS)
    except metadata.PackageNotFoundError:
        remedy = "pip install -e '.[train,speech]'"
        yield Line(group="Python", name=_OURS, ok=False, remedy=remedy, needed=True)
        return
    yield Line(group="Python", name=_OURS, ok=True, found=version, needed=True)
    for extra in ("", *_extras()):
        yield from _lines_of(extra, declared)


def _extras() -> list[str]:
    return [extra for extra in metadata.metadata(_OURS).get_all("Provides-Extra") or [] if extra not in _LEFT_OUT]


def _lines_of(extra: str, declared: list[str]) -> Iterator[Line]:
    """The packages that one extra adds; without a name, those that come with the package."""
    for text in declared:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        # What has no extra in its marker holds with any: it is shown once.
        if requirement.name.replace("-", "_") == _OURS or (
            extra and (marker is None or marker.evaluate({"extra": ""}))
        ):
            continue
        yield _line(requirement, extra)


def _line(requirement: Requirement, extra: str) -> Line:
    wanted = str(requirement.specifier)
    remedy = f"pip install '{_OURS}[{extra}]'" if extra else f"pip install '{requirement.name}{wanted}'"
    group = f"packages of the extra '{extra}'" if extra else "packages"
    needed = extra in _NEEDED
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Line(group=group, name=requirement.name, ok=False, remedy=remedy, needed=needed)
    if requirement.specifier.contains(version, prereleases=True):
        return Line(group=group, name=requirement.name, ok=True, found=version, needed=needed)
    found = f"{version}, and not {wanted}"
    return Line(group=group, name=requirement.name, ok=False, found=found, remedy=remedy, needed=needed)

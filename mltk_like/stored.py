"""The JSON files of a run folder or an archive: read as what they may be, or refused in one line.

They may have been made by another version, by hand or by somebody who means harm. What others write beside the entries
that are known is kept as it is; what is known has its type, so that nobody behind this has to look.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypedDict

import msgspec

_NAME_BYTES = 200  # file systems take 255, and the name has endings
_Seconds = Annotated[float, msgspec.Meta(ge=0, lt=1e12)]


class _Own(TypedDict, total=False):
    positives: str | None
    negatives: list[str]
    label: str | None
    weight: float | None


class _State(TypedDict, total=False):
    name: str
    status: str
    pid: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] | None
    stages: dict[str, _Seconds]
    problems: list[str]
    failures: list[str]
    chance: str
    weights: str | None
    fine_tuned_from: str | None
    augment_copies: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None
    own: _Own | None


class _Settings(TypedDict, total=False):
    model: str
    path: str
    test: bool
    overrides: dict[str, Any]
    settings: dict[str, Any]


_KNOWN: Mapping[str, type] = MappingProxyType({"state.json": _State, "settings.json": _Settings})


def is_plain_name(name: str) -> bool:
    """Whether files of a folder can be called so: printable, not too long, and it leads out of no folder."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    leads = "/" in name or "\\" in name or name.startswith(".")
    return name.isprintable() and not leads and 0 < size <= _NAME_BYTES


def json_object(data: bytes | str, name: str) -> dict[str, Any]:
    """A JSON object as it stands in the file of that name, its known entries checked.

    Args:
        data: content of the file.
        name: such as 'state.json'; what entries it has is known of this and of 'settings.json'.

    Raises:
        ValueError: it is something else; the text says what, in one line.
    """
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    try:
        msgspec.convert(value, _KNOWN.get(name, dict[str, Any]))
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(f"{error}".replace("`", "")) from error
    return value

"""Which class a folder of keyword recordings is of."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mltk_like.data.names import near_name
from mltk_like.data.recordings import audio_files
from mltk_like.errors import MisnamedError, SettingError


def positive_folders(root: Path, classes: Sequence[str], label: str | None) -> dict[str, Path]:
    """The folder of each class that a folder of recordings of keywords holds.

    Its sub-folders are either all classes, or none is: then they are people, evenings or nothing. So whatever is no
    keyword is never taken for one.

    Args:
        root: the folder, or one recording.
        classes: of the model; those that begin with '_' are no keywords.
        label: the class of all of it; none: as its sub-folders say, else the only keyword of the model.

    Returns:
        `{label: root}`, or the sub-folder of each class.

    Raises:
        MisnamedError: a sub-folder is nearly called as a class, or as another class than `label`, or stands beside
            sub-folders of classes and is none.
        SettingError: there are several keywords, and nothing says which is meant.
    """
    keywords = [name for name in classes if not name.startswith("_")]
    parts = [path.relative_to(root).parts for path in audio_files(root)] if root.is_dir() else []
    folders = sorted({part[0] for part in parts if len(part) > 1})
    like = {name: name if name in classes else near_name(name, classes) for name in folders}
    if label is not None:
        for name, near in like.items():
            if near not in (None, label):
                raise MisnamedError(f"{root / name} is called as {near!r}, not as {label!r}", f"give {root / label}")
        return {label: root}
    if not any(like.values()):
        if len(keywords) > 1 and root.exists():
            near_first = sorted(keywords, key=lambda name: near_name(root.name, [name]) is None and root.name != name)
            raise SettingError(
                f"{root} does not say of which class its recordings are",
                f"say which, --label {' or '.join(near_first)}; or make a sub-folder for each class, called as it is",
            )
        return dict.fromkeys(keywords[:1], root)
    for problem, hint in _problems(root, like, keywords):
        raise MisnamedError(problem, hint)
    if any(len(part) == 1 for part in parts):
        raise MisnamedError(f"{root} has recordings beside folders of classes", "move them into the folder of a class")
    return {name: root / name for name in folders}


def _problems(root: Path, like: dict[str, str | None], keywords: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with sub-folders of which some are called as classes, or nearly."""
    of_one = f"or say it with --label, if all of {root} is of one class"
    for name, near in like.items():
        if name in keywords:
            continue
        if near is None:
            yield f"{root / name} is no class of the model, and a folder beside it is", f"move it away, {of_one}"
        elif name == near:
            yield f"{root / name} holds no keyword", "give it with the negatives"
        else:
            yield f"{root / name} is nearly the class {near!r}, and is not", f"call it {near}, {of_one}"

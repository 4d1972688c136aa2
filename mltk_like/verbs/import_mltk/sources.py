"""Where a model file of MLTK takes its sounds from, as this tool's sources."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from mltk_like.data.published import SPEECH_COMMANDS_WORDS, silabs_alexa
from mltk_like.verbs.import_mltk.layout import literal
from mltk_like.verbs.import_mltk.ledger import Ledger
from mltk_like.verbs.import_mltk.mltk_file import MltkFile

_DATASETS = "mltk.datasets.audio"
_SHORT = 100
_DROPBOX = "https://www.dropbox.com/s"
# Synthetic words that Silicon Labs published beside those for "alexa", one folder a word.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "on_off": f"{_DROPBOX}/mkvbeyjdks28241/sl_synthetic_on_off.7z?dl=1",
        "yes_no": f"{_DROPBOX}/83z0pkvtunpw7cy/sl_synthetic_yes_no.7z?dl=1",
        "ten_digits": f"{_DROPBOX}/o8e84fsb5abu3t1/sl_synthetic_ten_digits.7z?dl=1",
        "direction_commands": f"{_DROPBOX}/ulumv0sxbtcssvr/synthetic_direction_commands.7z?dl=1",
    }
)
# Parts of what the model for "alexa" downloads, by what tells them from the others.
_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "brd2601": 'source.label == "_microphone_"',
        "ambient": 'source.label == "_noise_"',
        "ml_commons_voice": '"common_voice" in source.url',
        "ml_commons_keywords": '"mlcommons_keywords" in source.url',
    }
)
_INSTEAD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "esc50": (
            "data.esc_10(),",
            "ESC-50 is for non-commercial use, so ESC-10, the part that is not, stands in: data.esc_50() is all of it",
        ),
        "mit_ir_survey": (
            "", "rooms are generated; data.room_responses() are real ones, data.impulse_responses(FOLDER) yours",
        ),
    }
)  # fmt: skip
_URL = re.compile(r"https?://\S+$")
_NOISE = re.compile(r"noise|ambien|background", re.IGNORECASE)
_OTHER = re.compile(r"unknown|negative|other", re.IGNORECASE)


@dataclass(kw_only=True)
class Sources:
    """The list that `sources()` gives.

    Attributes:
        words: the classes that are detected.
        unknown: whether the model has the class `_unknown_`.
        lines: its entries, which may have several lines.
        synthetic: whether words are spoken beside what carries over, so that something can be trained without it.
    """

    words: tuple[str, ...]
    unknown: bool
    lines: list[str] = field(default_factory=list)
    synthetic: bool = True

    @property
    def labels(self) -> str:
        """Arguments of a source whose folders are words."""
        words = "words" if self.synthetic else literal(self.words)
        return f"labels={words}, other={literal('_unknown_' if self.unknown else '')}"

    def add(self, line: str) -> None:
        """One entry more, unless it is there."""
        if line not in self.lines:
            self.lines.append(line)


def sources_of(file: MltkFile, classes: Sequence[str], ledger: Ledger) -> Sources:
    """The file's data as far as it is named, and synthetic speech where that is not a folder of one's own."""
    words = tuple(name for name in classes if not name.startswith("_"))
    sources = Sources(words=words, unknown="_unknown_" in classes, synthetic=not _own_folder(file))
    _dataset(file, sources, ledger)
    known = {source.sha1: source.url for source in silabs_alexa() if source.sha1}
    for call, dotted in file.calls():
        last = dotted.rsplit(".", 1)[-1]
        if dotted.startswith(_DATASETS) and last in ("download", "load_data"):
            _module(dotted.split(".")[-2], sources, call.lineno, ledger)
        elif dotted.startswith("mltk.") and last in ("download_verify_extract", "download_url"):
            _download(file, call, known, sources, ledger)
    _noise_folder(file, sources, ledger)
    return sources


def _own_folder(file: MltkFile) -> bool:
    found = file.last("dataset")
    return found is not None and not file.constants.dotted(found.node) and isinstance(file.value("dataset"), str)


def _dataset(file: MltkFile, sources: Sources, ledger: Ledger) -> None:
    found = file.last("dataset")
    if found is None:
        return
    dotted, value = file.constants.dotted(found.node), file.constants.get(found.node)
    if dotted.startswith(_DATASETS):
        _module(dotted.rsplit(".", 1)[-1], sources, found.line, ledger)
    elif isinstance(value, str):
        sources.add(f"data.Folder(path={literal(value)}, {sources.labels}),")
        ledger.carry(found.line, "dataset", f"data.Folder(path={literal(value)})")
    else:
        ledger.leave(
            found.line,
            "dataset",
            "a class or function that loads data does not carry over; what it downloads by name does",
        )


def _entry(name: str, *arguments: str) -> str:
    """A call in a list, on one line where that is short."""
    line = f"{name}({', '.join(arguments)}),"
    inner = "".join(f"\n    {argument}," for argument in arguments)
    return line if len(line) < _SHORT else f"{name}({inner}\n),"


def _module(name: str, sources: Sources, line: int, ledger: Ledger) -> None:
    """A data set of MLTK's own package."""
    if name == "speech_commands_v2":
        if missing := [word for word in sources.words if word not in SPEECH_COMMANDS_WORDS]:
            ledger.leave(line, name, f"Speech Commands has no recording of {', '.join(missing)}")
        sources.add(f"data.speech_commands_v2(*words, other={literal('_unknown_' if sources.unknown else '')}),")
        ledger.carry(line, name, "data.speech_commands_v2(...)")
    elif name in _WORDS:
        sources.add(_entry("data.Download", f"url={literal(_WORDS[name])}", sources.labels))
        ledger.carry(line, name, "data.Download(...)")
    elif name in _PARTS:
        sources.add(_part(name, sources))
        ledger.carry(line, name, "the same recordings, of data.silabs_alexa()")
    elif name in _INSTEAD:
        entry, why = _INSTEAD[name]
        if entry:
            sources.add(entry)
        ledger.leave(line, name, why)
    else:
        ledger.leave(line, name, "this tool does not know that data set: give a data.Download or data.Folder")


def _part(name: str, sources: Sources) -> str:
    """Some of the downloads for "alexa"; of those that are folders of words, with the model's own as labels."""
    if "alexa" in sources.words:
        return "*data.silabs_alexa(),"
    source = "source"
    if name == "ml_commons_keywords":
        source = f"dataclasses.replace(source, {sources.labels})"
    line = f"*({source} for source in data.silabs_alexa() if {_PARTS[name]}),"
    if len(line) < _SHORT:
        return line
    return f"*(\n    {source}\n    for source in data.silabs_alexa()\n    if {_PARTS[name]}\n),"


def _download(file: MltkFile, call: ast.Call, known: Mapping[str, str], sources: Sources, ledger: Ledger) -> None:
    words = {word.arg or "": file.constants.get(word.value) for word in call.keywords}
    url = words.get("url") or (file.constants.get(call.args[0]) if call.args else None)
    sha1 = str(words.get("file_hash") or "").lower()
    if not isinstance(url, str) or not _URL.match(url):
        _loop(file, call, sources, ledger)
    elif sha1 in known and "alexa" in sources.words:
        sources.add("*data.silabs_alexa(),")
        ledger.carry(call.lineno, url, "data.silabs_alexa()")
    else:
        places = [str(words.get(key) or "") for key in ("dest_dir", "dest_subdir", "dst_path")]
        _fetched(url, sha1, " ".join([*places, _assigned_to(file, call)]), call.lineno, sources, ledger)


def _fetched(url: str, sha1: str, place: str, line: int, sources: Sources, ledger: Ledger) -> None:
    """A download of anybody's, with the label that its name or place tells."""
    hashes = [f"sha1={literal(sha1)}"] if re.fullmatch(r"[0-9a-f]{40}", sha1) else []
    text = f"{place} {url}"
    label = "_noise_" if _NOISE.search(text) else "_unknown_" if _OTHER.search(text) else ""
    if not label and url.partition("?")[0].endswith((".wav", ".mp3", ".flac", ".ogg")):
        ledger.leave(line, url, "it does not tell what is heard in it: give data.Download(url=..., label=...)")
        return
    named = f"label={literal(label)}" if label else sources.labels
    sources.add(_entry("data.Download", f"url={literal(url)}", *hashes, named))
    ledger.carry(line, url, f"data.Download(..., {named})")


def _loop(file: MltkFile, call: ast.Call, sources: Sources, ledger: Ledger) -> None:
    """A download whose address is a variable: those that the file lists, each under the name that it has there."""
    if "*data.silabs_alexa()," in sources.lines:
        ledger.carry(call.lineno, "downloads in a loop", "data.silabs_alexa() has the noises of that model too")
        return
    found = False
    for node in ast.walk(file.tree):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            url = value.value if isinstance(value, ast.Constant) else None
            if isinstance(url, str) and _URL.match(url):
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
                _fetched(url, "", name, value.lineno, sources, ledger)
                found = True
    if not found:
        ledger.leave(
            call.lineno, "a download", "its address cannot be told without running the file: give data.Download"
        )


def _assigned_to(file: MltkFile, call: ast.Call) -> str:
    """Name of the variable that gets what a call gives."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Assign) and node.value is call:
            return ast.unparse(node.targets[0])
    return ""


def _noise_folder(file: MltkFile, sources: Sources, ledger: Ledger) -> None:
    """The folder of background noise that a generator is given, where it is not that of Speech Commands."""
    if file.generator is None:
        return
    for word in file.generator.keywords:
        if word.arg != "bg_noise_dir":
            continue
        value = file.constants.get(word.value)
        if isinstance(value, str) and value != "_background_noise_":
            sources.add(f'data.Folder(path={literal(value)}, label="_noise_"),')
            ledger.carry(word.value.lineno, "bg_noise_dir", "data.Folder(..., label='_noise_')")
        elif value is None and not isinstance(word.value, ast.Constant):
            ledger.leave(word.value.lineno, "bg_noise_dir", "give data.Folder(path=..., label='_noise_')")

"""What people type wrong: one line says what is wrong, one what to do, the exit code is 2, and nothing is written."""

import hashlib
import shlex
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.cli import main

TOY = """
import mltk_like as mltk


class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("yes", "_unknown_")


my_model = Toy()
"""

# What is typed, behind the program's name; how the error and its hint begin, or what they hold.
WRONG = (
    # Verbs and the order of words.
    ("trian toy", "there is no verb 'trian'", "did you mean train?"),
    ("compile toy", "there is no verb 'compile'", "there are no accelerators here"),
    ("classify_image toy", "there is no verb 'classify_image'", "images are not this tool's"),
    ("ssh toy", "there is no verb 'ssh'", "train MODEL --cluster ADDRESS"),
    ("train", "train needs MODEL", "mltk_like train --help"),
    ("train toy extra", "train takes nothing more: 'extra'", "mltk_like train --help"),
    ("--epochs 3 train toy", "--epochs stands behind the verb", "as in: mltk_like train --epochs ..."),
    ("--json doctor", "--json stands behind the verb", "as in: mltk_like doctor --json"),
    ("--accelerator mvp", "no verb is given, and --accelerator is an option", "leave it out: there are no"),
    ("--accelerator mvp profile toy", "profile has no option '--accelerator'", "leave it out: there are no"),
    ("--quick", "no verb is given, and --quick is an option", "as in: mltk_like train MODEL"),
    ("--train toy", "--train is written without dashes", "as in: mltk_like train --help"),
    ("doctor --jsn", "doctor has no option '--jsn'", "did you mean --json?"),
    ("models x", "models takes nothing more: 'x'", "mltk_like models --help"),
    # Models: no such, damaged, of another kind.
    ("train keyword_spoting_alexa", "no model named 'keyword_spoting_alexa'", "did you mean keyword_spotting_alexa"),
    ("train models/nosuch.py", "no such model file: models/nosuch.py", "give a name that 'mltk_like models' lists"),
    ("train syntax", "models/syntax.py, line 2", "mend the model file"),
    ("train nothing_in_it", "defines no my_model", "end the file with my_model = YourModel()"),
    ("train a_class", "is a class", "end the file with my_model = Toy()"),
    ("train two", "has 2 models", "keep one model in a file"),
    ("train typo", "typo.py: unknown setting 'epohcs'", "did you mean 'epochs'?"),
    ("train bare", "Bare cannot be used with 'train': it lacks TrainMixin", "add TrainMixin to the bases"),
    ("train toy", "Toy has no data", "define the method sources(self)"),
    ("train shipped.mltk.zip", "further is to run the Python that it carries", "--run-its-code"),
    ("evaluate toy", "toy has not been trained", "python -m mltk_like train toy"),
    ("evaluate nosuch.json", "no such file: nosuch.json", "give a model's name, a run folder"),
    ("evaluate toy toy", "several models are judged on recordings", "add --positives DIR --negatives DIR"),
    ("evaluate notes.txt", "notes.txt is not a model", "give a model's name, a .py"),
    ("evaluate broken.tflite", "broken.tflite is not a .tflite file", "give a file that the quantize or train"),
    ("summarize empty.tflite", "empty.tflite is not a .tflite file", "give a file that the quantize or train"),
    ("summarize nosuch.tflite", "no such file: nosuch.tflite", "give a model's name, a run folder"),
    ("evaluate broken.mltk.zip", "cannot read broken.mltk.zip: File is not a zip file", "it is damaged"),
    ("evaluate old.mltk.zip", "old.mltk.zip holds no old.tflite", "train it: python -m mltk_like train MODEL"),
    ("profile odd.mltk.zip", "odd.tflite in odd.mltk.zip is not a .tflite file", "give a file that the quantize"),
    ("quantize broken.tflite", "broken.tflite is a bare .tflite without a specification", "give the model's name"),
    ("report toy", "toy has not been trained", "python -m mltk_like train toy"),
    ("view toy", "toy has not been trained", "python -m mltk_like train toy"),
    ("tensorboard marvin", "there are no curves in ", "they come with a training"),
    ("models --claim nosuch.py", "no such model file: nosuch.py", "give a name that 'mltk_like models' lists"),
    ("train other.json", "no model named 'other.json'", "other.json is a trained model at best"),
    ("tune there/net.tflite", "no such model file: there/net.tflite", "net.tflite is a trained model at best"),
    ("import_mltk nosuch.py", "cannot read nosuch.py: No such file or directory", "check its name"),
    ("export marvin --format esphome -o models", "the folder models has something in it", "give a new folder"),
    ("evaluate marvin toy", "several models are judged on recordings", "add --positives DIR --negatives DIR"),
    ("record --device nosuch", "--device: 'nosuch' is no serial line", "mltk_like record --help"),
    # Settings and values.
    ("train toy --set epohcs=3", "unknown setting 'epohcs'", "did you mean 'epochs'?"),
    ("train toy --set epochs=many", "setting 'epochs': Expected int, got str; given 'many'", "most epochs"),
    ("train toy --set epochs", "cannot read the setting 'epochs'", "write name=value, for example epochs=5"),
    ("train toy --set frontend.window_size=3", "setting 'frontend' has no field 'window_size'", "'window_size_ms'"),
    ("train toy --set frontend.window_size_ms=0", "window_size_ms is 0 ms", "use 1 to 1000 ms"),
    ("train toy --epochs three", "--epochs: 'three' is not a whole number", "mltk_like train --help"),
    ("train toy --augment-copies many", "augment_copies='many' is no number of passes", "give 0 or more, or 'auto'"),
    ("train toy --dump-augmented -1", "dump_augmented=-1 is no number of windows", "give 0 or more"),
    ("evaluate marvin --subset tset", "--subset cannot be 'tset'", "did you mean test?"),
    ("evaluate marvin --snr ten", "--snr: 'ten' is not a number", "mltk_like evaluate --help"),
    ("evaluate marvin --label-map x", "--label-map: 'x' is not LABEL=CLASS", "mltk_like evaluate --help"),
    ("evaluate marvin --target-false-accepts 0", "a target is above 0", "for example 0.5"),
    ("mine marvin --negatives clips --threshold 300", "there is no threshold 300", "give 0 to 254"),
    ("export marvin --format rust", "there is no format 'rust'", "use c-array"),
    ("export marvin --prefix 3x", "'3x' cannot be a name in C and C++", "use letters, digits"),
    ("classify_audio marvin --input clips/a.wav --engine onnx", "there is no engine 'onnx'", "litert, tflm"),
    ("classify_audio marvin --input clips/a.wav --sensitivity loud", "sensitivity cannot be 'loud'", "give low"),
    ("update_params shipped.mltk.zip latency=3", "the model has no parameter 'latency'", "did you mean 'latency_ms'"),
    ("update_params shipped.mltk.zip latency_ms", "cannot read the parameter 'latency_ms'", "write key=value"),
    ("tune toy --set learning_rate=1", "nothing to search", "write NAME=LOW..HIGH"),
    ("tune toy --set learning_rate=1e-4..1e-2 --trials 0", "0 trials search nothing", "give --trials 1 or more"),
    ("record knock --seconds 0", "a recording of 0 s", "give more than 0"),
    ("view marvin --port x", "--port: 'x' is not 0, 1, 2, ...", "mltk_like view --help"),
    # Options that do not go together, or lack another one.
    ("train toy --resume", "no run of toy to go on with", "start one: python -m mltk_like train toy"),
    ("train toy --resume --resume-from marvin", "a fine-tuning is a new run", "give one of --resume, --resume-from"),
    ("train toy --label yes", "a label goes with recordings of it", "add --positives DIR"),
    ("train toy --stop", "--stop ends a training on a cluster", "give --cluster ADDRESS too"),
    ("evaluate marvin --both --tflm", "--both judges the float and the int8 form", "leave out --tflm"),
    ("evaluate marvin --limit 3", "--limit and --upload go with --device", "add --device"),
    ("evaluate marvin --noise clips", "--noise and --label go with recordings", "add --positives DIR"),
    ("evaluate marvin --free latency_ms", "--free goes with a target", "add --target-false-accepts RATE"),
    ("report marvin --snr 10", "--snr goes with an evaluation", "add --evaluate"),
    ("mine marvin", "mine needs --negatives", "mltk_like mine --help"),
    ("mine marvin --negatives clips --margin 0.2 --threshold 3", "--threshold does not go with --margin", "leave"),
    ("summarize marvin --frontend --tflite", "--frontend shows the front end alone", "leave out --tflite and --build"),
    ("profile", "profile needs a MODEL or --device", "a board profiles the model that it runs"),
    ("record --device knock", "--device: 'knock' is no serial line such as", "record --help lists what there is"),
    ("record knock --device auto -m x", "audio comes from one place", "give one of --input, --microphone and --device"),
    ("profile marvin --device --build", "a board has no random weights", "leave one of them out"),
    ("quantize marvin --build", "random weights do not go into a trained model", "give --output FILE"),
    ("quantize marvin --float --remake", "--remake makes the windows that set ranges", "leave it out: float has none"),
    ("quantize marvin --float -o x.tflite", "--float writes two files, not x.tflite", "give a folder with -o"),
    ("classify_audio", "no model is named", "as in: mltk_like classify_audio keyword_spotting_alexa"),
    ("synthesize alexa", "there is no folder to write to", "give --out DIR, or --dry-run"),
    # Files and folders that are missing, empty, or something else.
    ("train toy --positives nosuch", "there is no nosuch", "check the path of the own positives"),
    ("train toy --positives empty", "no recordings match '**/*' in empty", "check its path, pattern and labels"),
    ("train toy --weights nosuch.keras", "cannot read weights from nosuch.keras: there is no such", "give a .keras or"),
    ("train toy --weights notes.txt", "cannot read weights from notes.txt", "give a .keras or .weights.h5 file"),
    ("evaluate marvin --tflite --positives nosuch", "no such folder: nosuch", "give a folder of recordings"),
    ("evaluate marvin --tflite --positives empty", "no audio in empty", "WAV, FLAC, OGG and MP3 are read"),
    ("evaluate marvin --tflite --positives clips --label x", "the model detects no 'x'", "it detects: marvin"),
    ("evaluate marvin --labelled nosuch", "there is no nosuch", "check the path of the labelled recordings"),
    ("classify_audio marvin --input nosuch.wav", "cannot read audio from nosuch.wav: there is no such", "give a WAV"),
    ("classify_audio marvin --input text.wav", "cannot read audio from text.wav: Format not", "give a WAV"),
    ("classify_audio marvin --input clips", "cannot read audio from clips: it is a folder", "give a WAV"),
    ("view_audio marvin nosuch.wav", "cannot read audio from nosuch.wav: there is no such file", "give a WAV"),
    ("update_params shipped.mltk.zip -p nosuch.json", "cannot read nosuch.json: No such file", "give a JSON file"),
    ("update_params shipped.mltk.zip -p bad.json", "cannot read bad.json", "give a JSON file with an object"),
    # Places that cannot be written.
    ("export marvin -o /proc/x", "cannot write /proc/x", "check the folder's permissions"),
    ("export marvin -o notes.txt", "notes.txt is there, and is no folder", "give another folder"),
    ("new /proc/x/gecko.py -k hello", "cannot write /proc/x/gecko.py", "check the folder's permissions"),
    ("record knock --input clips/a.wav -o notes.txt", "cannot write notes.txt/", "check the folder's permissions"),
    # `new`, whose names and words are in test_new.py.
    ("new", "new needs NAME, --keywords", "mltk_like new --help"),
    ("new gecko --keywords", "--keywords needs a value", "as in: --keywords WORD"),
    ('new gecko --keywords ""', "no keyword is given", "as in: mltk_like new hey_gecko"),
    ("new gecko -k 123", "'123' is no keyword", "give words in letters"),
    (f"new gecko -k {'na' * 500}", "'nananananananananana...' is too long for a keyword: 1000 letters", "at most 60"),
    ("new gecko -k gecko Gecko", "two keywords are the class 'gecko'", "give each once"),
    ("new gecko -k right write", "'right' and 'write' are pronounced the same", "leave one of them out"),
    ("new gecko -k gecko -t keywrod", "--template cannot be 'keywrod'", "did you mean keyword?"),
    ("new gecko -k a b -t event", "the template 'event' is of one sound, not of 2", "the template 'recordings'"),
    ("new gecko -k gecko --lexicon notes.txt", "--lexicon is for other languages", "leave it out"),
    ("new toy -k gecko", "models/toy.py exists", "nothing is written over it"),
)  # fmt: skip

# Packages that are optional, and what is typed that needs one.
WITHOUT = (
    ("netron", "view marvin", "Netron is not installed", "pip install 'mltk_like[view]'"),
    ("sounddevice", "classify_audio marvin", "sounddevice is not installed", "pip install 'mltk_like[microphone]'"),
    ("sounddevice", "record knock", "sounddevice is not installed", "pip install 'mltk_like[microphone]'"),
    ("serial", "profile --device auto", "a board's serial line needs pyserial", "pip install 'mltk_like[board]'"),
    ("ray", "train toy --cluster auto", "Ray is not installed", "pip install 'mltk_like[cluster]'"),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models and files of which each is wrong in its way."""
    folder = tmp_path_factory.mktemp("shop")
    files = {
        "models/toy.py": TOY,
        "models/syntax.py": "import mltk_like as mltk\nclass Toy(:\n",
        "models/nothing_in_it.py": "x = 1\n",
        "models/a_class.py": TOY.replace("Toy()\n", "Toy\n"),
        "models/two.py": TOY + "another = Toy()\n",
        "models/typo.py": TOY.replace("classes", "epohcs = 3\n    classes"),
        "models/bare.py": TOY.replace(
            "Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin)", "Bare(mltk.Model)"
        ).replace("Toy()", "Bare()"),
        "notes.txt": "a text", "text.wav": "no sound", "bad.json": "{", "broken.tflite": "text", "empty.tflite": "",
        "broken.mltk.zip": "text",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name, member in (("old", "toy.h5"), ("odd", "odd.tflite")):
        with zipfile.ZipFile(folder / f"{name}.mltk.zip", "w") as archive:
            archive.writestr(member, "what earlier versions wrote")
    shutil.copy(Path(__file__).parents[1] / "models" / "marvin.mltk.zip", folder / "shipped.mltk.zip")
    (folder / "empty").mkdir()
    write_wav(folder / "clips" / "a.wav", np.random.default_rng(0).normal(0, 3000, 16000).astype(np.int16), 16000)
    return folder


def contents(*folders: Path) -> dict[str, str]:
    """Every file below the folders, and what is in it."""
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    ]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def check(line: str, error: str, hint: str, folders: tuple[Path, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Type a line: code 2, one line of error with one of hint, and nothing written."""
    before = contents(*folders)
    assert main(shlex.split(line)) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith("hint: ")
    assert hint in second
    assert contents(*folders) == before


@pytest.mark.parametrize(("line", "error", "hint"), WRONG, ids=[line for line, _, _ in WRONG])
def test_a_wrong_use(
    line: str, error: str, hint: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(shop)
    check(line, error, hint, (shop, tmp_path), capsys)


@pytest.mark.parametrize(("package", "line", "error", "hint"), WITHOUT, ids=[line for _, line, _, _ in WITHOUT])
def test_a_package_that_is_missing(
    package: str, line: str, error: str, hint: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(shop)
    monkeypatch.setitem(sys.modules, package, None)
    check(line, error, hint, (shop, tmp_path), capsys)


def test_there_are_enough_of_them() -> None:
    lines = [line for line, _, _ in WRONG]
    assert len(set(lines)) == len(lines) >= 60

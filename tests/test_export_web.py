"""`export --format web`: one page, nothing in it that a name could turn into a script, and what the host hears."""

import base64
import hashlib
import json
import re
import subprocess
import wave
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import CHROMIUM, Browser, browser
from test_page import Reader

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.programs import program_path
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, SettingError, ToolError
from mltk_like.firmware import find_wasm_compiler, wasm
from mltk_like.tflite import find_tflm, read_parameters, write_parameters
from mltk_like.verbs.export import export, web_page

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
SCRIPTS = ROOT / "mltk_like" / "verbs" / "export" / "web"
RATE = 16000
STATUS, ERROR = (f"document.getElementById('{name}').textContent" for name in ("status", "error"))
HOSTILE = "</script><script>window.hacked = 1</script><!--<img src=x onerror='window.hacked = 2'>&quot;\"'"

REFUSALS = {
    "NotAllowedError": "not allowed",
    "NotFoundError": "There is no microphone",
    "NotReadableError": "Another program",
    "X": "cannot be opened (X",
}

needs_compiler = pytest.mark.skipif(
    find_wasm_compiler() is None, reason=f"needs Clang for WebAssembly: {wasm.WASM_REMEDY}"
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@pytest.fixture
def no_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "compile_wasm", lambda data: b"\0asm")


def hostile_model(folder: Path) -> Path:
    """A model whose name, description and classes are markup."""
    data = open_artifact(MODELS / "keyword_spotting_alexa_small.mltk.zip").tflite()
    parameters = read_parameters(data)
    classes = parameters["classes"]
    assert isinstance(classes, list)
    changed = {**parameters, "name": HOSTILE, "classes": [HOSTILE, *classes[1:]], "note": HOSTILE}
    path = folder / "x'\"><script>window.hacked = 3<!--.tflite"
    path.write_bytes(write_parameters(data, changed, description=HOSTILE))
    return path


@pytest.mark.usefixtures("no_compiling")
def test_names_are_no_markup(tmp_path: Path) -> None:
    (file,) = export(hostile_model(tmp_path), format="web", output=tmp_path / "page.html").files
    document = file.read_text()
    found = Reader(document)
    scripts = [values for tag, values in found.tags if tag == "script"]
    assert [values.get("id") for values in scripts] == ["model", "wasm", None]
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert not [name for _, values in found.tags for name in values if name.startswith("on")]
    data = re.search(r'<script type="application/json" id="model">(.*?)</script>', document)
    assert data
    assert json.loads(data[1])["classes"][0] == HOSTILE
    # The policy lets the page's own script run and no other.
    script = re.search(r"<script>(.*?)</script>", document, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = next(values["content"] for _, values in found.tags if "http-equiv" in values)
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}' 'strict-dynamic' 'wasm-unsafe-eval';")
    assert "http" not in policy


@pytest.mark.usefixtures("no_compiling")
def test_where_the_page_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(MODELS / "marvin.mltk.zip")
    assert main(["export", model, "--format", "web"]) == 0
    assert "marvin as web: export/marvin.html" in capsys.readouterr().out
    assert export(model, format="web", output=Path("folder")).files == (Path("folder/marvin.html"),)
    assert export(model, format="web", output=Path("own.HTML")).files == (Path("own.HTML"),)
    assert Path("own.HTML").stat().st_size == export(model, format="web", output=Path("a.htm")).page_bytes
    Path("there.html").mkdir()
    with pytest.raises(DataError, match="no ordinary file"):
        export(model, format="web", output=Path("there.html"))


def test_what_there_is_no_page_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.html"
    with pytest.raises(SettingError, match="no names with a prefix"):
        export(MODELS / "marvin.mltk.zip", format="web", output=target, prefix="door")
    with monkeypatch.context() as patched:
        patched.setattr(wasm, "find_wasm_compiler", lambda: wasm.WasmCompiler(clang="clang", linker="wasm-ld"))
        with pytest.raises(ModelError, match=r"there is no page for this model: .* hold no front-end settings"):
            export(ROOT / "tests" / "data" / "tflite" / "tiny_conv.tflite", format="web", output=target)
    monkeypatch.setattr(wasm, "find_tool", lambda program: None)
    assert wasm.find_wasm_compiler() is None
    with pytest.raises(ToolError, match="needs a compiler for WebAssembly") as raised:
        export(MODELS / "marvin.mltk.zip", format="web", output=target)
    assert "apt-get install --no-install-recommends clang lld" in raised.value.hint
    assert "emscripten" in raised.value.hint
    assert not list(tmp_path.iterdir())


def test_a_compiler_is_found_with_its_linker(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def programs(*names: str) -> None:
        for old in tmp_path.iterdir():
            old.unlink()
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    programs("clang", "wasm-ld-16", "clang-15", "wasm-ld-15", "clang-14", "wasm-ld-14", "clang-17")
    found = find_wasm_compiler()
    assert found == wasm.WasmCompiler(clang=str(tmp_path / "clang-15"), linker=str(tmp_path / "wasm-ld-15"))
    programs("clang", "wasm-ld", "clang-15", "wasm-ld-15")
    assert find_wasm_compiler() == wasm.WasmCompiler(clang=str(tmp_path / "clang"), linker=str(tmp_path / "wasm-ld"))
    # emscripten's own lie in a folder that is not on the PATH.
    programs("em-config", "clang-15", "wasm-ld-15")
    own = tmp_path_factory.mktemp("llvm")
    for name in ("clang", "wasm-ld"):
        (own / name).write_text("")
        (own / name).chmod(0o755)
    (tmp_path / "em-config").write_text(f"#!/bin/sh\necho {own}\n")
    assert find_wasm_compiler() == wasm.WasmCompiler(clang=str(own / "clang"), linker=str(own / "wasm-ld"))


@pytest.fixture(scope="module")
def word(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that says the word four times, in a little noise."""
    folder = tmp_path_factory.mktemp("word")
    mltk.synthesize("alexa", out=folder, engines=["hibari"], count=4, workers=0, progress=False)
    parts = [np.zeros(RATE, np.int16)]
    for clip in sorted(folder.rglob("*.wav")):
        parts += [read_audio(clip, RATE), np.zeros(RATE * 5 // 4, np.int16)]
    samples = np.concatenate(parts)
    noise = np.random.default_rng(1).standard_normal(len(samples)) * 20
    write_wav(folder / "word.wav", np.clip(samples + noise, -32768, 32767).astype(np.int16), RATE)
    return folder / "word.wav"


@pytest.fixture(scope="module")
def page(word: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone plays the word, from the beginning each time that it is opened."""
    options = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    folder = tmp_path_factory.mktemp("chromium")
    with browser(folder, *options, f"--use-file-for-fake-audio-capture={word}%noloop") as found:
        yield found


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a model that ships, made once."""
    folder = tmp_path_factory.mktemp("pages")
    return cache(lambda name: export(MODELS / f"{name}.mltk.zip", format="web", output=folder).files[0])


@pytest.fixture(scope="module")
def small(exported: Callable[[str], Path]) -> Path:
    return exported("keyword_spotting_alexa_small")


def lines_of_host(name: str, sound: Path, folder: Path) -> str:
    model = folder / f"{name}.tflite"
    model.write_bytes(open_artifact(MODELS / f"{name}.mltk.zip").tflite())
    command = [program_path("audio_classifier"), "--library", find_tflm(), "--model", model, "--scores", sound]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.rstrip()


def hear(page: Browser, sound: Path) -> str:
    """What the page says of a file."""
    page.value("void (document.getElementById('status').textContent = '')")
    page.choose("#file", sound)
    return str(page.wait(f"{ERROR} || (/ detections?\\.$/.test({STATUS}) && {STATUS})"))


def lines(page: Browser) -> str:
    page.value("document.getElementById('told').open = true")
    page.value("new Promise((then) => setTimeout(then, 200))")  # the page writes them when it draws
    return str(page.value("document.getElementById('lines').textContent"))


@pytest.mark.slow
@needs_compiler
@needs_browser
@pytest.mark.parametrize("name", ["keyword_spotting_alexa", "keyword_spotting_alexa_small", "marvin", "bell_detector"])
def test_a_file_gives_the_lines_of_the_host(
    name: str, exported: Callable[[str], Path], word: Path, page: Browser, tmp_path: Path
) -> None:
    file = exported(name)
    expected = lines_of_host(name, word, tmp_path)
    page.open(file)
    page.wait(f"{STATUS} === 'Ready.'")
    assert hear(page, word).startswith(f"word.wav: {len(read_audio(word, RATE)) / RATE:.2f} s, ")
    assert lines(page) == expected
    listed = page.value("document.getElementById('found').children.length")
    assert listed == expected.count("Detected ")
    assert listed >= 2 or "alexa" not in name
    assert not page.complaints
    loaded = [address for address in page.requests if not address.startswith("data:")]
    assert loaded == [file.as_uri()]


@pytest.mark.slow
@needs_compiler
@needs_browser
@pytest.mark.parametrize("worklet", [True, False])
def test_the_microphone_hears_the_word(worklet: bool, small: Path, page: Browser) -> None:
    page.open(small, width=375, height=800)
    page.wait(f"{STATUS} === 'Ready.'")
    if not worklet:  # older browsers, and those that let no file have one
        page.value("void (AudioWorklet.prototype.addModule = () => Promise.reject(new Error('refused')))")
    page.press("Tab", 9)  # the button is the first thing that the keyboard reaches
    page.press(" ", 32)
    page.wait(f"{STATUS} === 'Listening for alexa.'")
    assert page.value("document.getElementById('listen').textContent") == "Stop"
    page.wait("document.getElementById('found').children.length >= 1")
    assert page.value("document.getElementById('found').innerText").startswith("alexa at ")
    assert page.value("document.documentElement.scrollWidth") <= 375
    page.value("document.getElementById('listen').click()")
    assert re.match(r"Stopped\. [\d.]+ s were heard, with \d+ detections?\.", page.value(STATUS))
    assert ["deprecated" in text for text in page.complaints] == ([] if worklet else [True])


@pytest.mark.slow
@needs_compiler
@needs_browser
def test_files_of_all_kinds_and_what_goes_wrong(small: Path, word: Path, page: Browser, tmp_path: Path) -> None:
    import soundfile
    import soxr

    samples = read_audio(word, RATE)
    floats = (np.stack([samples, samples], axis=1) / 32768).astype(np.float32)
    fast = soxr.resample(floats, RATE, 44100)
    soundfile.write(tmp_path / "stereo.wav", floats, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "fast.flac", fast, 44100)
    soundfile.write(tmp_path / "fast.wav", fast, 44100, subtype="FLOAT")
    (tmp_path / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    (tmp_path / "text.mp3").write_text("no sound")
    with wave.open(str(tmp_path / "empty.wav"), "wb") as empty:
        empty.setparams((1, 2, RATE, 0, "NONE", ""))
    page.open(small)
    page.wait(f"{STATUS} === 'Ready.'")
    hear(page, word)
    exact = lines(page)
    hear(page, tmp_path / "stereo.wav")
    assert lines(page) == exact
    expected = [line.split("@")[0] for line in exact.splitlines() if line.startswith("Detected")]
    for name in ("fast.wav", "fast.flac"):
        hear(page, tmp_path / name)
        assert count_of(lines(page)) == len(expected), name
    for name in ("broken.wav", "text.mp3"):
        assert hear(page, tmp_path / name) == f"{name} cannot be heard: it is no sound that this browser knows."
    assert hear(page, tmp_path / "empty.wav") == "empty.wav cannot be heard: it holds no samples."
    dropped = base64.b64encode(word.read_bytes()).decode()
    page.value(
        "(() => { const data = new DataTransfer();"
        f"data.items.add(new File([Uint8Array.from(atob('{dropped}'), (c) => c.charCodeAt(0))], 'dropped.wav'));"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true })); })()"
    )
    page.wait(f"/^dropped.wav: .* detections?\\.$/.test({STATUS})")
    assert lines(page) == exact
    for name, words in REFUSALS.items():
        refused = f"Promise.reject(new DOMException('', '{name}'))"
        page.value(f"void (navigator.mediaDevices.getUserMedia = () => {refused})")
        page.value("document.getElementById('listen').click()", gesture=True)
        page.wait(f"{ERROR}.includes('{words}')")
    page.value("void Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.value("document.getElementById('listen').click()", gesture=True)
    page.wait(f"{ERROR}.includes('gives pages no microphone')")
    # A threshold that no mean reaches, and the least one.
    for level, some in ((255, False), (0, True)):
        page.value(f"document.getElementById('level').value = {level}")
        page.value("document.getElementById('level').dispatchEvent(new Event('change'))")
        hear(page, word)
        assert ("Detected" in lines(page)) is some
    assert not page.complaints


def count_of(text: str) -> int:
    return sum(line.startswith("Detected") for line in text.splitlines())


@pytest.mark.slow
@needs_browser
def test_other_rates_become_the_models(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "empty.html").write_text("<!DOCTYPE html><title>x</title>")
    source = (SCRIPTS / "sound.js").read_text()
    page.open(tmp_path / "empty.html")
    page.value(f"{source}; window.makeResampler = makeResampler; 0")
    for rate in (8000, 22050, 44100, 48000, 96000):
        low, high = 0.4 * min(rate, RATE), 0.52 * RATE
        assert error_of(page, rate, low, kept=True) < 1e-4, rate
        if high < rate / 2:
            assert error_of(page, rate, high, kept=False) < 1e-3, rate


def error_of(page: Browser, rate: int, hertz: float, *, kept: bool) -> float:
    """The largest deviation from what a tone becomes, but for the ends; in blocks, which must change nothing."""
    found: dict[str, Any] = page.value(
        f"""(() => {{
          const tone = Float32Array.from({{ length: {rate} }}, (_, i) => Math.sin(2 * Math.PI * {hertz} * i / {rate}));
          const run = (size) => {{
            const one = makeResampler({rate}, {RATE}), out = [];
            for (let at = 0; at < tone.length; at += size) out.push(...one.push(tone.subarray(at, at + size)));
            return out.concat(...one.finish());
          }};
          const whole = run(tone.length), cut = run(777);
          let most = 0;
          for (let i = 400; i < whole.length - 400; i++) {{
            most = Math.max(most, Math.abs(whole[i] - {int(kept)} * Math.sin(2 * Math.PI * {hertz} * i / {RATE})));
          }}
          const same = cut.length === whole.length && whole.every((value, i) => value === cut[i]);
          return {{ most, count: whole.length, same }};
        }})()"""
    )
    assert found["same"]
    assert found["count"] == RATE
    return float(found["most"])


@pytest.mark.slow
@needs_compiler
@needs_browser
def test_a_hostile_model_in_a_browser(page: Browser, word: Path, tmp_path: Path) -> None:
    export(hostile_model(tmp_path), format="web", output=tmp_path / "page.html")
    page.open(tmp_path / "page.html")
    page.wait(f"{STATUS} === 'Ready.'")
    page.value("document.getElementById('level').value = 0")
    page.value("document.getElementById('level').dispatchEvent(new Event('change'))")
    hear(page, word)
    assert f"label={HOSTILE} " in lines(page)
    assert page.value("document.getElementById('found').textContent").startswith(HOSTILE)
    # What would have run had it been put into the page as markup: the policy is asked as well.
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 4\">')")
    page.value("new Promise((then) => setTimeout(then, 300))")
    assert page.value("window.hacked === undefined")
    assert page.complaints  # of that last one

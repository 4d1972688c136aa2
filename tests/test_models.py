"""Conformance: what every file in `models/` must be."""

import ast
import io
import json
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.audio import Frontend, frontend_from_parameters
from mltk_like.cli import main
from mltk_like.data import Source
from mltk_like.data.manifest import parse_manifest
from mltk_like.data.noise_bank import NoiseBank
from mltk_like.feed.measured import is_measured
from mltk_like.feed.plan import Recipe, plan_epoch
from mltk_like.loader import load_file
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.settings import from_json, overrides_to_json, to_json, with_newer_fields
from mltk_like.tflite import decode, encode, read_parameters

FILES = sorted(path for path in (Path(__file__).resolve().parents[1] / "models").glob("*.py") if path.stem[0] != "_")


def test_there_are_models() -> None:
    assert FILES


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def model(path: Path) -> Any:
    return load_file(path)


@pytest.fixture
def sounds() -> NoiseBank:
    rng = np.random.default_rng(0)
    recording = (rng.standard_normal(48_000) * 3000).astype(np.int16)
    room = (rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)).astype(np.float32)
    return NoiseBank(ambience=[recording], microphone=[recording], babble=[recording], rooms=[room])


def code_lines(text: str) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    nothing = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines = {
        n
        for t in tokenize.generate_tokens(io.StringIO(text).readline)
        if t.type not in nothing
        for n in range(t.start[0], t.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_code_lines_are_counted_without_comments_and_docstrings() -> None:
    assert code_lines('"""Doc\n\nstring."""\n\n# why\nx = (\n    1,\n)\n') == 3


def test_the_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert (ast.get_docstring(ast.parse(text)) or "").strip()
    assert code_lines(text) <= 60


def test_the_file_ends_in_my_model(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    if isinstance(body[-1], ast.If):
        assert ast.unparse(body.pop()) == "if __name__ == '__main__':\n    mltk.main(my_model)"
    assert isinstance(body[-1], ast.Assign)
    assert ast.unparse(body[-1].targets[0]) == "my_model"


def test_they_load_without_tensorflow(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from mltk_like.loader import load_file

for name in sys.argv[1:]:
    load_file(Path(name))
    heavy = {"tensorflow", "keras", "matplotlib", "librosa"} & set(sys.modules)
    assert not heavy, (name, heavy)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, FILES)], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_what_it_is_called(path: Path, model: Any) -> None:
    assert (model.name, model.path) == (path.stem, path)
    assert model.description
    assert len(set(model.classes)) == model.n_classes >= 2
    assert model.overrides() == {}


def test_settings_make_the_round_trip_through_json(path: Path, model: Any) -> None:
    values = json.loads(json.dumps(to_json(model.with_settings(lr_schedule=None))))
    assert from_json(load_file(path), values).settings() == model.with_settings(lr_schedule=None).settings()
    changed = model.with_settings(epochs=3, seed=9, lr_schedule=None)
    assert (
        from_json(load_file(path), json.loads(json.dumps(overrides_to_json(changed)))).settings() == changed.settings()
    )


def test_the_input_is_the_front_ends_output(model: Any) -> None:
    if not isinstance(model, AudioDatasetMixin):
        pytest.skip("no audio model")
    spectrogram = Frontend(model.frontend, "int8")(np.zeros(model.frontend.sample_length, np.int16))
    time, one, bands = model.input_shape
    assert (spectrogram.shape, one) == ((time, bands), 1)


def test_the_plan_is_deterministic(model: Any) -> None:
    recipe = Recipe(
        classes=model.classes,
        unknown_multiplier=model.unknown_multiplier,
        silence_fraction=model.silence_fraction,
        cropped_fraction=model.cropped_fraction,
        seed=model.seed,
    )
    labels = [name for name in model.classes if name != "_silence_"] * 20
    lengths = np.full(len(labels), 16_000)
    one, again, other = (plan_epoch(recipe, labels, lengths, epoch) for epoch in (0, 0, 1))
    assert np.array_equal(one.clips, again.clips)
    assert np.array_equal(one.labels, again.labels)
    assert not np.array_equal(one.clips, other.clips)
    assert set(one.labels) == set(range(model.n_classes))


@pytest.mark.parametrize("kind", ["noise", "silence", "full scale"])
def test_augmentation_is_finite_float32_and_deterministic(model: Any, sounds: NoiseBank, kind: str) -> None:
    length = model.frontend.sample_length + model.warm_up_ms * model.frontend.sample_rate_hz // 1000
    noise = np.random.default_rng(1).standard_normal(length).astype(np.float32) * np.float32(0.1)
    samples = {"noise": noise, "silence": np.zeros_like(noise), "full scale": np.sign(noise)}[kind]
    for seed in range(12):
        for method, clip in ((model.augment_clip, samples[: length // 2]), (model.augment, samples)):
            before = clip.copy()
            first, second = (method(clip, np.random.default_rng(seed), sounds) for _ in range(2))
            assert first.dtype == np.float32
            assert first.ndim == 1
            assert len(first) > 0
            assert np.isfinite(first).all()
            assert np.array_equal(first, second)
            assert np.array_equal(clip, before), "the clip given was changed"
        assert first.shape == samples.shape


def test_augmentation_depends_on_chance(model: Any, sounds: NoiseBank) -> None:
    samples = np.random.default_rng(1).standard_normal(20_000).astype(np.float32) * np.float32(0.1)
    results = {model.augment(samples, np.random.default_rng(seed), sounds).tobytes() for seed in range(8)}
    assert len(results) == 8


def test_parameters_survive_the_tflite(model: Any) -> None:
    parameters = dict(model.embedded_parameters())
    assert {"name", "version", "classes"} <= set(parameters)
    decoded = decode(encode(parameters))
    assert list(decoded) == list(parameters)
    for name, value in parameters.items():
        if isinstance(value, float):
            assert decoded[name] == pytest.approx(value, rel=1e-6)
        elif isinstance(value, list | tuple):
            assert decoded[name] == pytest.approx(list(value)) if value and isinstance(value[0], float) else list(value)
        else:
            assert decoded[name] == value
            assert type(decoded[name]) is type(value)


def test_sources_have_names_of_their_own_and_known_labels(model: Any) -> None:
    sources = list(model.sources())
    assert sources
    assert all(isinstance(source, Source) for source in sources)
    names = [source.name for source in sources]
    assert len(set(names)) == len(names)
    labels = {source.label for source in sources}
    assert labels - {""} <= {*model.classes, "_noise_", "_microphone_"}  # "": each clip says its own
    assert "" in labels or {name for name in model.classes if name != "_silence_"} <= labels


def measured(model: Any, parameters: dict[str, Any]) -> Any:
    """The model with the means and deviations that its training measured, where it asks for that."""
    if is_measured(model):
        return model
    shipped = frontend_from_parameters(parameters)
    assert len(shipped.means) == len(shipped.stds) == model.frontend.frame_values
    return model.with_settings(frontend=model.frontend.copy(means=shipped.means, stds=shipped.stds))


@pytest.fixture
def archive(path: Path) -> Path:
    return path.with_name(f"{path.stem}.mltk.zip")


def test_a_trained_archive_ships_beside_the_model(path: Path, model: Any, archive: Path) -> None:
    trained = open_artifact(archive)
    # The manifest of 40,000 clips is most of it; those of older versions have a hash of each clip in it.
    lean = trained.read("manifest.sha256") is not None
    assert archive.stat().st_size <= (2_500_000 if lean else 4_000_000)
    parameters = read_parameters(trained.tflite())
    assert parameters["classes"] == list(model.classes)
    model = measured(model, parameters)
    assert frontend_from_parameters(parameters) == frontend_from_parameters(decode(encode(model.embedded_parameters())))
    for member in ("settings.json", "versions.json", "manifest.jsonl", f"{path.stem}.keras", "train/history.json"):
        assert trained.read(member), member


def test_the_shipped_archive_was_trained_as_its_file_says_today(model: Any, archive: Path) -> None:
    trained = open_artifact(archive)
    stored = with_newer_fields(model, trained.settings()["settings"])
    model = measured(model, read_parameters(trained.tflite()))
    today = json.loads(json.dumps(to_json(model.with_settings(lr_schedule=None))))
    # How it is judged may change without a training; settings that are newer than it had their defaults.
    judged = {"test_clips", "lr_schedule", *(name for name in today if name.startswith("evaluate_"))}
    assert {name: stored[name] for name in today if name in stored and name not in judged} == {
        name: value for name, value in today.items() if name in stored and name not in judged
    }


def test_the_shipped_archive_holds_no_path_of_the_machine_that_trained_it(path: Path, archive: Path) -> None:
    trained = open_artifact(archive)
    assert trained.settings()["path"] == f"models/{path.name}"
    rows = parse_manifest(trained.read("manifest.jsonl") or b"", archive)
    assert rows
    assert all(row.path.startswith("cache:") for row in rows)


def test_no_voice_of_the_shipped_archive_is_in_two_splits(archive: Path) -> None:
    rows = parse_manifest(open_artifact(archive).read("manifest.jsonl") or b"", archive)
    voices = {name: {row.group for row in rows if row.split == name} for name in ("training", "validation", "test")}
    assert not voices["training"] & voices["validation"]
    assert not voices["training"] & voices["test"]
    assert not voices["validation"] & voices["test"]


def operators(table: str) -> list[tuple[str, ...]]:
    """Operator, output and modes of each layer of a table."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    return [(row[1], row[3], row[4]) for row in rows if row[0].isdigit()]


def test_the_shipped_alexa_has_the_operators_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """But for the RESHAPE in front of the dense layer, which is none where the net sees one window."""
    assert main(["summarize", "keyword_spotting_alexa", "--tflite"]) == 0
    page = operators((Path(__file__).parent / "data" / "tflite" / "alexa_op_table.txt").read_text())
    out = capsys.readouterr().out
    assert operators(out) == [row for row in page if row[0] != "reshape"]
    assert len(page) == 56
    for line in ("Total MACs: 4.562 M", "Total OPs: 9.247 M", "Classes: alexa, _unknown_", "detection_threshold: 195"):
        assert line in out

"""Heads on a speech embedding: what they hear, what they say, and what the net learns of it."""

import functools
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.audio import FrontendSettings
from mltk_like.audio.embedding import WIDTH, SpeechEmbedding, steps_in
from mltk_like.audio.wav import write_wav
from mltk_like.data import speech_embedding
from mltk_like.data.manifest import read_manifest
from mltk_like.data.speech_embedding import embedding_files
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.feed.pool import Task
from mltk_like.feed.windows import Batch
from mltk_like.quiet import import_tensorflow
from mltk_like.run import Run
from mltk_like.training.embedding_teachers import (
    ANSWERS,
    STOCK,
    check_embedding,
    hear_and_answer,
    principal_components,
    stock_size,
)
from mltk_like.training.heads import HEARD_NUMBERS
from mltk_like.verbs.train.fine_tuning import PERSONAL_WINDOWS
from tests.toys import RATE, TENSORFLOW_WARNINGS, beep, write_toy

pytestmark = TENSORFLOW_WARNINGS
STEPS = 3


def convert(function: Any, *shape: int | None) -> bytes:
    import tensorflow as tf

    concrete = tf.function(function).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], concrete).convert())


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Nets of the embedding's shapes: band energies of 32 ms, and random projections of 76 of those."""
    import_tensorflow()
    import tensorflow as tf

    rng = np.random.default_rng(0)
    t = np.arange(512)[:, None, None]
    kernel = (np.hanning(512)[:, None, None] * np.cos(2 * np.pi * t * (np.arange(32) + 1) / 66)).astype(np.float32)
    project = rng.standard_normal((76, 32, 1, WIDTH)).astype(np.float32) / 200

    def mel(x: Any) -> Any:
        y = tf.nn.conv1d(tf.expand_dims(x, -1), kernel, 160, "VALID")
        return 8.0 * tf.expand_dims(tf.math.log(tf.abs(y) + 1.0), 1)

    def net(x: Any) -> Any:
        return tf.nn.conv2d(x, project, (8, 1), "VALID")

    folder = tmp_path_factory.mktemp("embedding")
    files = folder / "mel.tflite", folder / "net.tflite"
    files[0].write_bytes(convert(mel, None, None))
    files[1].write_bytes(convert(net, None, None, 32, 1))
    return files


def tones(count: int, length: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(1)
    pitch = rng.uniform(200, 3000, count)[:, None]
    return (0.2 * np.sin(2 * np.pi * pitch * np.arange(length) / 16000)).astype(np.float32)


def test_a_step_is_80_ms_and_the_first_takes_076_s() -> None:
    assert steps_in(12511) == 0
    assert steps_in(12512) == 1
    assert steps_in(24480) == 10
    assert steps_in(0) == 0


def test_embeddings_of_one_stretch_do_not_depend_on_its_neighbours(stand_ins: tuple[Path, Path]) -> None:
    embedding = SpeechEmbedding(*stand_ins)
    sounds = tones(5, 16000)
    together = embedding(sounds)
    assert together.shape == (5, steps_in(16000), WIDTH)
    assert together.dtype == np.float32
    assert np.allclose(embedding(sounds[2:3])[0], together[2], atol=1e-4)
    assert embedding(tones(2, 24480)).shape == (2, 10, WIDTH)
    with pytest.raises(DataError, match="too few"):
        embedding(sounds[:, :9000])


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot open the speech embedding"):
        SpeechEmbedding(tmp_path / "a", tmp_path / "b")


class Settings(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("word", "_unknown_")
    embedding_teachers = 2
    embedding_windows = 2030
    batch_size = 20
    domain_confusion = 0.2


class Feeds:
    """Windows whose class shows in one number of the embedding, better without noise."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.stop_at: int | None = None

    @contextmanager
    def open(self) -> Iterator["Feeds"]:
        yield self

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        for task in tasks:
            if task.first == self.stop_at:
                raise KeyboardInterrupt
            self.asked.append(task.first)
            rng = np.random.default_rng(task.first)
            labels = rng.integers(2, size=task.count)
            heard = rng.standard_normal((task.count, 2, STEPS, WIDTH)).astype(np.float32)
            heard[:, 0, 1, 5] += np.where(labels == 0, 3.0, -3.0)
            heard[:, 1, 1, 5] += np.where(labels == 0, 5.0, -5.0)
            origins = np.where(labels == 1, rng.integers(2, size=task.count), -1)
            yield Batch(features=heard, labels=labels, first=task.first, origins=origins, words=labels)


def test_heads_learn_and_what_was_heard_is_not_heard_again(tmp_path: Path) -> None:
    import_tensorflow()
    model, feeds = Settings(), Feeds()
    assert stock_size(model) == 2020, "whole batches"
    feeds.stop_at = 1000 + 200
    with pytest.raises(KeyboardInterrupt):
        hear_and_answer(model, tmp_path, feeds.open, progress=False)
    assert len(list((tmp_path / STOCK).iterdir())) == 1
    feeds.stop_at, feeds.asked = None, []
    answers = hear_and_answer(model, tmp_path, feeds.open, progress=False)
    assert feeds.asked == list(range(1000, 2020, 20)), "the first block lay there"
    assert not (tmp_path / STOCK).exists()
    labels = np.concatenate([batch.labels for batch in feeds.batches(Task(n, 20) for n in range(0, 2020, 20))])
    assert answers.shape == (2020, 2)
    assert (answers.argmax(axis=1) == labels).mean() > 0.97
    # Means of logarithms: where heads or hearings differ they add up to less than one.
    together = np.exp(answers).sum(axis=1)
    assert together.max() <= 1 + 1e-5
    assert np.median(together) > 0.9
    feeds.asked = []
    assert np.array_equal(hear_and_answer(model, tmp_path, feeds.open, progress=False), answers)
    assert not feeds.asked
    with pytest.raises(DataError, match="of other windows"):
        hear_and_answer(model.with_settings(embedding_windows=60), tmp_path, feeds.open, progress=False)
    (tmp_path / ANSWERS).write_bytes(b"half of")
    with pytest.raises(DataError, match="delete the file and resume"):
        hear_and_answer(model, tmp_path, feeds.open, progress=False)


def test_heads_answer_for_mined_windows_and_do_not_learn_from_them(tmp_path: Path) -> None:
    import_tensorflow()
    model, feeds = Settings().with_settings(embedding_windows=2000), Feeds()
    labels = np.concatenate([batch.labels for batch in feeds.batches(Task(n, 20) for n in range(0, 2000, 20))])
    # With all that is no keyword among the mined ones there is nothing to tell it from.
    answers = hear_and_answer(model, tmp_path, feeds.open, mined=labels == 1, progress=False)
    assert answers.shape == (2000, 2)
    assert (answers.argmax(axis=1) == 0).mean() > 0.99


@pytest.mark.parametrize("windows", [3, 40, 2000])
def test_principal_components_are_uncorrelated_and_sorted(windows: int) -> None:
    rng = np.random.default_rng(windows)
    heard = (rng.standard_normal((windows, 4, 6)) @ rng.standard_normal((6, 6)) + 3).astype(np.float16)
    found = principal_components(heard, 8)
    assert found.shape == (windows, 8)
    assert found.dtype == np.float32
    covariance = found.T.astype(float) @ found / windows
    assert np.allclose(covariance, np.diag(np.diag(covariance)), atol=2e-2)
    assert (np.diff(np.diag(covariance)) <= 1e-3).all()
    assert np.trace(covariance) == pytest.approx(8, rel=1e-2)
    flat = heard.reshape(windows, -1).astype(float)
    least = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False)[:8] ** 2
    assert np.allclose(np.diag(covariance)[: len(least)] / 8, least / least.sum(), atol=1e-2)


def test_components_of_windows_that_sound_alike_are_zero() -> None:
    assert not principal_components(np.ones((30, 2, 5), np.float16), 20).any()


def test_what_is_heard_lies_beside_the_answers(tmp_path: Path) -> None:
    import_tensorflow()
    model, feeds = Settings().with_settings(embedding_features=1.0, embedding_windows=600), Feeds()
    told = hear_and_answer(model, tmp_path, feeds.open, progress=False)
    assert told.shape == (600, 2 + HEARD_NUMBERS)
    heard = np.concatenate([b.features[:, 1] for b in feeds.batches(Task(n, 20) for n in range(0, 600, 20))])
    assert np.allclose(told[:, 2:], principal_components(heard.astype(np.float16), HEARD_NUMBERS), atol=1e-4)
    with pytest.raises(DataError, match="of other windows"):
        hear_and_answer(model.with_settings(embedding_features=0.0), tmp_path, feeds.open, progress=False)


def test_what_is_told_counts_everywhere_and_more_than_what_nets_say() -> None:
    import_tensorflow()
    import tensorflow as tf

    from mltk_like.training.teachers import taught

    losses, y = tf.constant([3.0, 3.0]), tf.constant([1, 0], tf.int64)
    p = tf.constant([[0.9, 0.1], [0.9, 0.1]])
    agrees, differs = tf.constant([[2.2, 0.0]] * 2), tf.constant([[-2.2, 0.0]] * 2)
    assert np.array_equal(taught(losses, p, y, None, None).numpy(), losses.numpy())
    near, far = taught(losses, p, y, None, agrees).numpy(), taught(losses, p, y, None, differs).numpy()
    assert (near < far).all(), "also where the label says something else"
    mixed = taught(losses, p, y, differs, agrees).numpy()
    other = taught(losses, p, y, agrees, differs).numpy()
    assert (mixed < other).all()


@pytest.mark.slow
def test_a_net_learns_what_it_is_told_and_not_its_labels() -> None:
    import_tensorflow()
    import keras

    from mltk_like.training.trainer import Trainer

    inputs = keras.Input((4,))
    net = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    trainer = Trainer(Settings().with_settings(domain_confusion=0.0), net, np.ones(2, np.float32), told=True)
    rng = np.random.default_rng(4)

    def batch(count: int) -> Batch:
        """Labels by band 0, and teachers who go by band 1."""
        x = rng.integers(-9, 10, (count, 4)).astype(np.int8)
        sure = np.where(x[:, 1] > 0, -0.05, -3.0).astype(np.float32)
        labels = (x[:, 0] <= 0).astype(np.int64)
        told = np.stack([sure, np.log1p(-np.exp(sure))], axis=1)
        return Batch(features=x, labels=labels, told=told, origins=np.full(count, -1), words=labels)

    for number in range(300):
        trainer.step(batch(64), 0.02, number)
    held = batch(400)
    right = trainer.predict(held.features).argmax(axis=1)
    assert (right == held.told.argmax(axis=1)).mean() > 0.9
    assert (right == held.labels).mean() < 0.7


@pytest.mark.slow
def test_a_net_learns_what_the_embedding_hears() -> None:
    """Of inputs that its answers do not depend on, so that nothing but the hearing makes it keep them."""
    import_tensorflow()
    import keras

    from mltk_like.training.trainer import Trainer

    def kept(strength: float) -> float:
        """How well what the last layer is given tells the three inputs, as a share of their variance."""
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(5, activation="relu")(inputs)
        net = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
        model = Settings().with_settings(domain_confusion=0.0, embedding_features=strength, average_weights=0.0)
        trainer = Trainer(model, net, np.ones(2, np.float32), told=True)
        rng = np.random.default_rng(4)
        for number in range(400):
            x = rng.integers(-9, 10, (64, 4)).astype(np.int8)
            labels = (x[:, 0] <= 0).astype(np.int64)
            sure = np.where(x[:, 0] > 0, -0.05, -3.0).astype(np.float32)
            answers = np.stack([sure, np.log1p(-np.exp(sure))], axis=1)
            heard = np.zeros((64, HEARD_NUMBERS), np.float32)
            heard[:, :3] = x[:, 1:] / 5
            told = np.concatenate([answers, heard], axis=1)
            trainer.step(
                Batch(features=x, labels=labels, told=told, origins=np.full(64, -1), words=labels), 0.02, number
            )
        x = rng.integers(-9, 10, (400, 4)).astype(np.float32)
        assert (trainer.predict(x.astype(np.int8)).argmax(axis=1) == (x[:, 0] <= 0)).mean() > 0.9
        seen = keras.Model(inputs, hidden)(x).numpy()
        design = np.column_stack([seen, np.ones(400)])
        left = x[:, 1:] - design @ np.linalg.lstsq(design, x[:, 1:], rcond=None)[0]
        return float(1 - left.var() / x[:, 1:].var())

    assert kept(30.0) > kept(0.0) + 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mining_rounds": 2, "teachers": 1}, "one round of mining"),
        ({"mining_rounds": 1}, "one round of mining"),
        ({"frontend": FrontendSettings(sample_rate_hz=8000, filterbank_upper_band_limit=3800.0)}, "16000 Hz"),
        ({"frontend": FrontendSettings(sample_length_ms=300), "warm_up_ms": 200}, "too short"),
    ],
)
def test_settings_that_do_not_go_with_them_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        check_embedding(Settings().with_settings(**settings))


def test_settings_that_go_with_them() -> None:
    check_embedding(Settings())
    check_embedding(Settings().with_settings(mining_rounds=1, teachers=2))
    check_embedding(Settings().with_settings(embedding_teachers=0, mining_rounds=5))


@pytest.fixture
def trained_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    settings = "embedding_teachers = 2\nembedding_windows = 160\nteachers = 1\nteacher_steps = 6\nmining_rounds = 1"
    settings += "\nembedding_features = 0.5"
    path = write_toy(tmp_path / "toy", settings=settings + "\nmining_hours = 0.01")
    path.write_text(path.read_text().replace("warm_up_ms = 100", "warm_up_ms = 600"))
    return path, tmp_path


@pytest.mark.slow
def test_a_training_with_them(
    trained_with: tuple[Path, Path], stand_ins: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltk_like.verbs.train import teaching

    monkeypatch.setattr(teaching, "embedding_files", lambda: stand_ins)
    path, folder = trained_with
    result = mltk.train(str(path), workers=0, evaluate=False, publish=False, progress=False)
    train = folder / "runs" / "toy" / "1" / "train"
    log = (train.parent / "log.txt").read_text()
    assert "2 heads on the speech embedding, 160 windows" in log
    assert "mining round 1" in log
    assert np.load(train / ANSWERS).shape == (160, 2 + HEARD_NUMBERS)
    with zipfile.ZipFile(result.archive) as archive:
        assert not [name for name in archive.namelist() if ANSWERS in name or STOCK in name]


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_to_what_it_began_with(
    trained_with: tuple[Path, Path], stand_ins: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With answers it needs the embedding no more; begun without, it does not begin to listen."""
    from mltk_like.verbs.train import teaching

    def away() -> tuple[Path, Path]:
        raise DataError("cannot fetch the embedding", "check the network")

    def interrupted_and_resumed(first: Any, then: Any) -> str:
        monkeypatch.setattr(teaching, "embedding_files", first)
        monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
        with pytest.raises(KeyboardInterrupt):
            mltk.train(str(path), workers=0, evaluate=False, publish=False, progress=False)
        monkeypatch.delenv("TOY_INTERRUPT_AT")
        monkeypatch.setattr(teaching, "embedding_files", then)
        mltk.train(str(path), resume=True, workers=0, evaluate=False, publish=False, progress=False)
        return max((folder / "runs" / "toy").glob("*/log.txt")).read_text()

    path, folder = trained_with
    with_answers = interrupted_and_resumed(lambda: stand_ins, away)
    assert "trained without" not in with_answers
    assert with_answers.count("2 heads on the speech embedding") == 1
    without = interrupted_and_resumed(away, lambda: stand_ins)
    assert "heads on the speech embedding" not in without
    assert without.count("trained without") == 1


def test_stored_copies_that_nobody_would_read_are_refused(trained_with: tuple[Path, Path]) -> None:
    path, folder = trained_with
    with pytest.raises(SettingError, match="copies would not be read"):
        mltk.train(str(path), augment_copies=2, progress=False)
    assert not (folder / "runs").exists()


@pytest.mark.slow
def test_without_the_embedding_the_training_goes_on_and_says_so(
    trained_with: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltk_like.verbs.train import teaching

    def nothing() -> tuple[Path, Path]:
        raise DataError("cannot fetch the embedding", "check the network")

    monkeypatch.setattr(teaching, "embedding_files", nothing)
    path, folder = trained_with
    mltk.train(str(path), workers=0, evaluate=False, publish=False, progress=False)
    log = (folder / "runs" / "toy" / "1" / "log.txt").read_text()
    assert "warning: trained without embedding_teachers: cannot fetch the embedding" in log
    with pytest.raises(DataError, match="cannot fetch the embedding"):
        mltk.train(str(path), workers=0, evaluate=False, publish=False, progress=False, strict_sources=True)


@pytest.mark.slow
def test_heads_keep_what_the_net_knows_while_it_learns_a_voice(
    trained_with: tuple[Path, Path], stand_ins: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltk_like.verbs.train import fine_tuning, teaching

    def away() -> tuple[Path, Path]:
        raise DataError("cannot fetch the embedding", "check the network")

    monkeypatch.setattr(teaching, "embedding_files", lambda: stand_ins)
    monkeypatch.setattr(fine_tuning, "embedding_files", lambda: stand_ins)
    quick: dict[str, Any] = {"workers": 0, "evaluate": False, "publish": False, "progress": False}
    path, folder = trained_with
    first = mltk.train(str(path), **quick)
    mine = folder / "mine"
    for number in range(5):
        write_wav(mine / f"{number}.wav", beep(np.random.default_rng([5, number])), RATE)
    tuned = mltk.train(str(path), resume_from=first.folder, positives=mine, **quick)
    overrides = Run(tuned.folder).settings()["overrides"]
    assert (overrides["embedding_teachers"], overrides["embedding_windows"]) == (2, min(160, PERSONAL_WINDOWS))
    assert (overrides["teachers"], overrides["mining_rounds"]) == (0, 0)
    assert np.load(tuned.folder / "train" / ANSWERS).shape == (160, 2 + HEARD_NUMBERS)
    assert "own positives: 5 as 'beep'" in (tuned.folder / "log.txt").read_text()
    rows = read_manifest(tuned.folder / "manifest.jsonl")
    assert len([row for row in rows if row.source == "own positives"]) == 5
    # Where they cannot be had, others would be unlearned: that is said before there is a run.
    monkeypatch.setattr(fine_tuning, "embedding_files", away)
    runs = sorted((folder / "runs" / "toy").iterdir())
    with pytest.raises(DataError, match="nothing would keep what the model knows of other people") as caught:
        mltk.train(str(path), resume_from=first.folder, positives=mine, **quick)
    assert "--set embedding_teachers=0" in caught.value.hint
    assert sorted((folder / "runs" / "toy").iterdir()) == runs
    deaf_model = mltk.load_model(str(path)).with_settings(embedding_teachers=0)
    deaf = mltk.train(deaf_model, resume_from=first.folder, positives=mine, **quick)
    assert not (deaf.folder / "train" / ANSWERS).exists()
    # Without recordings of the keyword there is nobody to be heard more, and nothing is heard again.
    plain = mltk.train(str(path), resume_from=first.folder, negatives=mine, **quick)
    assert Run(plain.folder).settings()["overrides"]["embedding_teachers"] == 0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of stand-in files on a server of this machine, with their hashes declared."""
    import hashlib

    folder = tmp_path / "site"
    folder.mkdir()
    hashes = {}
    for name in speech_embedding.SHA256:
        (folder / name).write_bytes(name.encode() * 9)
        hashes[name] = hashlib.sha256(name.encode() * 9).hexdigest()
    monkeypatch.setattr(speech_embedding, "SHA256", MappingProxyType(hashes))
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLTK_LIKE_SPEECH_EMBEDDING", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()


def test_files_come_from_a_mirror_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mel, net = embedding_files()
    assert (mel.name, net.name) == ("melspectrogram.tflite", "embedding_model.tflite")
    assert mel.read_bytes() == (site / mel.name).read_bytes()
    monkeypatch.setenv("MLTK_LIKE_OFFLINE", "1")
    assert embedding_files() == (mel, net)
    mel.unlink()
    with pytest.raises(DataError, match="network is off"):
        embedding_files()


def test_another_file_under_the_name_is_refused(site: Path) -> None:
    (site / "embedding_model.tflite").write_bytes(b"something else")
    with pytest.raises(DataError, match="SHA256"):
        embedding_files()


def test_files_come_out_of_the_package_where_pip_fetches_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLTK_LIKE_SPEECH_EMBEDDING")
    commands: list[list[str]] = []

    def download(command: list[str], **_: Any) -> None:
        commands.append(command)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "package.whl", "w") as wheel:
            for file in site.iterdir():
                wheel.write(file, f"openwakeword/resources/models/{file.name}")

    monkeypatch.setattr(subprocess, "run", download)
    mel, _ = embedding_files()
    assert mel.read_bytes() == (site / mel.name).read_bytes()
    assert "--no-deps" in commands[0], "nothing of the package is installed"

"""Speed of the data pipeline beside MLTK's way, and what a training waits for it: `python bench_feed.py`.

Both sides get the same clips and the recipe of Silicon Labs' "alexa": gain, microphone noise at an absolute level,
background noise at a ratio (95 %), white noise (25 %), 1 s of warm-up, 108 bands every 10 ms, int8. Ours also places
other speech, mixes in cut keywords and runs the DC notch, which TensorFlow's op lacks. CPU time is what to go by on a
busy machine.
"""

import argparse
import itertools
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import mltk_way
import numpy as np
import numpy.typing as npt

from mltk_like.audio import effects
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.feed.pool import Feed, Task
from mltk_like.feed.store import store_samples
from mltk_like.feed.windows import SplitFiles
from mltk_like.loader import load_file

RATE = 16000
BATCH = 100

MODEL = """
import mltk_like as mltk
from mltk_like.audio import FrontendSettings, effects
from mltk_like.nets import tenet12


class Recipe(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("alexa", "_unknown_")
    frontend = FrontendSettings(
        sample_length_ms=1200, window_size_ms=30, window_step_ms=10, filterbank_n_channels=108,
        noise_reduction_enable=True, noise_reduction_min_signal_remaining=0.40,
        dc_notch_filter_enable=True, quantize_dynamic_scale_enable=True,
    )

    def augment(self, scene, rng, sounds):
        scene = effects.gain(scene, rng, db=(0.95, 1.5))
        scene = effects.add_at_level(scene, sounds.microphone(rng, len(scene)), dbfs=rng.uniform(-75.0, -60.0))
        if rng.random() < 0.95:
            noise = sounds.ambience(rng, len(scene))
            scene = effects.add_at_snr(scene, noise, rng, snr_db=(-2.0, 35.0), silence_dbfs=(-60.0, -20.0))
        if rng.random() < 0.25:
            scene = effects.add_white_noise(scene, rng, snr_db=(30.0, 60.0))
        return scene

    def network(self):
        return tenet12(self.input_shape, self.n_classes)


my_model = Recipe()
"""


def make_sounds(folder: Path) -> dict[str, list[Path]]:
    """Speech-like clips of 0.5 to 1.4 s, background noise and microphone noise, as WAV files."""
    rng = np.random.default_rng(0)
    paths: dict[str, list[Path]] = {"alexa": [], "_unknown_": [], "noise": [], "microphone": []}
    for kind, count, length in (
        ("alexa", 100, None),
        ("_unknown_", 200, None),
        ("noise", 20, 8.0),
        ("microphone", 5, 8.0),
    ):
        for index in range(count):
            seconds = length or rng.uniform(0.5, 1.4)
            wave = rng.standard_normal(round(seconds * RATE)) * 0.1
            if length is None:
                wave *= np.abs(np.sin(np.arange(len(wave)) * rng.uniform(5, 20) / RATE))
            paths[kind].append(folder / kind / f"{index}.wav")
            write_wav(paths[kind][-1], wave, RATE)
    return paths


def ours(folder: Path, paths: dict[str, list[Path]]) -> tuple[Path, SplitFiles]:
    """The model's file and the split, decoded."""
    stores = {
        "speech": [*paths["alexa"], *paths["_unknown_"]],
        "noise": paths["noise"],
        "microphone": paths["microphone"],
    }
    for name, clips in stores.items():
        store_samples(folder / f"{name}.i16", [read_audio(path, RATE) for path in clips], RATE)
    path = folder / "recipe.py"
    path.write_text(MODEL)
    files = SplitFiles(
        speech=folder / "speech.i16",
        labels=("alexa",) * len(paths["alexa"]) + ("_unknown_",) * len(paths["_unknown_"]),
        names=tuple(str(clip) for clip in stores["speech"]),
        ambience=folder / "noise.i16",
        microphone=folder / "microphone.i16",
    )
    return path, files


def tasks(count: int) -> Iterator[Task]:
    return (Task(first=BATCH * number, count=BATCH) for number in range(count))


def run_ours(path: Path, files: SplitFiles, workers: int, batches: int) -> tuple[float, Counter[str]]:
    """Wall seconds and CPU seconds by stage of so many batches, with as many ahead at the end as at the start."""
    spent: Counter[str] = Counter()
    with Feed(load_file(path), files, workers=workers) as feed:
        source = feed.batches(tasks(batches + 8 + 2 * workers + 2))
        for _ in range(8):
            next(source)
        began = time.perf_counter()
        for batch in itertools.islice(source, batches):
            spent.update(batch.seconds)
        return time.perf_counter() - began, spent


def run_theirs(folder: Path, paths: dict[str, list[Path]], workers: int, batches: int) -> tuple[float, Counter[str]]:
    """The same of MLTK's way."""
    clips = [str(path) for kind in ("alexa", "_unknown_") for path in paths[kind]]
    jobs = mltk_way.start(workers, folder / "noise", folder / "microphone")
    spent: Counter[str] = Counter()
    wanted = [[clips[(BATCH * n + k) % len(clips)] for k in range(BATCH)] for n in range(batches)]
    for round_of in ([clips[:20]] * workers, wanted):  # the first round imports and builds
        spent.clear()
        began = time.perf_counter()
        for first in range(0, len(round_of), workers):
            group = list(zip(jobs, round_of[first : first + workers], strict=False))
            for (_, pipe), names in group:
                pipe.send(names)
            for (_, pipe), _ in group:
                _, seconds, total = pipe.recv()
                spent.update(seconds)
                spent["rest"] += total - sum(seconds.values())
    wall = time.perf_counter() - began
    for process, pipe in jobs:
        pipe.send(None)
        process.join()
    return wall, spent


def show(name: str, wall: float, spent: Counter[str], clips: int, workers: int) -> float:
    """Print a line; returns CPU milliseconds a clip."""
    milliseconds = {stage: 1000 * seconds / clips for stage, seconds in spent.items()}
    total = sum(milliseconds.values())
    stages = " + ".join(f"{stage} {value:.3f}" for stage, value in milliseconds.items())
    print(f"{name}: {total:.3f} ms CPU a clip = {stages}")
    print(f"    {1000 / total:.0f} clips/s a core; {clips / wall:.0f} clips/s with {workers} workers in wall time")
    return total


def training(path: Path, files: SplitFiles, workers: int, steps: int) -> None:
    """Steps of TENet12 in this process: their time, and the share that waits for a batch."""
    from mltk_like.training.trainer import Trainer
    from mltk_like.verbs.shared.building import build_net

    model = load_file(path)
    trainer = Trainer(model, build_net(model, threads=1), np.ones(2, np.float32))
    with Feed(model, files, workers=workers) as feed:
        source = feed.batches(tasks(steps + 10))
        waited = 0.0
        for number in range(steps + 10):
            if number == 10:
                began, cpu, waited = time.perf_counter(), time.process_time(), 0.0
            asked = time.perf_counter()
            batch = next(source)
            waited += time.perf_counter() - asked
            trainer.step(batch, 1e-3, number)
        wall, own = time.perf_counter() - began, time.process_time() - cpu
    print(f"training, {workers} workers, batch {BATCH}: {steps * BATCH / wall:.0f} clips/s")
    print(
        f"    a step {1000 * wall / steps:.1f} ms ({1000 * own / steps:.1f} CPU), {100 * waited / wall:.1f} % waiting"
    )


def effect_times(seconds: float) -> None:
    """Microseconds of each effect on a clip of 1.2 s, and of audiomentations' own where it has the same."""
    clip = (np.random.default_rng(0).standard_normal(RATE * 12 // 10) * 0.1).astype(np.float32)
    rng = np.random.default_rng(1)
    print(f"{'effect':<18} {'us a clip':>9} {'audiomentations':>20} {'us':>7} {'ratio':>6}")
    for name, call, other in effect_table(clip):
        own = microseconds(lambda call=call: call(clip, rng), seconds)  # type: ignore[misc]
        if other is None:
            print(f"{name:<18} {own:9.0f}")
            continue
        theirs = microseconds(lambda other=other: other[1](clip.copy(), sample_rate=RATE), seconds)  # type: ignore[misc]
        print(f"{name:<18} {own:9.0f} {other[0]:>20} {theirs:7.0f} {theirs / own:6.1f}")


def effect_table(
    clip: npt.NDArray[np.float32],
) -> list[tuple[str, Callable[..., object], tuple[str, Callable[..., object]] | None]]:
    """(effect, its call, the same of audiomentations)."""
    import audiomentations as am

    room = np.exp(-np.arange(4800) / 900).astype(np.float32) * clip[:4800]
    noise = clip[::-1].copy()
    folder = Path(tempfile.mkdtemp())
    write_wav(folder / "noise" / "a.wav", np.tile(noise, 5), RATE)
    write_wav(folder / "room" / "a.wav", room, RATE)
    added = am.AddBackgroundNoise(str(folder / "noise"), p=1.0)
    equaliser = am.SevenBandParametricEQ(p=1.0)
    e = effects
    return [
        ("gain", lambda x, r: e.gain(x, r, db=(-6, 6)), ("Gain", am.Gain(p=1.0))),
        ("set_level", lambda x, r: e.set_level(x, r, dbfs=(-40, -10)), ("Normalize", am.Normalize(p=1.0))),
        (
            "add_white_noise",
            lambda x, r: e.add_white_noise(x, r, snr_db=(3, 30)),
            ("AddGaussianSNR", am.AddGaussianSNR(p=1.0)),
        ),
        (
            "add_at_snr",
            lambda x, r: e.add_at_snr(x, noise, r, snr_db=(3, 30), silence_dbfs=(-60, -20)),
            ("AddBackgroundNoise", added),
        ),
        ("shape_spectrum", lambda x, r: e.shape_spectrum(x, r, db=6), ("SevenBandParametricEQ", equaliser)),
        ("  with a room", lambda x, r: e.shape_spectrum(x, r, db=6, room=room), None),
        (
            "reverberate",
            lambda x, r: e.reverberate(x, r, room=room),
            ("ApplyImpulseResponse", am.ApplyImpulseResponse(str(folder / "room"), p=1.0)),
        ),
        (
            "limit_band",
            lambda x, r: e.limit_band(x, r, low_hz=(50, 400), high_hz=(3e3, 7e3)),
            ("BandPassFilter", am.BandPassFilter(p=1.0)),
        ),
        (
            "change_speed",
            lambda x, r: e.change_speed(x, r, factor=(0.8, 1.25)),
            ("Resample", am.Resample(13000, 20000, p=1.0)),
        ),
        (
            "change_tempo",
            lambda x, r: e.change_tempo(x, r, factor=(0.8, 1.25)),
            ("TimeStretch", am.TimeStretch(leave_length_unchanged=False, p=1.0)),
        ),
        ("change_pitch", lambda x, r: e.change_pitch(x, r, semitones=(-4, 4)), ("PitchShift", am.PitchShift(p=1.0))),
        ("shift_time", lambda x, r: e.shift_time(x, r, seconds=(-0.2, 0.2)), ("Shift", am.Shift(p=1.0))),
        ("saturate", lambda x, r: e.saturate(x, r, db=(3, 12)), None),
        (
            "saturate_softly",
            lambda x, r: e.saturate_softly(x, r, db=(3, 12)),
            ("TanhDistortion", am.TanhDistortion(p=1.0)),
        ),
        (
            "clip_peaks",
            lambda x, r: e.clip_peaks(x, r, share=(0.05, 0.3)),
            ("ClippingDistortion", am.ClippingDistortion(p=1.0)),
        ),
        ("quantise_mu_law", e.quantise_mu_law, ("BitCrush", am.BitCrush(p=1.0))),
        ("telephone", e.telephone, None),
        ("compress, ogg", lambda x, r: e.compress(x, r, codec="ogg"), None),
        ("compress, mp3", lambda x, r: e.compress(x, r, codec="mp3"), None),
        (
            "invert_polarity",
            lambda x, r: e.invert_polarity(x, r, p=1.0),
            ("PolarityInversion", am.PolarityInversion(p=1.0)),
        ),
        ("add_offset", lambda x, r: e.add_offset(x, r, offset=(-0.01, 0.01)), None),
    ]


def microseconds(call: Callable[[], object], seconds: float) -> float:
    """Least time of a call, over about so many seconds: the machine may be busy with other things."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--batches", type=int, default=60, help="batches of 100 that are timed; MLTK's way gets a third"
    )
    parser.add_argument("--steps", type=int, default=100, help="training steps; 0: none")
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each effect; 0: none")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.seconds:
        effect_times(args.seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_sounds(folder)
        path, files = ours(folder, paths)
        wall, spent = run_ours(path, files, args.workers, args.batches)
        own = show("this pool", wall, spent, BATCH * args.batches, args.workers)
        count = max(args.batches // 3 // args.workers, 1) * args.workers
        other_wall, spent = run_theirs(folder, paths, args.workers, count)
        theirs = show("MLTK's way", other_wall, spent, BATCH * count, args.workers)
        in_wall = (other_wall / count) / (wall / args.batches)
        print(f"ratio: {theirs / own:.1f} in CPU a clip, {in_wall:.1f} in wall time with {args.workers} workers each")
        if args.steps:
            training(path, files, args.workers, args.steps)


if __name__ == "__main__":
    main()

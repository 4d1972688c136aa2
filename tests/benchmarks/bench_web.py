"""The same C as WebAssembly and on this machine: `python bench_web.py MODEL...`.

A model is a `.mltk.zip` or a run folder. Both hear a minute of noise that swells; what is printed is processor time,
the least of five runs. On this machine it is the folder of `export --format cmake`, built by its compiler with -O3; as
WebAssembly the module that `export --format web` puts into its page, run by Node.js. It needs CMake, Clang with
wasm-ld, and Node.js.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from mltk_like.artifact import open_artifact
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.wav import write_wav
from mltk_like.firmware import compile_wasm
from mltk_like.tflite import read_parameters
from mltk_like.verbs.export import export

DETECTOR = Path(__file__).parents[2] / "mltk_like" / "verbs" / "export" / "web" / "detector.js"
SECONDS, RUNS = 60, 5
PROGRAM = """
const fs = require('fs');
const [, module_, sound, channels, classes] = process.argv;
const bytes = fs.readFileSync(sound).subarray(44);
const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~1)));
let scores = 0;
openDetector(fs.readFileSync(module_), +channels, +classes, { columns() {}, scores() { scores++; }, detection() {} })
  .then((detector) => {
    const before = process.cpuUsage();
    detector.hear(samples);
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify([(user + system) / 1e6, scores]));
  });
"""


def of_host(model: Path, sound: Path, folder: Path) -> float:
    """Seconds of the program that CMake builds."""
    export(model, format="cmake", output=folder / "source")
    for command in (["-S", folder / "source", "-B", folder / "build"], ["--build", folder / "build", "-j2"]):
        subprocess.run(["cmake", *command], check=True, stdout=subprocess.DEVNULL)
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([folder / "build" / "listen", sound], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def of_wasm(data: bytes, sound: Path, folder: Path, node: str) -> tuple[float, int]:
    """Seconds of the module, and how often the net ran."""
    parameters = read_parameters(data)
    _, channels = frontend_from_parameters(parameters).spectrogram_shape
    (folder / "page.wasm").write_bytes(compile_wasm(data))
    program = DETECTOR.read_text() + PROGRAM
    arguments = [folder / "page.wasm", sound, str(channels), str(len(parameters["classes"]))]
    found = []
    for _ in range(RUNS):
        done = subprocess.run([node, "-e", program, *arguments], check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
    return min(found)[0], found[0][1]


def main() -> int:
    """Print a line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    node = shutil.which("node") or shutil.which("nodejs")
    args = parser.parse_args()
    if node is None:
        sys.exit("error: no Node.js\nhint: apt-get install --no-install-recommends nodejs")
    print(f"{'model':<32}{'inferences':>12}{'host, s':>10}{'WebAssembly, s':>16}{'ratio':>8}{'real time':>11}")
    for model in args.models:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            artifact = open_artifact(model)
            rate = frontend_from_parameters(read_parameters(artifact.tflite())).sample_rate_hz
            rng = np.random.default_rng(5)
            swell = np.abs(np.sin(np.arange(SECONDS * rate) * (np.pi / rate))) ** 4
            noise = rng.standard_normal(SECONDS * rate) * swell * 6000
            write_wav(folder / "sound.wav", noise.astype(np.int16), rate)
            host = of_host(model, folder / "sound.wav", folder)
            wasm, inferences = of_wasm(artifact.tflite(), folder / "sound.wav", folder, node)
            ratio, pace = wasm / host, SECONDS / wasm
            print(f"{artifact.name:<32}{inferences:>12}{host:>10.3f}{wasm:>16.3f}{ratio:>8.2f}{pace:>10.0f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())

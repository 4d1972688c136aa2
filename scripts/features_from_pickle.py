"""Turn BrainChip's pickle of keyword features into an `.npz` that `data.Features` trains on.

    python scripts/features_from_pickle.py preprocessed_data.pkl kws.npz

A pickle is a program: whoever unpickles it runs whatever it holds. Nothing in the package opens one; this script does,
because you run it. It lets NumPy's arrays through, and lists, texts and numbers, and stops at everything else, which is
a guard and no proof: take the file from where you trust it to be the one that was published.

The file is a list of seven: features of training, their labels, features of validation, their labels, two lists of file
names, and a mapping of each word to its number.
"""

import argparse
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mltk_like.errors import DataError
from mltk_like.paths import atomic_path

_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")} | {
    (f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")
}


class ArraysOnly(pickle.Unpickler):
    """Unpickles arrays, lists, mappings, texts and numbers."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call. Raises DataError for anything but NumPy's arrays."""
        if (module, name) not in _ALLOWED:
            raise DataError(f"the pickle calls {module}.{name}, which is no array", "it is not the file that is meant")
        return super().find_class(module, name)


def convert(source: Path, target: Path) -> int:
    """Write the `.npz` and return the number of rows. Raises DataError where the pickle is something else."""
    try:
        with source.open("rb") as file:
            content = ArraysOnly(file).load()
        x_train, y_train, x_valid, y_valid, train_files, valid_files, numbers = content
        features = np.concatenate([np.asarray(x_train), np.asarray(x_valid)])
        labels = np.concatenate([np.asarray(y_train).reshape(-1), np.asarray(y_valid).reshape(-1)]).astype(np.int64)
        classes = np.array(sorted(numbers, key=lambda word: int(numbers[word])), dtype=np.str_)
        clips = np.array([str(name) for name in (*train_files, *valid_files)], dtype=np.str_)
        subsets = np.array(["training"] * len(x_train) + ["validation"] * len(x_valid))
    except (OSError, pickle.UnpicklingError, EOFError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise DataError(f"{source} is not the pickle of keyword features: {error}") from error
    arrays: dict[str, Any] = {"features": features, "labels": labels, "classes": classes}
    arrays["subsets"] = halved(subsets)
    if len(clips) == len(features):
        arrays["clips"] = clips
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return len(features)


def halved(subsets: Any) -> Any:
    """Every other row of the validation as a test, which the file has not."""
    found = np.flatnonzero(subsets == "validation")
    result = subsets.copy()
    result[found[1::2]] = "test"
    return result


def main() -> int:
    """Convert the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", type=Path, help="the file, which is unpickled: only one that you trust")
    parser.add_argument("npz", type=Path, help="the file to write")
    args = parser.parse_args()
    try:
        print(f"written: {args.npz}, {convert(args.pickle, args.npz)} rows")
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

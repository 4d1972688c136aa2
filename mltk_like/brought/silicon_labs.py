"""Archives of Silicon Labs' MLTK: a `.tflite` with parameters that this package reads, and things that it does not."""

from pathlib import Path

from mltk_like.opening import open_archive

_FLOAT = ".float32.tflite"
# Each of our archives has one of them.
_OURS = ("state.json", "settings.json", "versions.json")


def model_in(path: Path) -> str | None:
    """The `.tflite` of an archive that MLTK made; None where the archive is of this package, or has no such file.

    Of several it is the one that is called as the archive. Its other files are never read: the Keras net is an `.h5`,
    and the model file is code.

    Raises:
        ModelError: the archive cannot be read, or is beyond a limit.
    """
    with open_archive(path) as archive:
        names = [info.filename for info in archive.members]
    if any(name in _OURS or name.endswith(".keras") for name in names):
        return None
    nets = [name for name in names if "/" not in name and name.endswith(".tflite") and not name.endswith(_FLOAT)]
    own = path.name.removesuffix(".mltk.zip") + ".tflite"
    return own if own in nets else nets[0] if len(nets) == 1 else None

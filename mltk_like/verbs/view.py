"""The graph of a net in the browser, drawn by Netron."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.errors import DataError, ToolError
from mltk_like.model import Model
from mltk_like.tflite import summarize_tflite
from mltk_like.verbs.shared.building import artifact_of

_HOST = "127.0.0.1"


@contextmanager
def view(
    model: Model | str | Path, *, tflite: bool = False, port: int = 0, browse: bool = True
) -> Iterator[tuple[str, Any]]:
    """Serve the graph of a trained model to this machine's browsers, for the time of the block.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.
        tflite: the int8 model (always, where a bare `.tflite` is given), else the Keras net.
        port: of 127.0.0.1; 0: a free one.
        browse: open the browser.

    Yields:
        The page's address, and Netron, whose `wait()` returns at Ctrl-C.

    Raises:
        ModelError: the model does not exist, has not been trained, has no such file, or the `.tflite` is damaged.
        ToolError: Netron is not installed.
        DataError: the port is taken, or there is none of that number.
    """
    artifact = artifact_of(model)
    netron = _netron()
    with _file_of(artifact, tflite=tflite) as file:
        try:
            host, taken = netron.start(str(file), address=(_HOST, port), browse=browse)
        except (OSError, OverflowError) as error:  # the second: beyond 65535
            why = getattr(error, "strerror", None) or error
            raise DataError(f"port {port} cannot be used: {why}", "give another --port") from error
        try:
            yield f"http://{host}:{taken}", netron
        finally:
            netron.stop((host, taken))


def _netron() -> Any:
    try:
        import netron
    except ImportError as error:
        raise ToolError("Netron is not installed", "pip install 'mltk_like[view]'") from error
    logging.getLogger("netron").setLevel(logging.WARNING)
    return netron


@contextmanager
def _file_of(artifact: Artifact, *, tflite: bool) -> Iterator[Path]:
    """The file that Netron opens, in a folder of its own: it offers what lies beside a file, too."""
    if not tflite and not artifact.alone:
        with artifact.keras_file() as file:
            yield file
        return
    data = artifact.tflite()
    summarize_tflite(data)  # Netron would say only on its page that a file is damaged
    with TemporaryDirectory(prefix="mltk_like-") as folder:
        file = Path(folder) / f"{artifact.name}.tflite"
        file.write_bytes(data)
        yield file

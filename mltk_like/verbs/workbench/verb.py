"""`workbench`: a page to work with, served to the browsers of this machine."""

import threading
import webbrowser
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from mltk_like.artifact import open_artifact
from mltk_like.errors import DataError, ModelError
from mltk_like.loader import find_model, find_named
from mltk_like.paths import resolved
from mltk_like.run import ARCHIVE_SUFFIX
from mltk_like.verbs.workbench.guard import Guard
from mltk_like.verbs.workbench.place import Place
from mltk_like.verbs.workbench.routes import Workbench
from mltk_like.verbs.workbench.server import Answer, WorkbenchServer

LOCAL = "127.0.0.1"


@contextmanager
def workbench(
    what: str | Path | None = None, *, host: str = LOCAL, port: int = 0, browse: bool = True
) -> Iterator[WorkbenchServer]:
    """Serve the page for the time of the block.

    Args:
        what: a folder, which is the working folder meanwhile; or a model, which is shown first; None: this folder.
        host: to serve on; any but this machine's own is reached by others, who need the address with its key.
        port: 0: a free one.
        browse: open the browser.

    Yields:
        The server: `url` is the page's address.

    Raises:
        ModelError: there is neither such a folder nor such a model.
        DataError: the port is taken, or there is none of that number; or the folder cannot be entered.
    """
    folder, given = _meant(what)
    with _entered(folder):
        place = Place(root=resolved(Path.cwd()), given=given)
        made: list[Workbench] = []

        def answering(guard: Guard) -> Answer:
            made.append(Workbench(place, guard))
            return made[-1].answer

        with WorkbenchServer(host, port, answering) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
            thread.start()
            try:
                if browse:
                    webbrowser.open(server.url)
                yield server
            finally:
                server.shutdown()
                thread.join()
                made[0].close()


def _meant(what: str | Path | None) -> tuple[Path, str]:
    """The folder to work in, and the model that was named."""
    if what is None:
        return Path(), ""
    path, text = Path(what), str(what)
    if (path / "state.json").is_file() or text.endswith((ARCHIVE_SUFFIX, ".tflite")):
        open_artifact(what)
        return Path(), text
    if path.is_dir() and find_named(text) is None:
        return path, ""
    try:
        find_model(what)
    except ModelError as error:
        raise ModelError(f"there is no folder {text}, and {error.message}", error.hint) from error
    return Path(), text


@contextmanager
def _entered(folder: Path) -> Iterator[None]:
    """The folder as the working folder, from which names, runs and recordings are found."""
    try:
        entering = chdir(folder)
        entering.__enter__()
    except OSError as error:
        raise DataError(f"cannot work in {folder}: {error.strerror}", "check its permissions") from error
    try:
        yield
    finally:
        entering.__exit__(None, None, None)

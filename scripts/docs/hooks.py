"""What mkdocs calls while it builds the site: pages that are written by the package are made afresh."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_HERE = Path(__file__).parent
# The scripts beside this one, and the package of this checkout rather than one that is installed.
sys.path[:0] = [str(_HERE), str(_HERE.parents[1])]

import commands_page  # noqa: E402
import settings_page  # noqa: E402


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace or add the pages that are generated."""
    for name, page in (("settings.md", settings_page.page), ("commands.md", commands_page.page)):
        old = files.get_file_from_path(name)
        if old is not None:
            files.remove(old)
        files.append(File.generated(config, name, content=page()))
    return files

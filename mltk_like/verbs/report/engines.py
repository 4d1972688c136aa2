"""Whether every engine says the same: what the training's last check found."""

import shlex

from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import notice, table


def engines_part(model: StoredModel) -> Part:
    """Float, LiteRT, TensorFlow Lite Micro and the net as C beside each other."""
    found, command = model.check, f"python -m mltk_like check {shlex.quote(model.artifact.typed)}"
    title = "The same on every engine"
    if found is None:
        return part(title, f"No check is stored with this model; {command} makes one.")
    return part(
        title,
        *(notice(f"CHECK FAILED: {problem}") for problem in found.problems),
        table(found.rows),
        f"On {found.inputs}. {command} checks it again, --chip cortex-m4 on an emulated chip too.",
    )

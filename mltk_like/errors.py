"""The one error family of mltk_like.

    MltkLikeError           message + hint; exit code 2
    ├── SettingError        a setting has an unknown name, a wrong type or a value out of range
    ├── ModelError          a model file, run folder or archive cannot be found, read or used
    ├── DataError           a clip, a folder, a download or a source cannot be used
    │   └── MisnamedError   a name that nearly fits: data would be taken for what it is not
    ├── ToolError           something that must be installed is not (a package, a compiler, a library)
    └── CheckError          the work was done and a check of its result failed; exit code 1

Errors are raised where the cause is known and shown once, by the command line, without a traceback.
"""


class MltkLikeError(Exception):
    """An error that a user can mend.

    Args:
        message: what is wrong, in one sentence, naming the file, setting or value.
        hint: what to do about it, in one sentence; may be empty.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class SettingError(MltkLikeError):
    """A setting has an unknown name, a wrong type or a value out of range."""


class ModelError(MltkLikeError):
    """A model file, run folder or archive cannot be found, read or used."""


class DataError(MltkLikeError):
    """A clip, a folder, a download or a source cannot be used."""


class MisnamedError(DataError):
    """A folder, label, list or recording is called nearly as what is meant: its data would be taken for something else.

    A source with such data is never just left out, as one is that cannot be had.
    """


class ToolError(MltkLikeError):
    """Something that must be installed is not: a package, a compiler, a system library."""


class CheckError(MltkLikeError):
    """The work was done, and a check of its result failed."""

    exit_code = 1


def one_line(error: BaseException) -> str:
    """What an exception of another library or of a model's own code says, without its pages: its first line.

    TensorFlow puts the way through a function before what went wrong in it, which then stands in the last.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return "no message"
    return lines[-1].removeprefix(f"{type(error).__name__}: ") if lines[0] == "in user code:" else lines[0]

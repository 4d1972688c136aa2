"""List the models that a name reaches."""

from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.errors import MltkLikeError
from mltk_like.loader import list_models, load_file


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """One model: its name, its file and its description, or what is wrong with it."""

    name: str
    path: str
    description: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelList:
    """Every model that a name reaches."""

    models: tuple[ModelLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"models": [asdict(line) for line in self.models]}

    def __str__(self) -> str:
        width = max((len(line.name) for line in self.models), default=0)
        rows = [
            f"{line.name:<{width}}  {line.error or line.description}\n{'':<{width}}  {line.path}"
            for line in self.models
        ]
        return "\n".join(rows) or "no models: a model file goes into ./models or a folder of $MLTK_LIKE_MODELS"


def models() -> ModelList:
    """The models of the search order (`./models`, `$MLTK_LIKE_MODELS`, the package); a broken one is listed as such."""
    lines = []
    for name, path in list_models().items():
        try:
            lines.append(ModelLine(name=name, path=str(path), description=load_file(path).description))
        except MltkLikeError as error:
            lines.append(ModelLine(name=name, path=str(path), description="", error=f"error: {error.message}"))
    return ModelList(models=tuple(lines))

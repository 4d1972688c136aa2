"""Everything about a trained model on one page: how it errs, what it costs, what it was made from."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.model import Model
from mltk_like.paths import write_bytes, write_text
from mltk_like.verbs.evaluate import Recordings, evaluate_both
from mltk_like.verbs.evaluate import evaluate as evaluate_one
from mltk_like.verbs.report.cost import cost_part
from mltk_like.verbs.report.data_card import data_card, licences_part
from mltk_like.verbs.report.engines import engines_part
from mltk_like.verbs.report.headline import headline, warnings
from mltk_like.verbs.report.judged import breakdown_part, judged_part, latency_part
from mltk_like.verbs.report.mined import mined_parts
from mltk_like.verbs.report.part import Part
from mltk_like.verbs.report.players import Players
from mltk_like.verbs.report.reproduce import parameters_part, reproduce_part
from mltk_like.verbs.report.stored import KINDS, StoredModel, evaluation_of, read_model
from mltk_like.verbs.report.training import model_card, training_part
from mltk_like.verbs.report.windows import forms_part, windows_part
from mltk_like.verbs.report.worst import false_accepts_part, misses_part
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.page import Html, element, page, paragraph
from mltk_like.verbs.shared.web_pages import address_from, find_page

PAGE = "index.html"
RESULTS = "eval-results.json"


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """A report that was written.

    Attributes:
        name: of the model.
        page: the HTML file, which needs nothing beside it.
        pictures: its plots as PNG files, in the same folder.
        players: how many sounds the page holds.
        size_bytes: of the page.
        warnings: what makes the figures worth less than they look; they stand on top of the page.
    """

    name: str
    page: Path
    pictures: tuple[str, ...]
    players: int
    size_bytes: int
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "page": str(self.page)}

    def __str__(self) -> str:
        size = f"{self.size_bytes / 1e6:.1f} MB, {len(self.pictures)} plots, {self.players} players"
        return "\n".join([*(f"note: {text}" for text in self.warnings), f"page: {self.page} ({size})"])


def report(
    model: Model | str | Path,
    *,
    evaluate: bool = False,
    recordings: Recordings | None = None,
    snr_db: float | Sequence[float] | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> ModelReport:
    """Write a page about a trained model, from what is stored with it.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        evaluate: judge it now, float and int8, on its test voices; else the stored evaluation is shown.
        recordings: judge it now on these.
        snr_db: signal-to-noise ratio of each noisy condition in dB, where it is judged now.
        output: folder for `index.html` and its plots, and `eval-results.json` where it was judged now; none: `report`
            in the run folder, `<model>-report` for an archive or a `.tflite`.
        progress: show bars.

    Raises:
        ModelError: the model has not been trained, or what is stored with it is damaged.
        DataError: recordings or clips cannot be read, or the folder cannot be written.
        ToolError: matplotlib is not installed, or TensorFlow where it is judged now.
    """
    artifact = artifact_of(model)
    stored, results = read_model(artifact), None
    if evaluate or recordings is not None:
        results = _judge(model, stored, recordings, snr_db, progress)
        stored = _with_results(stored, results)
    # Recordings that the user names here may lie anywhere, and so may those of a run of the user's own.
    anywhere = artifact.path.is_dir() or results is not None
    parts = _parts(
        stored,
        Players(stored.sample_rate_hz, anywhere=anywhere),
        _command(model, artifact, recordings, snr_db, results),
    )
    folder = output or _folder(artifact)
    lead = [*headline(stored), *_listening(stored, folder), _about(parts)]
    document = page(f"{artifact.name}: report", [part.section for part in parts], lead=lead)
    # All is in memory by now, so an error leaves nothing behind.
    return _write(folder, stored, parts, document, results)


def _judge(
    model: Model | str | Path,
    stored: StoredModel,
    recordings: Recordings | None,
    snr_db: float | Sequence[float] | None,
    progress: bool,
) -> dict[str, Any]:
    """Results by form, with 'comparison' where there are two."""
    options: dict[str, Any] = {"recordings": recordings, "snr_db": snr_db, "progress": progress}
    artifact = stored.artifact
    if not artifact.alone and artifact.read(f"{artifact.name}.keras") is not None:
        both = evaluate_both(model, **options)
        return {**both.to_dict(), "comparison": both.figures}
    return {"tflite": evaluate_one(model, tflite=True, **options).to_dict()}


def _with_results(stored: StoredModel, results: dict[str, Any]) -> StoredModel:
    evaluations = {kind: evaluation_of(results[kind]) for kind in KINDS if kind in results}
    return replace(stored, evaluations=evaluations, compared=results.get("comparison", ()))


def _parts(model: StoredModel, players: Players, command: str) -> list[Part]:
    """What one must know first stands first."""
    return [
        judged_part(model),
        latency_part(model),
        breakdown_part(model),
        misses_part(model, players),
        false_accepts_part(model, players),
        windows_part(model),
        forms_part(model),
        engines_part(model),
        model_card(model),
        training_part(model),
        *mined_parts(model),
        data_card(model),
        cost_part(model),
        parameters_part(model),
        reproduce_part(model, command),
        licences_part(model),
    ]


def _about(parts: Sequence[Part]) -> Any:
    size = sum(len(block) for part in parts for block in part.section.blocks) / 1e6
    players = sum(part.players for part in parts)
    return paragraph(
        f"This page is one file of about {size:.1f} MB with {players} players; it needs no network.", soft=True
    )


def _listening(model: StoredModel, folder: Path) -> list[Html]:
    """A link to the page in which the model listens, where it was exported: beside this page, to the model, or to where
    `export` puts it."""
    artifact = model.artifact
    beside = artifact.path if artifact.path.is_dir() else artifact.path.parent
    found = find_page(model.tflite, artifact.name, (folder, beside, Path("export")))
    if found is None:
        return []
    link = element("a", "Let it listen in your browser", href=address_from(folder, found))
    return [paragraph(link, ": the model itself, on a page of its own.")]


def _command(
    model: Any,
    artifact: Artifact,
    recordings: Recordings | None,
    snr_db: float | Sequence[float] | None,
    results: object,
) -> str:
    """What makes this page again."""
    words = ["python", "-m", "mltk_like", "report", str(model) if isinstance(model, str | Path) else artifact.typed]
    if recordings is not None:
        words += ["--positives", str(recordings.positives)] if recordings.positives else []
        words += ["--negatives", *map(str, recordings.negatives)] if recordings.negatives else []
        for option, value in (("--noise", recordings.noise), ("--label", recordings.label)):
            words += [option, str(value)] if value else []
    elif results is not None:
        words.append("--evaluate")
    if snr_db is not None and results is not None:
        ratios = [snr_db] if isinstance(snr_db, int | float) else snr_db
        words += ["--snr", *(f"{ratio:g}" for ratio in ratios)]
    return shlex.join(words)


def _folder(artifact: Artifact) -> Path:
    return artifact.path / "report" if artifact.path.is_dir() else Path(f"{artifact.name}-report")


def _write(
    folder: Path, stored: StoredModel, parts: Sequence[Part], document: str, results: dict[str, Any] | None
) -> ModelReport:
    """The plots first, the page last."""
    pictures = {name: data for part in parts for name, data in part.pictures.items()}
    for name, data in pictures.items():
        write_bytes(folder / name, data)
    if results is not None:
        plain = {**results, "comparison": [figure.to_dict() for figure in stored.compared]}
        write_text(folder / RESULTS, json.dumps(plain, indent=2) + "\n")
    write_text(folder / PAGE, document)
    return ModelReport(
        name=stored.artifact.name,
        page=folder / PAGE,
        pictures=tuple(pictures),
        players=sum(part.players for part in parts),
        size_bytes=len(document.encode()),
        warnings=tuple(warnings(stored)),
    )

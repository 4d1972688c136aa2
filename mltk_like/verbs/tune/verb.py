"""Search settings: many trainings, each with other settings, here or on a cluster. Optuna chooses what to try next."""

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltk_like.cluster import Cluster
from mltk_like.errors import ModelError, SettingError, ToolError, one_line
from mltk_like.loader import find_model, load_file, typed_name, typed_path
from mltk_like.mixins import TrainMixin
from mltk_like.model import Model, require
from mltk_like.paths import portable, runs_dir, write_bytes, write_text
from mltk_like.run import note_model_file, noted_model_file, run_name
from mltk_like.verbs.shared.training_process import TrainingJob
from mltk_like.verbs.tune.result import TrialRow, TuningResult
from mltk_like.verbs.tune.search_space import SearchSpace, parse_space
from mltk_like.verbs.tune.trial import TrialOutcome, run_trial

if TYPE_CHECKING:
    import optuna


def tune(
    model: Model | str,
    settings: Sequence[str],
    *,
    trials: int,
    test: bool = False,
    cluster: str | None = None,
    seed: int = 0,
    restart: bool = False,
    progress: bool = True,
) -> TuningResult:
    """Train again and again with settings that Optuna's TPE sampler proposes, to miss less on the validation voices.

    The study is kept: called again with the same settings it goes on until it has `trials` trials.

    Args:
        model: a model that has a file, or its name.
        settings: `NAME=LOW..HIGH`, `NAME=A,B,C` or `NAME=VALUE`, see `parse_space`.
        trials: how many in all, those of earlier calls included.
        test: dry runs, to try the search itself.
        cluster: address of a Ray cluster that trains as many at once as it has nodes; None: here, one by one.
        seed: of the sampler. On a cluster trials end in an order of their own, so proposals may differ.
        restart: forget earlier trials.
        progress: show a bar.

    Raises:
        SettingError: the settings do not fit the model.
        ModelError: the model has no file, or an earlier study searched other settings.
        ToolError: Optuna is not installed, or the cluster fails.
    """
    if isinstance(model, str):
        found = find_model(model)
        model, test = load_file(found.path), test or found.test
    require(model, TrainMixin, "tune")
    if trials < 1:
        raise SettingError(f"{trials} trials search nothing", "give --trials 1 or more")
    if model.path is None:
        raise ModelError("a model without a file cannot be tuned", "write it into a .py file")
    space = parse_space(model, settings)
    search = _Search(model, space, test=test, seed=seed, restart=restart)
    with closing(search):
        search.run(trials, cluster, progress=progress)
        return search.report()


class _Search:
    """The study and the folder that it is kept in."""

    def __init__(self, model: Model, space: SearchSpace, *, test: bool, seed: int, restart: bool) -> None:
        self._optuna = _optuna()
        self.model = model
        self.space = space
        self.test = test
        self.name = run_name(model, test=test)
        assert model.path is not None
        self.folder = _folder_of(self.name, model.path)
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        note_model_file(self.folder, model.path)
        try:
            self._storage = self._optuna.storages.RDBStorage(f"sqlite:///{self.folder / 'study.db'}")
            self.study = self._optuna.create_study(
                study_name=self.name,
                storage=self._storage,
                load_if_exists=True,
                direction="minimize",
                sampler=self._optuna.samplers.TPESampler(seed=seed),
            )
        except Exception as error:  # of Optuna, of SQLAlchemy or of SQLite
            raise ModelError(
                f"cannot read {portable(self.folder / 'study.db')}: {one_line(error)}",
                "--restart forgets that search and begins anew",
            ) from error
        self._same_space()
        self._begin_again()

    def close(self) -> None:
        """Let go of the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def run(self, trials: int, cluster: str | None, *, progress: bool) -> None:
        """Train until the study has so many trials that ended."""
        from tqdm.auto import tqdm

        done = len(self._ended())
        with tqdm(total=trials, initial=min(done, trials), desc="tune", unit="trial", disable=not progress) as bar:
            for trial, outcome in self._outcomes(max(trials - done, 0), cluster):
                self._tell(trial, outcome)
                best = [row.misses for row in self._rows() if row.misses is not None]
                bar.set_postfix_str(f"best misses {100 * min(best):.2f} %" if best else "")
                bar.update()

    def report(self) -> TuningResult:
        """Table, plot and JSON of all trials."""
        from mltk_like.metrics.plots import plot_trials

        result = TuningResult(name=self.name, folder=self.folder, trials=tuple(self._rows()), command=self._command())
        write_text(self.folder / "results.json", json.dumps(result.to_dict(), indent=2) + "\n")
        good = [row for row in result.trials if row.misses is not None]
        if good:
            ordered = sorted(good, key=lambda row: row.number)
            plot_trials(
                [row.misses or 0.0 for row in ordered],
                {name: [row.settings[name] for row in ordered] for name in self.space.searched},
                path=self.folder / "plot.png",
            )
        return result

    def _command(self) -> str:
        """The training of a trial, without what was searched."""
        assert self.model.path is not None
        name = typed_name(self.model.path, test=self.test)
        words = [name or typed_path(self.model.path), *(["--test"] if self.test and not name else [])]
        words += [word for text in self.space.fixed for word in ("--set", text)]
        return shlex.join(["python", "-m", "mltk_like", "train", *words])

    def _outcomes(self, count: int, address: str | None) -> Iterator[tuple["optuna.trial.Trial", "TrialOutcome"]]:
        asked: dict[int, Any] = {}

        def jobs() -> Iterator[tuple[int, TrainingJob]]:
            for _ in range(count):
                trial = self.study.ask()
                asked[trial.number] = trial
                yield trial.number, self._job(trial, remote=address is not None)

        if address is None:
            for item in jobs():
                yield asked[item[0]], run_trial(item)
            return
        with Cluster(address) as cluster:
            for item, outcome in cluster.run(run_trial, jobs(), whole_nodes=True):
                yield asked[item[0]], outcome

    def _job(self, trial: "optuna.trial.Trial", *, remote: bool) -> TrainingJob:
        path = self.model.path
        assert path is not None
        words = [word for text in self.space.suggest(trial) for word in ("--set", text)]
        arguments = (*words, "--no-evaluate", "--no-publish", *(["--test"] if self.test else []))
        if remote:
            name = f"models/{path.name}"
            return TrainingJob(name=self.name, model=name, arguments=arguments, files={name: path.read_bytes()})
        return TrainingJob(name=self.name, model=str(path), arguments=arguments)

    def _tell(self, trial: "optuna.trial.Trial", outcome: "TrialOutcome") -> None:
        trial.set_user_attr("problem", outcome.problem)
        trial.set_user_attr("epoch", outcome.epoch)
        if outcome.misses is None:
            self.study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            return
        write_bytes(self.folder / f"trial-{trial.number}.mltk.zip", outcome.archive)
        self.study.tell(trial, outcome.misses)

    def _same_space(self) -> None:
        """Trials of another search would mislead the sampler."""
        searched = {name: repr(what) for name, what in self.space.searched.items()}
        now = json.dumps([searched, self.space.fixed], sort_keys=True)
        before = self.study.user_attrs.get("space", now)
        if before != now:
            raise ModelError(
                f"{portable(self.folder)} searched other settings",
                "give the same --set words to go on, or --restart to forget that search",
            )
        self.study.set_user_attr("space", now)

    def _begin_again(self) -> None:
        """Trials that were interrupted are tried again with the same settings."""
        states = self._optuna.trial.TrialState
        for trial in self.study.get_trials(states=(states.RUNNING,)):
            self.study.tell(trial.number, state=states.FAIL)
            self.study.enqueue_trial(trial.params)

    def _ended(self) -> list["optuna.trial.FrozenTrial"]:
        """Trials that count: those that ended by themselves, well or not."""
        states = self._optuna.trial.TrialState
        ended = self.study.get_trials(states=(states.COMPLETE, states.FAIL))
        return [trial for trial in ended if "problem" in trial.user_attrs]

    def _rows(self) -> list[TrialRow]:
        rows = [
            TrialRow(
                number=trial.number,
                settings=dict(trial.params),
                misses=trial.value,
                epoch=trial.user_attrs.get("epoch"),
                seconds=trial.duration.total_seconds() if trial.duration else 0.0,
                problem=trial.user_attrs["problem"],
            )
            for trial in self._ended()
        ]
        return sorted(rows, key=lambda row: (row.misses is None, row.misses or 0.0, row.number))


def _folder_of(name: str, file: Path) -> Path:
    """The folder of a model's search, which is the model's own where others have its name."""
    base = runs_dir() / f"{name}-tune"
    for folder in chain([base], (base.with_name(f"{base.name}-{number}") for number in count(2))):
        if not folder.exists() or noted_model_file(folder) in (None, file):
            return folder
    raise AssertionError  # count() has no end


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ToolError("Optuna is not installed", "pip install 'mltk_like[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna

"""The search step: a data set in, a judged classifier with table, plots and report out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from ossicle.datasets import TESTS, Dataset, named_task, outer_parts, single_part
from ossicle.errors import DatasetError, SearchError
from ossicle.selection.grid import Grid
from ossicle.selection.nested import nested_search
from ossicle.selection.searching import LIBRARIES, SEARCHED, search
from ossicle.steps.cross_validation import REACHED
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.search_outcome import FILES, MEASURED, conclude
from ossicle.steps.sources import DataSet
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import canonical_json, digest, file_digest, read_json, write_json
from ossicle.workflow.manifest import step

__all__ = ["search_dataset"]

OUTCOME = "outcome.json"


@step(
    name="search",
    libraries=LIBRARIES,
    entries=REACHED,
    outputs=FILES,
    measured=(*MEASURED, "result.json"),
    resumable=True,
    cpu=64,
)
def search_dataset(
    path: DataSet,
    *,
    out: Path,
    test: str = "auto",
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    limits: Mapping[str, Any] | None = None,
    paper_protocol: bool = False,
    grid: Grid | None = None,
    leave_out: float | int | None = None,
    window: Annotated[float | None, "s"] = None,
    window_hop: Annotated[float | None, "s"] = None,
    draw: int | None = None,
    halving: int | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    command: str = "",
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Choose and train a classifier on a data set and judge it on what was held out.

    Writes ``best.ossicle``, ``table.csv``, ``front.csv``, ``front.png``, ``report.html`` and
    ``outcome.json`` into ``out``. Where they are there already, made from the same, nothing is
    done.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder of the run; what is finished in it is not done again.
    test : str
        ``split``: the official test split; ``holdout``: a fifth of the groups; ``folds``: each
        official fold in turn, everything chosen without it; ``groups``: each group in turn;
        ``none``; ``auto``: split if there is one, else holdout. With ``folds`` and ``groups``
        the classifier that is kept is chosen and trained on everything.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    limits : mapping, optional
        Limits of the choice, as ``max_fpr``.
    paper_protocol : bool
        Judge the whole front on the test part too and select again there: optimistic figures,
        kept apart from the honest ones.
    grid : dict of lists, or list of such dicts
        What is tried: lists under ``front_end``, ``integration``, ``scaling``, ``model`` and
        parameters of those; a small grid that suits the task by default.
    leave_out : float or int, optional
        Share or number of the groups held out at a time; official folds, else a tenth by default.
    window : float, optional
        Seconds of a window; by default, or 0, each clip is one window.
    window_hop : float, optional
        Seconds from one window to the next; half the window by default, or 0.
    draw : int, optional
        Judge only so many configurations, drawn from the grid.
    halving : int, optional
        Judge all on a few groups first, and go on with one in so many on more of them.
    seed : int
        Of the folds and of all that is drawn.
    n_jobs : int
        Processes.
    command : str
        What made the report, to be printed in it.

    Returns
    -------
    dict
        ``rows`` (the table), ``front`` (ids), ``chosen`` (its row), ``test`` (figures), ``paper``
        (figures of the front's survivors), ``skipped``, ``written`` (paths).

    Raises
    ------
    SearchError
        If the data set lacks what ``test`` asks for.
    """
    if test not in TESTS:
        raise SearchError(f"test is {test!r}; allowed are {', '.join(TESTS)}")
    dataset = open_dataset(path, layout=layout, task=task, where=where)
    task = named_task(task)[0] if task else None
    options = {
        "grid": grid,
        "leave_out": leave_out,
        "window": window or None,
        "window_hop": window_hop or None,
        "draw": draw,
        "halving": halving,
        "seed": seed,
    }
    asked = [test, task, dict(limits or {}), paper_protocol, options]
    code = code_digest("datasets", *SEARCHED, "steps", libraries=LIBRARIES)
    key = digest(canonical_json(asked), dataset.fingerprint(), code)
    finished = _finished(out, key)
    if finished is not None:
        return finished
    shared: dict[str, Any] = {**options, "task": task, "n_jobs": n_jobs, "progress": progress}
    outer, parts = _held_out(dataset, test, task, seed)
    if paper_protocol and (outer or test == "none"):
        raise SearchError(f"the paper's protocol needs one test part; test={test!r} has not one")
    nested = nested_search(outer, out=out, limits=limits, **shared)
    tests = {fold.name: fold.report for fold in nested}
    development, held_out = parts
    outcome = conclude(
        search(development, out=out, **shared),
        held_out,
        out=out,
        nested=tests,
        limits=limits,
        paper_protocol=paper_protocol,
        command=command,
    )
    made = {what: file_digest(Path(path)) for what, path in outcome["written"].items()}
    write_json(out / OUTCOME, {"key": key, "files": made, "outcome": outcome})
    return outcome


def _held_out(
    dataset: Dataset, test: str, task: str | None, seed: int
) -> tuple[dict[str, tuple[Dataset, Dataset]], tuple[Dataset, Dataset | None]]:
    """The parts of each outer fold, if any, and the development and test part."""
    try:
        outer = outer_parts(dataset, test)
        parts = (dataset, None) if outer else single_part(dataset, test, task=task, seed=seed)
    except DatasetError as error:
        raise SearchError(str(error)) from error
    return outer, parts


def _finished(out: Path, key: str) -> dict[str, Any] | None:
    """The outcome of a run that is complete and was made from the same."""
    if not (out / OUTCOME).is_file():
        return None
    record = read_json(out / OUTCOME)
    if record.get("key") != key:
        return None
    files = {what: out / name for what, name in FILES.items()}
    same = all(path.is_file() for path in files.values()) and record["files"] == {
        what: file_digest(path) for what, path in files.items()
    }
    outcome: dict[str, Any] | None = record["outcome"] if same else None
    return outcome

"""Every verb that makes something is a step: all told, the same each time, awake to its inputs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import leaves
from mixed_sounds import write_sounds
from small_sets import clip, dataset
from sounds import folders_of_tones, table_of_tones

from ossicle.errors import DatasetError, EvaluationError, SearchError, TrainingError
from ossicle.evaluation.judging import place_of
from ossicle.selection import running
from ossicle.steps import (
    benchmark_bundle,
    cross_validate,
    describe_grid,
    describe_parts,
    import_dataset,
    open_dataset,
    search_dataset,
    select_classifier,
    split_dataset,
    tabulate_benchmarks,
    train_networks,
)
from ossicle.steps.kept import keep_dataset
from ossicle.steps.sources import dataset_digest
from ossicle.workflow.arguments import resolve
from ossicle.workflow.files import write_json
from ossicle.workflow.manifest import STEPS
from ossicle.workflow.pipeline import Pipeline
from ossicle.workflow.store import Artifact, Store

FRONT_END = {"name": "log_mel", "sample_rate": 8000, "n_fft": 256, "hop_length": 128, "n_mels": 8}
GRID = {"front_end": [FRONT_END], "integration": ["mean"], "model": ["knn"], "n_neighbors": [1, 3]}
NETWORK = {"name": "tc_net", "width": 4, "strides": [2]}

VERBS = {"data check": "check", "data convert": "convert", "data export": "export"} | {
    **{"data get": "get", "data mix": "mix", "data split": "split", "bench": "bench"},
    **{"evaluate": "evaluate", "features": "features", "level": "level", "predict": "predict"},
    **{"search": "search", "train": "train", "verify": "verify"},
}
NO_STEPS = {"completion", "data info", "demo", "doctor", "info", "listen"}
"""Verbs that look at something, never end, or are several steps at once."""
ABOUT_RUNS = {"run", "runs", "store", "workflow"}

OURS = {name: made for name, made in STEPS.items() if made.__module__.startswith("ossicle.steps.")}


@pytest.fixture(scope="module")
def made(tmp_path_factory, bundle) -> Path:
    """Data sets, and what some steps make of them."""
    root = tmp_path_factory.mktemp("made")
    folders_of_tones(root / "tones")
    table_of_tones(root / "rooms")
    write_sounds(root / "sounds")
    shutil.copyfile(bundle, root / "sounds.ossicle")
    describe_grid(root / "tones", out=root / "features", grid=GRID)
    cross_validate(root / "tones", out=root / "judged", grid=GRID, leave_out=0.2)
    split_dataset(root / "tones", out=root / "parts", fractions=(0.6, 0.2, 0.2), copy=True)
    describe_parts(root / "parts", out=root / "tensors", front_end=FRONT_END, window=0.5)
    write_json(root / "bench.json", benchmark_bundle(bundle, runs=1, warmup=0).to_dict())
    return root


CALLS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bench": lambda at: {"bundle": at / "sounds.ossicle", "runs": 1, "warmup": 0},
    "check": lambda at: {"path": at / "tones"},
    "convert": lambda at: {"path": at / "tones", "sample_rate": 16_000, "cut": 0.25},
    "cross-validate": lambda at: {
        **{"path": at / "tones", "features": at / "features", "grid": GRID, "leave_out": 0.2}
    },
    "describe": lambda at: {"path": at / "tones", "grid": GRID},
    "evaluate": lambda at: {"bundle": at / "sounds.ossicle", "path": at / "sounds/alarms"},
    "export": lambda at: {"path": at / "rooms", "to": "audiofolder"},
    "features": lambda at: {"path": at / "tones", "front_end": FRONT_END},
    "import": lambda at: {"path": at / "rooms/clips.csv", "part": "train", "test": "split"},
    "learn": lambda at: {
        **{"train": at / "tensors/train.h5", "validation": at / "tensors/validation.h5"},
        **{"network": NETWORK, "epochs": 1},
    },
    "level": lambda at: {"sounds": [at / "tones/high/high_0.wav"], "every": 0.25},
    "mix": lambda at: {
        **{"alarms": [at / "sounds/alarms"], "background": [at / "sounds/room"]},
        **{
            "significant": [at / "sounds/other"],
            "n": 12,
            "fractions": [0.5, 0.0, 0.5],
            "duration": 0.5,
            "sample_rate": 8_000,
        },
    },
    "predict": lambda at: {"bundle": at / "sounds.ossicle", "sounds": [at / "tones/high"]},
    "search": lambda at: {"path": at / "rooms/clips.csv", "grid": GRID, "leave_out": 0.25},
    "select": lambda at: {
        **{"path": at / "tones", "judged": at / "judged", "features": at / "features"},
        **{"test": at / "rooms/clips.csv", "limits": {"max_fpr": 0.9}},
    },
    "split": lambda at: {"path": at / "tones", "fractions": [0.6, 0.2, 0.2]},
    "table": lambda at: {"benchmarks": [at / "bench.json"], "names": ["small"]},
    "tensors": lambda at: {"path": at / "parts", "front_end": FRONT_END, "window": 0.5},
    "train": lambda at: {
        "data": [at / "tones"],
        "recipe": {
            **{"model": NETWORK, "front_end": FRONT_END, "test": {"how": "none"}},
            "training": {"epochs": 1, "window": 0.5, "validation": 0.3},
        },
    },
    "verify": lambda at: {"bundle": at / "sounds.ossicle"},
}
WITHOUT = {"get"}
"""Needs a network of the internet, or one that was got from there."""

LONG = ("bench", "learn", "search", "select", "train")
TRIED = [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in CALLS]


def test_every_verb_that_makes_something_has_a_step():
    verbs = {words for words in leaves() if words.split()[0] not in ABOUT_RUNS}
    assert set(VERBS) | NO_STEPS >= verbs
    assert set(VERBS.values()) <= OURS.keys()


def test_every_step_is_tried_here():
    assert OURS.keys() == CALLS.keys() | WITHOUT


@pytest.mark.parametrize("name", OURS)
def test_a_manifest_tells_everything(name):
    told = OURS[name].manifest()
    assert json.loads(json.dumps(told)) == told
    assert told["description"].endswith(".")
    assert told["inputs"]
    for parameter in {**told["inputs"], **told["parameters"]}.values():
        assert parameter["help"].endswith((".", "…"))
        assert parameter["type"] not in ("", "Any")
        assert parameter["required"] or "default" in parameter


def kept(name: str, arguments: dict[str, Any], store: Store) -> Artifact:
    pipeline = Pipeline("one")
    pipeline.add(STEPS[name], name, **arguments)
    return pipeline.run(store)[name]


@pytest.mark.parametrize("name", TRIED)
def test_a_step_makes_the_same_in_two_stores(made, tmp_path, name):
    first, second = (kept(name, CALLS[name](made), Store(tmp_path / each)) for each in "ab")
    assert first.key == second.key
    assert first.content == second.content
    files, times = first.manifest["files"], first.manifest["measured"]
    assert files.keys() == second.manifest["files"].keys()
    same = {file for file in files if files[file] == second.manifest["files"][file]}
    assert files.keys() - same <= set(times)
    assert not [
        file for file in files if str(tmp_path).encode() in (first.path / file).read_bytes()
    ]


def altered(path: Path) -> None:
    """Change one byte of the file, or of the first sound of the folder, or beside the table."""
    if path.suffix == ".csv":
        path = path.parent
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    file = next((each for each in files if each.suffix == ".wav"), files[0])
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def inputs_of(name: str, at: Path) -> dict[str, str]:
    return resolve(STEPS[name], CALLS[name](at), artifacts={}, steps={}).inputs


@pytest.mark.parametrize("name", CALLS)
def test_a_byte_of_any_input_changes_the_key_and_its_place_does_not(made, tmp_path, name):
    here, there = tmp_path / "here", tmp_path / "there"
    for copy in (here, there):
        shutil.copytree(made, copy)
    before = inputs_of(name, here)
    assert inputs_of(name, there) == before
    paths = {k: v for k, v in CALLS[name](here).items() if OURS[name].parameters[k].is_input}
    every = {k: v[0] if isinstance(v, list) else v for k, v in paths.items()}
    for parameter, path in every.items():
        altered(path)
        now = inputs_of(name, here)
        changed = {place.partition(".")[0] for place in now if now[place] != before[place]}
        inside = {k for k, v in every.items() if path in (v, *v.parents) or v in path.parents}
        assert parameter in changed <= inside | {k for k, v in every.items() if v == path}
        before = now


def test_a_sound_that_a_table_names_elsewhere_counts(tmp_path):
    root = folders_of_tones(tmp_path / "far", n_clips=2)
    table = tmp_path / "near" / "clips.csv"
    open_dataset(root).to_csv(table)
    for path in (table, table.parent):
        before = dataset_digest(path)
        altered(root)
        assert dataset_digest(path) != before


# --- data sets that stand for themselves ----------------------------------------------------------


def test_an_imported_data_set_is_its_source_and_outlives_it(tmp_path):
    table = table_of_tones(tmp_path / "rooms")
    for part in ("all", "train", "test"):
        import_dataset(table, out=tmp_path / part, part=part, test="split")
    source = open_dataset(table)
    train, validation, test = source.official_split()
    prints = [each.fingerprint() for each in (source, train + validation, test)]
    shutil.rmtree(table.parent)
    kept = [open_dataset(tmp_path / part) for part in ("all", "train", "test")]
    assert [each.fingerprint() for each in kept] == prints
    assert [each.name for each in kept] == ["clips"] * 3
    assert [each.skipped for each in kept] == [()] * 3


def test_a_task_of_numbers_is_kept_as_one(tmp_path):
    root = folders_of_tones(tmp_path / "in", n_clips=2)
    rows = [
        f"{path.relative_to(root)},{90 + n}" for n, path in enumerate(sorted(root.rglob("*.wav")))
    ]
    (root / "clips.csv").write_text("\n".join(["path,bpm", *rows]) + "\n")
    import_dataset(root / "clips.csv", out=tmp_path / "out", task="bpm:regression")
    assert open_dataset(tmp_path / "out").task().kind == "regression"


def test_a_part_that_nothing_holds_out_is_refused(tmp_path, tones):
    with pytest.raises(DatasetError, match="test='none' holds nothing out, so no part is test"):
        import_dataset(tones, out=tmp_path, part="test", test="none")


@pytest.mark.parametrize("flat", [False, True])
def test_sounds_of_an_imported_data_set_are_called_as_in_its_own_folder(tmp_path, flat):
    source = folders_of_tones(tmp_path / "in", n_clips=2)
    if flat:
        source = source / "low"
        (source / "clips.csv").write_text("path,label\nlow_0.wav,a\nlow_1.wav,b\n")
    import_dataset(source, out=tmp_path / "out")
    import_dataset(tmp_path / "out", out=tmp_path / "again")
    names = [place_of(clip) for clip in open_dataset(source)]
    for copy in ("out", "again"):
        assert [place_of(clip) for clip in open_dataset(tmp_path / copy)] == names


def test_every_help_stands_for_itself():
    for name, each in OURS.items():
        told = [parameter.help for parameter in each.parameters.values()]
        assert not [text for text in told if "As for" in text or "As of" in text], name
        twice = {text for text in told if told.count(text) > 1}
        assert twice <= {"Of each mix."}, name


def test_sounds_of_one_name_are_both_kept(tmp_path):
    for place in ("attic", "cellar"):
        folders_of_tones(tmp_path / place, n_clips=1)
    sounds = [tmp_path / place / "low/low_0.wav" for place in ("attic", "cellar")]
    both = dataset("both", *(clip(str(path), label="low") for path in sounds))
    placed = keep_dataset(both, tmp_path / "out")
    assert len({each.path for each in placed}) == 2
    assert open_dataset(tmp_path / "out").fingerprint() == both.fingerprint()


@pytest.mark.parametrize("official", [False, True])
def test_no_group_is_in_two_parts_and_official_ones_stay(tmp_path, official):
    table = table_of_tones(tmp_path / "rooms")
    counts = split_dataset(
        table, out=tmp_path / "out", fractions=(0.6, 0.2, 0.2), official=official, copy=True
    )
    assert sum(counts.values()) == 40
    dealt = open_dataset(tmp_path / "out")
    parts = {name: {each.group for each in dealt.where(split=name)} for name in counts}
    assert not parts["train"] & parts["test"] | parts["train"] & parts["validation"]
    assert not parts["validation"] & parts["test"]
    test = {each.group for each in open_dataset(table).where(split="test")}
    assert (parts["test"] == test) or not official


def test_official_parts_without_a_validation_part_give_some_groups_to_it(tmp_path):
    table = table_of_tones(tmp_path / "rooms")
    table.write_text(table.read_text().replace(",validation\n", ",train\n"))
    counts = split_dataset(table, out=tmp_path / "out", official=True)
    assert counts["test"] == 8
    assert 0 < counts["validation"] < counts["train"]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_table_takes_what_bench_made_and_the_file_in_it_alike(made, tmp_path):
    artifact = kept("bench", CALLS["bench"](made), Store(tmp_path))
    file = artifact.path / "benchmark.json"
    assert tabulate_benchmarks([artifact.path]) == tabulate_benchmarks([file])


def test_a_table_of_other_files_or_names_is_refused(made, tmp_path):
    write_json(tmp_path / "other.json", {"schema": "other"})
    with pytest.raises(EvaluationError, match=r"other\.json is no benchmark; give what"):
        tabulate_benchmarks([tmp_path / "other.json"])
    with pytest.raises(EvaluationError, match="2 names for 1 benchmarks"):
        tabulate_benchmarks([made / "bench.json"], names=["a", "b"])


def test_a_recipe_of_other_data_is_refused(tmp_path, tones):
    with pytest.raises(TrainingError, match="speaks of 2 data sets and 1 are given"):
        train_networks([tones], out=tmp_path, recipe={"data": [{}, {}]})


@pytest.mark.slow
def test_a_training_takes_an_imported_data_set_under_its_own_name(tmp_path, tones):
    import_dataset(tones, out=tmp_path / "3f9a")
    recipe = CALLS["train"](tones.parent)["recipe"]
    outcome = train_networks([tmp_path / "3f9a"], out=tmp_path / "out", recipe=recipe)
    assert list(outcome["runs"]) == ["tones/all"]
    assert outcome["skipped"] == []


def test_a_cross_validation_that_fails_half_way_goes_on(tmp_path, tones, monkeypatch):
    done: list[object] = []

    def failing(job, run=running.run_job):
        done.append(job)
        if len(done) == 3:
            raise SearchError("the lights went out")
        return run(job)

    monkeypatch.setattr(running, "run_job", failing)
    arguments = {"path": tones, "grid": GRID, "leave_out": 0.2}
    with pytest.raises(SearchError, match="the lights went out"):
        kept("cross-validate", arguments, Store(tmp_path / "a"))
    made = kept("cross-validate", arguments, Store(tmp_path / "a"))
    assert len(done) == 1 + sum(name.endswith("cell.json") for name in made.manifest["files"])
    assert made.content == kept("cross-validate", arguments, Store(tmp_path / "b")).content


@pytest.mark.slow
def test_a_regression_goes_through_the_three_steps_as_through_the_search(tmp_path):
    root = folders_of_tones(tmp_path / "in", n_clips=8)
    sounds = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.wav"))
    lines = [f"{name},{90 + 5 * n}" for n, name in enumerate(sounds)]
    (root / "clips.csv").write_text("\n".join(["path,bpm", *lines]) + "\n")
    grid = {"front_end": [FRONT_END], "integration": ["mean"], "model": ["ridge"]}
    asked = {"grid": grid, "leave_out": 0.25, "task": "bpm:regression"}
    outcome = search_dataset(root / "clips.csv", out=tmp_path / "run", test="holdout", **asked)
    for part in ("train", "test"):
        import_dataset(
            root / "clips.csv",
            out=tmp_path / part,
            part=part,
            test="holdout",
            task="bpm:regression",
        )
        describe_grid(tmp_path / part, out=tmp_path / f"{part}-features", grid=grid)
    cross_validate(tmp_path / "train", tmp_path / "train-features", out=tmp_path / "cv", **asked)
    again = select_classifier(
        tmp_path / "train",
        tmp_path / "cv",
        tmp_path / "test",
        out=tmp_path / "selected",
        test_features=tmp_path / "test-features",
        paper_protocol=False,
    )
    assert again["test"] == outcome["test"]
    fronts = [(tmp_path / name / "front.csv").read_bytes() for name in ("run", "cv", "selected")]
    assert fronts[0] == fronts[1] == fronts[2]

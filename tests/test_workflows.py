"""The workflow files that are shipped: what they make, and that nothing is made twice."""

import csv
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import printed
from mixed_sounds import mixed, write_sounds
from sounds import PITCHES, RATE, tone_in_noise

import ossicle
from ossicle import search
from ossicle.audio import read_audio, write_audio
from ossicle.datasets import read_dataset, read_tensor
from ossicle.datasets.dataset import SPLITS
from ossicle.errors import FeatureError
from ossicle.steps import open_dataset, search_dataset
from ossicle.steps.tensors import KEYWORD_FRONT_END
from ossicle.workflow.flow import read_flow
from ossicle.workflow.pipeline import Event, Results
from ossicle.workflow.store import Store

ROOT = Path(__file__).resolve().parents[1]
README, WORKFLOWS = ROOT / "README.md", ROOT / "workflows"
ALARM, KEYWORDS = WORKFLOWS / "alarm.toml", WORKFLOWS / "keywords.toml"


def run(file: Path, store: Path, **parameters: Any) -> tuple[Results, set[str]]:
    """What every step made, and which were not kept already."""
    done: set[str] = set()

    def note(event: Event) -> None:
        if event.state == "completed":
            done.add(event.node)

    return read_flow(file, parameters).pipeline.run(Store(store), on_event=note), done


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_parameter_of_a_workflow_says_what_it_is(file):
    words = tomllib.loads(file.read_text())
    assert words["name"] == file.stem
    assert words["description"]
    assert all(said.get("help") for said in words["parameters"].values())
    assert f"ossicle run workflows/{file.name} " in file.read_text()


# --- an alarm detector, chosen among twelve -------------------------------------------------------


def grid() -> dict[str, Any]:
    """That of the file."""
    words = tomllib.loads(ALARM.read_text())
    said = {
        name: each["default"] for name, each in words["parameters"].items() if "default" in each
    }
    judged = words["steps"]["judged"]["grid"]
    return {
        key: said[value[2:-1]] if isinstance(value, str) else value for key, value in judged.items()
    }


@pytest.fixture(scope="module")
def mixes(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("mixes")
    mixed(write_sounds(root / "sounds"), root / "mixed", n=60)
    return root / "mixed"


@pytest.fixture(scope="module")
def searched(mixes, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The folder and the outcome of the same search in one piece."""
    out = tmp_path_factory.mktemp("searched")
    return out, search_dataset(mixes, out=out, grid=grid(), paper_protocol=True)


@pytest.fixture(scope="module")
def alarm(mixes, tmp_path_factory) -> tuple[Path, Results]:
    store = tmp_path_factory.mktemp("alarm")
    results, done = run(ALARM, store, data=str(mixes))
    assert done == {"train", "train_features", "test", "test_features", "judged", "selected"}
    return store, results


def test_the_alarm_workflow_gives_the_front_of_the_search_byte_for_byte(searched, alarm):
    _, results = alarm
    front = (searched[0] / "front.csv").read_bytes()
    assert (results["judged"].path / "front.csv").read_bytes() == front
    assert (results["selected"].path / "front.csv").read_bytes() == front
    assert len(rows(results["judged"].path / "table.csv")) == 12


def test_the_picture_of_a_front_tells_its_configurations_apart(mixes, tmp_path):
    result = search(open_dataset(mixes).where(split="train"), grid=grid(), out=tmp_path)
    aside = result.plot().axes[-1]
    said = [text.get_text().replace("\n", " ") for text in aside.texts]
    names = [text for text in said if text.startswith("logreg")]
    assert len(set(names)) == len(names) > 0
    assert all(re.search(r"logreg C=\S+ · \w+ · short_term n_fft=\d+ hop_", each) for each in names)


def test_the_alarm_workflow_gives_the_classifier_and_figures_of_the_search(searched, alarm):
    folder, outcome = searched
    selected = alarm[1]["selected"].path
    assert (selected / "best.ossicle").read_bytes() == (folder / "best.ossicle").read_bytes()
    assert json.loads((selected / "test.json").read_text()) == outcome["test"]
    assert json.loads((selected / "paper.json").read_text()) == outcome["paper"]


def test_the_two_branches_know_nothing_of_each_other(alarm):
    _, results = alarm
    train, test = (open_dataset(results[part].path) for part in ("train", "test"))
    assert {clip.split for clip in train} == {"train", "validation"}
    assert {clip.split for clip in test} == {"test"}
    flow = read_flow(ALARM, {"data": "recordings"})
    needs = {node.name: set(node.needs) for node in flow.pipeline.nodes}
    assert needs["train_features"] == {"train"}
    assert needs["judged"] == {"train", "train_features"}
    assert needs["test_features"] == {"test"}


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({}, set()),
        ({"costs": [1]}, {"judged", "selected"}),
        ({"max_fpr": 0.5}, {"selected"}),
    ],
)
def test_a_word_changed_does_only_what_depends_on_it(mixes, alarm, changed, done):
    assert run(ALARM, alarm[0], data=str(mixes), **changed)[1] == done


def test_features_made_anew_to_the_same_bytes_leave_all_after_them_kept(mixes, alarm, tmp_path):
    """Asked for in other words, which the features do not depend on."""
    asked = 'grid = { front_end = "${front_ends}" }'
    other = asked.replace(" }", ', integration = ["mean"] }')
    (tmp_path / "alarm.toml").write_text(ALARM.read_text().replace(asked, other))
    _, done = run(tmp_path / "alarm.toml", alarm[0], data=str(mixes))
    assert done == {"train_features", "test_features"}


@pytest.mark.slow
def test_the_alarm_workflow_and_the_search_agree_on_the_command_line(mixes, tmp_path):
    words = tmp_path / "grid.json"
    words.write_text(json.dumps(grid()))
    printed("search", mixes, "--grid", words, "--out", tmp_path / "run")
    store = ("--store", tmp_path / "store")
    printed("run", ALARM, "--set", f"data={mixes}", *store, "--out", tmp_path / "out")
    front = (tmp_path / "run" / "front.csv").read_bytes()
    assert (tmp_path / "out" / "front.csv").read_bytes() == front
    classifier = (tmp_path / "run" / "best.ossicle").read_bytes()
    assert (tmp_path / "out" / "classifier.ossicle").read_bytes() == classifier


@pytest.mark.slow
def test_clips_of_unequal_length_are_cut_into_blocks_as_by_the_search(tmp_path):
    root = unequal(tmp_path / "recordings")
    with pytest.raises(FeatureError, match=r"integration 'stack' .* \(window: seconds\)"):
        run(ALARM, tmp_path / "store", data=str(root))
    windows = {"window": 1.0, "window_hop": 0.5}
    results, _ = run(ALARM, tmp_path / "store", data=str(root), **windows)
    outcome = search_dataset(
        root, out=tmp_path / "run", grid=grid(), paper_protocol=True, **windows
    )
    for file, made in {"front.csv": "judged", "best.ossicle": "selected"}.items():
        assert (results[made].path / file).read_bytes() == (tmp_path / "run" / file).read_bytes()
    assert json.loads((results["selected"].path / "test.json").read_text()) == outcome["test"]


def unequal(root: Path) -> Path:
    """Recordings of one second and of two, eleven of each of two sounds."""
    for number in range(22):
        samples = tone_in_noise(
            [400.0, 2000.0][number % 2], seed=number, duration=1.0 + number // 2 % 2
        )
        write_audio(root / ("low", "high")[number % 2] / f"{number}.wav", samples, RATE)
    return root


@pytest.mark.slow
def test_a_page_of_a_workflow_names_mistakes_as_the_search_and_says_how_it_was_made(
    searched, alarm
):
    """But for the measured times and the command, the two pages are one."""
    pages = [
        (folder / "report.html").read_text(encoding="utf-8")
        for folder in (searched[0], alarm[1]["selected"].path)
    ]
    mistakes = [page.partition("<h2>Mistakes")[2].partition("<h2>")[0] for page in pages]
    assert mistakes[0] == mistakes[1] != ""
    assert ".flac" in mistakes[1] or ".wav" in mistakes[1]
    assert "sounds/" not in mistakes[1]
    assert "or by a step of a workflow." in pages[1]
    assert "clips judged that took part in training" in pages[1]


# --- a table of models ---------------------------------------------------------------------------


@pytest.mark.slow
def test_the_comparison_of_the_readme_gives_a_row_a_model(mixes, tmp_path):
    (block,) = re.findall(r"```toml\n(# compare\.toml\n.*?)```", README.read_text(), re.S)
    file = tmp_path / "compare.toml"
    file.write_text(block.replace("window = 4.0", "window = 0.5"))
    results, _ = run(file, tmp_path / "store", data=str(mixes))
    table = rows(results["compared"].path / "result.csv")
    assert [row["name"] for row in table] == ["logreg", "knn"]
    n_test = len(open_dataset(mixes, where={"split": "test"}))
    assert [int(row["n"]) for row in table] == [n_test] * 2


# --- spoken words ---------------------------------------------------------------------------------


def spoken(root: Path, n_speakers: int = 10) -> Path:
    """As Speech Commands is published: folders of words, a file a speaker, with official lists."""
    for number, word in enumerate(PITCHES):
        for speaker in range(n_speakers):
            samples = tone_in_noise(PITCHES[word], seed=100 * number + speaker, duration=1.0)
            write_audio(root / word / f"{speaker:08x}_nohash_0.wav", samples, RATE)
    lists = {"validation": range(2), "testing": range(2, 4)}
    for name, speakers in lists.items():
        lines = [f"{word}/{speaker:08x}_nohash_0.wav" for word in PITCHES for speaker in speakers]
        (root / f"{name}_list.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    return spoken(tmp_path_factory.mktemp("spoken") / "words")


@pytest.fixture(scope="module")
def keywords(words, tmp_path_factory) -> Results:
    nets = {"nets": ["tc_net", "dnn"], "epochs": 2, "batch_size": 8}
    return run(KEYWORDS, tmp_path_factory.mktemp("keywords"), data=str(words), **nets)[0]


@pytest.mark.slow
def test_no_speaker_is_in_two_parts_and_the_official_lists_are_kept(words, keywords):
    parts = open_dataset(keywords["parts"].path)
    speakers = {name: {c.group for c in parts.where(split=name)} for name in SPLITS}
    assert not speakers["train"] & (speakers["validation"] | speakers["test"])
    assert not speakers["validation"] & speakers["test"]
    official = {clip.id: clip.split for clip in read_dataset(words)}
    assert {clip.id: clip.split for clip in parts} == official


@pytest.mark.slow
def test_a_tensor_holds_what_the_front_end_makes_of_each_clip_and_says_so(keywords):
    tensor = read_tensor(keywords["tensors"].path / "test.h5")
    assert tensor.input.shape == (6, 1, 40, 44)
    front_end = ossicle.front_end(tensor.made_by["front_end"])
    assert front_end == ossicle.front_end(dict(KEYWORD_FRONT_END))
    test = open_dataset(keywords["parts"].path).where(split="test")
    assert tensor.sample_names == tuple(clip.id for clip in test)
    assert [tensor.class_names[index] for index in tensor.output] == test.labels().tolist()
    for matrix, each in zip(tensor.input[:, 0], test, strict=True):
        samples, _ = read_audio(each.path, sample_rate=front_end.sample_rate)
        np.testing.assert_allclose(matrix.T, front_end(samples), atol=1e-3)


@pytest.mark.slow
def test_every_network_is_judged_as_it_ships_and_put_into_one_table(keywords):
    table = rows(keywords["compared"].path / "result.csv")
    assert [row["name"] for row in table] == ["tc_net", "dnn"]
    for row in table:
        node = f"measured[net={row['name']}]"
        told = json.loads((keywords[node].path / "benchmark.json").read_text())
        bundle = keywords[f"learnt[net={row['name']}]"].path / "best.ossicle"
        assert told["model"]["bytes"] == bundle.stat().st_size == int(row["bytes"])
        assert told["data"]["n"] == int(row["n"]) == 6
        assert float(row["low"]) <= float(row["accuracy"]) <= float(row["high"])
        assert float(row["latency_ms"]) == told["latency_ms"]["p50"] > 0
        assert int(row["macs"]) == told["macs"] > 0
        assert int(row["parameters"]) > 0


@pytest.mark.data
@pytest.mark.slow
def test_the_keywords_workflow_runs_on_speech_commands(recordings, tmp_path):
    data = recordings / "speech_commands"
    results, _ = run(KEYWORDS, tmp_path, data=str(data), nets=["tc_net"], epochs=3)
    (row,) = rows(results["compared"].path / "result.csv")
    assert float(row["low"]) > 2 / 12  # it has learnt something of twelve words
    parts = open_dataset(results["parts"].path)
    groups = [{c.group for c in parts.where(split=name)} - {""} for name in ("train", "test")]
    assert not groups[0] & groups[1]

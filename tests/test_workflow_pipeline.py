"""Steps give to each other, and only what depends on a change is done again."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import small_steps as small
from pipelines import completed, done

from ossicle.errors import WorkflowError
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.pipeline import Condition, NodeOptions, Output, Pipeline
from ossicle.workflow.store import Store


def of_words(file: Path, *, least: int = 1, title: str = "Sounds") -> Pipeline:
    """words ─┬─ counts ── page ── letters
    └─ longest
    """
    pipeline = Pipeline("words")
    words = pipeline.add(small.words, "words", file=file)
    counts = pipeline.add(small.counts, "counts", words=words, least=least)
    pipeline.add(small.longest, "longest", words=words)
    page = pipeline.add(small.page, "page", counts=counts, title=title)
    pipeline.add(small.letters, "letters", pages=[page["page"], file], first=page["page"])
    return pipeline


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("dog siren dog bell")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize("cluster", [None, LocalCluster(2)], ids=["here", "apart"])
def test_what_a_step_makes_is_given_to_the_next(
    file: Path, store: Store, cluster: LocalCluster | None
) -> None:
    results = of_words(file).run(store, cluster=cluster)
    assert results.value("counts") == {"bell": 1, "dog": 2, "siren": 1}
    assert results.value("longest") == "siren"
    assert results.value("page") == {"n_words": 3, "written": "page.txt"}
    assert results.value("letters") == 2 * len("Sounds: 3 words\n") + len("dog siren dog bell")


def test_here_and_apart_make_the_same_artifacts(file: Path, tmp_path: Path) -> None:
    here = of_words(file).run(Store(tmp_path / "here"))
    apart = of_words(file).run(Store(tmp_path / "apart"), cluster=LocalCluster(2))
    for node in of_words(file).nodes:
        assert here[node.name].key == apart[node.name].key
        assert here[node.name].content == apart[node.name].content


def test_only_named_outputs_are_kept(file: Path, store: Store) -> None:
    artifact = of_words(file).run(store)["page"]
    assert set(artifact.manifest["files"]) == {"page.txt", "result.json", "tables/counts.json"}


def test_nothing_is_done_twice(file: Path, store: Store) -> None:
    assert len(completed(of_words(file), store)) == 5
    assert completed(of_words(file), store) == set()
    assert completed(of_words(file), store, cluster=LocalCluster(2)) == set()


def test_a_changed_parameter_redoes_exactly_what_depends_on_it(file: Path, store: Store) -> None:
    completed(of_words(file), store)
    assert completed(of_words(file, title="Words"), store) == {"page", "letters"}
    assert completed(of_words(file, least=2), store) == {"counts", "page", "letters"}
    assert completed(of_words(file), store) == set()


def test_a_default_said_aloud_is_no_change(store: Store) -> None:
    silent, aloud = Pipeline(), Pipeline()
    silent.add(small.add, "sum", left=1.0)
    aloud.add(small.add, "sum", left=1.0, right=0.0)
    assert completed(silent, store) == {"sum"}
    assert completed(aloud, store) == set()


def test_a_changed_byte_under_the_same_name_redoes_exactly_what_depends_on_it(
    file: Path, store: Store
) -> None:
    completed(of_words(file), store)
    status = file.stat()
    file.write_text("dog siren dog belt")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert completed(of_words(file), store) == {"words", "counts", "page", "letters", "longest"}


def test_a_result_that_is_the_same_again_goes_no_further(file: Path, store: Store) -> None:
    completed(of_words(file), store)
    file.write_text("dog  siren  dog  bell")
    assert completed(of_words(file), store) == {"words", "letters"}


def test_a_moved_input_is_no_change(file: Path, store: Store, tmp_path: Path) -> None:
    completed(of_words(file), store)
    moved = file.rename(tmp_path / "moved.txt")
    assert completed(of_words(moved), store) == set()


PROGRAM = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    import sound_steps
    from ossicle.workflow.pipeline import Pipeline
    from ossicle.workflow.store import Store
    pipeline = Pipeline()
    a = pipeline.add(sound_steps.first, "first", n=3)
    b = pipeline.add(sound_steps.second, "second", n=a)
    pipeline.add(sound_steps.third, "third", n=b)
    def note(event):
        if event.state == "completed":
            print(event.node)
    pipeline.run(Store(Path(sys.argv[2])), on_event=note)
"""
STEPS = {
    "sound_steps/__init__.py": """
        from sound_steps.one import first
        from sound_steps.two import second, third
    """,
    "sound_steps/one.py": """
        from ossicle.workflow.manifest import step

        @step
        def first(n: int) -> int:
            return n
    """,
    "sound_steps/two.py": """
        from ossicle.workflow.manifest import step

        @step
        def second(n: int) -> int:
            from sound_steps import helping
            return helping.more(n)

        @step
        def third(n: int) -> int:
            return 2 * n
    """,
    "sound_steps/helping.py": """
        def more(n):
            return n + 1
    """,
    "sound_steps/beside.py": "OTHER = 1",
}


def test_a_changed_helper_redoes_the_steps_that_use_it_and_no_others(tmp_path: Path) -> None:
    package = tmp_path / "code"
    for name, text in STEPS.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(textwrap.dedent(text))

    def rerun() -> list[str]:
        command = [sys.executable, "-B", "-c", textwrap.dedent(PROGRAM)]
        made = subprocess.run(
            [*command, package, tmp_path / "store"], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.split()

    assert rerun() == ["first", "second", "third"]
    assert rerun() == []
    (package / "sound_steps/helping.py").write_text("def more(n):\n    return n + 2\n")
    assert rerun() == ["second", "third"]
    (package / "sound_steps/beside.py").write_text("OTHER = 2\n")
    assert rerun() == []


def test_arrays_tables_and_lists_travel(store: Store) -> None:
    pipeline = Pipeline()
    ramp = pipeline.add(small.ramp, n=4)
    arrays = pipeline.add(small.arrays, values=ramp)
    pipeline.add(small.table, "table", arrays=arrays)
    sums = [pipeline.add(small.add, f"sum {n}", left=n) for n in (1, 2)]
    pipeline.add(small.total, "total", values=sums)
    results = pipeline.run(store)
    assert results.value("small ramp").tolist() == [0, 1, 2, 3]
    assert results.value("table") == [{"name": "once", "sum": 6.0}, {"name": "twice", "sum": 12.0}]
    assert results.value("total") == 3
    assert results["small arrays"].path.joinpath("result.h5").is_file()


def test_a_key_of_a_result_counts_by_its_value(file: Path, store: Store) -> None:
    def with_sum(title: str) -> Pipeline:
        pipeline = of_words(file, title=title)
        pipeline.add(small.add, "sum", left=Output("page", "n_words"))
        return pipeline

    results = with_sum("Sounds").run(store)
    assert results.value("sum") == 3
    assert "sum" not in completed(with_sum("Other words"), store)


def test_a_condition_skips_a_node_and_all_that_need_it(file: Path, store: Store) -> None:
    def conditional(least: int) -> Pipeline:
        pipeline = of_words(file)
        when = NodeOptions(when=Condition(Output("page", "n_words"), ">=", least))
        extra = pipeline.add(small.add, "extra", left=1.0, options=when)
        pipeline.add(small.add, "after", left=extra)
        return pipeline

    results, ends = done(conditional(4), store)
    assert (ends["extra"], ends["after"], ends["page"]) == ("skipped", "skipped", "completed")
    with pytest.raises(WorkflowError, match="after was skipped and made nothing"):
        results.value("after")
    assert done(conditional(3), store)[1]["after"] == "completed"


def test_a_condition_that_cannot_be_told_is_named(store: Store) -> None:
    pipeline = Pipeline()
    text = pipeline.add(small.noise, "text", seed=1)
    when = NodeOptions(when=Condition(text, ">", 3))
    pipeline.add(small.add, "sum", left=1.0, options=when)
    with pytest.raises(WorkflowError, match=r"sum: \$\{text\} > 3 cannot be told"):
        pipeline.run(store)


def test_a_node_done_again_with_another_result_is_flagged(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.noise, "noise", seed=1)
    pipeline.add(small.add, "sum", left=1.0)
    first = pipeline.run(store)["noise"]
    results, ends = done(pipeline, store, again=["noise", "sum"])
    assert ends == {"noise": "completed", "sum": "completed"}
    assert results["noise"].content == first.content
    assert set(store.flags()) == {first.key}


def test_what_depends_is_known() -> None:
    pipeline = of_words(Path("words.txt"))
    assert pipeline.below(["counts"]) == {"counts", "page", "letters"}
    with pytest.raises(WorkflowError, match="no node 'count'; did you mean 'counts'"):
        pipeline.below(["count"])


def test_progress_prints_and_processes_are_seen_to(store: Store, tmp_path: Path) -> None:
    pipeline, events = Pipeline(), []
    pipeline.add(small.chatter, "talk", n=3)
    (tmp_path / "logs").mkdir()
    results = pipeline.run(
        store, cluster=LocalCluster(2), on_event=events.append, logs=tmp_path / "logs"
    )
    assert results.value("talk") == 2
    assert ("talk", 3, 3) in [event.progress for event in events]
    assert (tmp_path / "logs" / "talk.txt").read_text() == "chatter prints\n"
    assert (results["talk"].path / "log.txt").read_text() == "chatter prints\n"


# --- what cannot be put together ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"word": ["a"]}, "no parameter 'word'; did you mean 'words'"),
        ({}, "lacks words"),
        ({"words": 3}, "words is 3"),
        ({"words": Output("missing")}, "no node 'missing' before it"),
        ({"words": Output("first", "table")}, "second: step small longest makes no 'table'"),
    ],
)
def test_a_node_that_cannot_be_done_is_refused_when_it_is_added(
    arguments: dict[str, Any], message: str
) -> None:
    pipeline = Pipeline()
    pipeline.add(small.longest, "first", words=["a"])
    with pytest.raises(WorkflowError, match=message):
        pipeline.add(small.counts, "second", **arguments)
    assert [node.name for node in pipeline.nodes] == ["first"]


def test_two_nodes_of_one_name_and_plain_functions_are_refused() -> None:
    pipeline = Pipeline()
    pipeline.add(small.longest, words=["a"])
    with pytest.raises(WorkflowError, match="two nodes are called 'small longest'"):
        pipeline.add(small.longest, words=["a"])
    with pytest.raises(WorkflowError, match="is no step; decorate it"):
        pipeline.add(len, words=["a"])  # type: ignore[arg-type]


def test_a_missing_input_is_named_with_its_node(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"words: cannot read .*absent\.txt"):
        of_words(tmp_path / "absent.txt").run(store)


def test_a_label_that_the_machine_lacks_is_refused_at_once(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.add, "sum", left=1.0, options=NodeOptions(where={"house": 7}))
    with pytest.raises(
        WorkflowError, match="sum: no worker has house = 7; this machine has no labels"
    ):
        pipeline.run(store)
    there = LocalCluster(1, labels={"house": 7})
    assert pipeline.run(store, cluster=there).value("sum") == 1.0


def test_an_output_that_is_a_folder_counts_by_what_is_in_it(file: Path, store: Store) -> None:
    pipeline = of_words(file)
    tables = Output("page", "tables")
    pipeline.add(small.files_below, "below", folder=tables)
    assert pipeline.run(store).value("below") == ["counts.json"]
    longer = of_words(file, title="Words")
    longer.add(small.files_below, "below", folder=tables)
    assert "below" not in completed(longer, store)


def test_each_artifact_knows_what_its_inputs_came_from(file: Path, store: Store) -> None:
    results = of_words(file).run(store)
    noted = results["page"].manifest["provenance"]
    assert noted == {
        "node": "page",
        "pipeline": "words",
        "from": {"counts": results["counts"].key},
    }


def test_a_module_that_is_loaded_again_is_another_version(tmp_path: Path, store: Store) -> None:
    import importlib

    sys.path.insert(0, str(tmp_path))
    text = "from ossicle.workflow import step\n@step\ndef reloaded() -> int:\n    return {}\n"
    try:
        (tmp_path / "steps_reloaded.py").write_text(text.format(1))
        module = importlib.import_module("steps_reloaded")
        for value in (1, 22):
            (tmp_path / "steps_reloaded.py").write_text(text.format(value))
            module = importlib.reload(module)
            pipeline = Pipeline()
            pipeline.add(module.reloaded, "value")
            assert pipeline.run(store).value("value") == value
    finally:
        sys.path.remove(str(tmp_path))


def test_code_that_was_changed_while_a_run_went_on_is_not_kept_under_the_old_name(
    tmp_path: Path, store: Store
) -> None:
    import importlib

    sys.path.insert(0, str(tmp_path))
    text = "from ossicle.workflow import step\n@step\ndef changing() -> int:\n    return {}\n"
    path = tmp_path / "steps_changing.py"
    try:
        path.write_text(text.format(1))
        module = importlib.import_module("steps_changing")
        assert len(module.changing.version["code"]) == 32
        path.write_text(text.format(22))
        pipeline = Pipeline()
        pipeline.add(module.changing, "value")
        with pytest.raises(WorkflowError, match="value: the code of step changing changed after"):
            pipeline.run(store, cluster=LocalCluster(1))
    finally:
        sys.path.remove(str(tmp_path))

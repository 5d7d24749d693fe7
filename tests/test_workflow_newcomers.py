"""What people do at first: it works, or what is said tells them how."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import small_steps as small
from pipelines import done

from ossicle import workflow
from ossicle.errors import WorkflowError
from ossicle.workflow import LocalCluster, NodeOptions, Pipeline, Store, step
from ossicle.workflow.hints import as_typed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_step_that_writes_none_of_its_outputs_fails(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.forget, "forgetting", title="x")
    with pytest.raises(WorkflowError, match=r"it wrote none of its outputs into out: page\.txt"):
        pipeline.run(store)


@pytest.mark.parametrize("outputs", ["page.txt", {"page": "../x"}, {"page": "/x"}, {"": "x"}])
def test_outputs_that_are_none_are_refused_where_they_are_written(outputs: Any) -> None:
    with pytest.raises(WorkflowError, match="files below out by name are allowed"):
        step(name="newcomer", outputs=outputs)(len)


def test_a_path_is_no_result() -> None:
    with pytest.raises(WorkflowError, match="returns a path, which is not kept; let it write"):
        Pipeline().add(small.path_of, "path", name="x")


def test_the_same_step_twice_is_told_how_to_be_named() -> None:
    pipeline = Pipeline()
    pipeline.add(small.add, left=1.0)
    with pytest.raises(WorkflowError, match=r"name one: add\(step, 'another name', \.\.\.\)"):
        pipeline.add(small.add, left=2.0)
    with pytest.raises(WorkflowError, match=r"the node's name: add\(step, 'name', parameter"):
        pipeline.add(small.add, name="second", left=2.0)
    with pytest.raises(WorkflowError, match="the node's name"):
        pipeline.add(small.words, Path("words.txt"))  # type: ignore[arg-type]


def test_a_whole_number_for_a_decimal_one_is_the_same(store: Store) -> None:
    for values in ([1, 2], [1.0, 2.0]):
        pipeline = Pipeline()
        pipeline.add(small.total, "total", values=values)
        pipeline.add(small.add, "sum", left=values[0])
        ends = done(pipeline, store)[1]
    assert set(ends.values()) == {"kept"}


def test_words_and_whole_numbers_stay_what_they_are() -> None:
    assert as_typed("1", float) == "1"
    assert as_typed(True, float) is True
    assert isinstance(as_typed(1, int | float), int)


def test_a_store_is_named_by_its_path_too_but_not_by_the_folder_around_it(tmp_path: Path) -> None:
    pipeline = Pipeline()
    pipeline.add(small.add, "sum", left=1.0)
    results = pipeline.run(tmp_path / ".ossicle" / "store")
    assert list(results) == ["sum"]
    assert len(results) == 1
    with pytest.raises(WorkflowError, match=r"is no store but holds one; name .*store$"):
        pipeline.run(tmp_path / ".ossicle")


def test_what_another_made_meanwhile_is_kept_and_not_completed(store: Store) -> None:
    def run(states: list[str]) -> None:
        pipeline = Pipeline()
        pipeline.add(small.add, "sum", left=1.0, pause=1.5)
        states.append(done(pipeline, store, cluster=LocalCluster(1))[1]["sum"])

    states: list[str] = []
    both = [threading.Thread(target=run, args=(states,)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(states) == ["completed", "kept"]


def test_a_deadline_counts_no_time_spent_waiting_for_another(store: Store) -> None:
    def run(states: list[str], deadline: float | None) -> None:
        pipeline = Pipeline()
        options = NodeOptions(deadline=deadline)
        pipeline.add(small.add, "sum", left=1.0, pause=3.0, options=options)
        states.append(done(pipeline, store, cluster=LocalCluster(1))[1]["sum"])

    states: list[str] = []
    first = threading.Thread(target=run, args=(states, None))
    first.start()
    claims = Path(store.root) / ".unfinished"
    while not list(claims.glob("*.claim")):
        time.sleep(0.01)
    run(states, 2.0)
    first.join()
    assert sorted(states) == ["completed", "kept"]


def test_other_bytes_of_the_same_recipe_are_told(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.noise, "noise", seed=1)
    pipeline.run(store)
    details: list[str] = []
    pipeline.run(store, again=["noise"], on_event=lambda event: details.append(event.detail))
    assert "other bytes than before; the first stay" in details


def test_an_attempt_after_a_deadline_is_an_attempt(store: Store, tmp_path: Path) -> None:
    note = tmp_path / "tries"
    pipeline = Pipeline()
    options = NodeOptions(retries=3, deadline=1.0)
    for n in range(2):
        pipeline.add(small.count_tries, f"slow {n}", note=f"{note}-{n}", options=options)
    with pytest.raises(WorkflowError, match=r"slow \d: it took longer than 1\.0 s"):
        pipeline.run(store, cluster=LocalCluster(2))
    for n in range(2):
        assert Path(f"{note}-{n}").read_text() == "x" * 4


def test_a_plan_compares_with_the_nearest_that_was_made(store: Store) -> None:
    def of(left: float, right: float) -> Pipeline:
        pipeline = Pipeline()
        pipeline.add(small.add, "sum", left=left, right=right)
        return pipeline

    assert of(1.0, 1.0).plan(store)[0].why == "new"
    of(1.0, 1.0).run(store)
    of(2.0, 3.0).run(store)
    assert of(1.0, 4.0).plan(store)[0].why == "changed: parameter right"
    assert of(5.0, 3.0).plan(store)[0].why == "changed: parameter left"


def test_every_public_name_is_seen_by_who_looks_for_it() -> None:
    assert set(workflow.__all__) <= set(dir(workflow))
    for name in workflow.__all__:
        assert getattr(workflow, name) is not None

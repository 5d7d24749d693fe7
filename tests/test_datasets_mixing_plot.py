"""The picture of mixes: everything drawn is what the tables say, and it can be read."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixed_sounds import mixed, write_sounds

from ossicle.datasets import Dataset, mixed_events
from ossicle.errors import EvaluationError
from ossicle.evaluation.plots import plot_mix, png_bytes

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    sounds = write_sounds(tmp_path_factory.mktemp("sounds"))
    out = tmp_path_factory.mktemp("mixed") / "home"
    return mixed(sounds, out, n=60, events=(1, 3), overlap=False, snr=(-5.0, 0.0, 5.0, 10.0))


@pytest.fixture(scope="module")
def figure(made: Dataset) -> Any:
    return plot_mix(made)


def test_the_bars_of_the_ratios_are_the_shares_of_each_part(made: Dataset, figure: Any) -> None:
    ratios = figure.axes[0]
    assert [text.get_text() for text in ratios.get_xticklabels()] == ["−5", "0", "5", "10"]
    for bars, part in zip(ratios.containers, ("train", "validation", "test"), strict=True):
        values = [event.snr for event in mixed_events(made) if event.split == part]
        shares = [100 * values.count(ratio) / len(values) for ratio in (-5.0, 0.0, 5.0, 10.0)]
        np.testing.assert_allclose([bar.get_height() for bar in bars], shares)


def test_the_bars_of_the_sounds_are_their_counts_with_the_alarms_first(
    made: Dataset, figure: Any
) -> None:
    sounds = figure.axes[1]
    names = [text.get_text() for text in sounds.get_yticklabels()]
    assert sorted(names[:2]) == ["bell", "hi_lo"]
    assert names[2:] == ["thud"]
    rows = zip(*sounds.containers, strict=True)
    ends = [max(bar.get_x() + bar.get_width() for bar in row) for row in rows]
    events = mixed_events(made)
    assert ends == [sum(event.sound == name for event in events) for name in names]


def test_no_more_than_all_mixes_are_heard_at_a_time(made: Dataset, figure: Any) -> None:
    places = figure.axes[3]
    heard = {patch.get_label(): patch.get_data().values for patch in places.patches}
    assert max(heard["alarm"]) <= 50.0
    events = [e for e in mixed_events(made) if e.role == "significant"]
    sounding = {e.filename for e in events if e.onset <= 0.5 <= e.offset}
    middle = heard["significant"][len(heard["significant"]) // 2]
    assert middle == pytest.approx(100 * len(sounding) / len(made), abs=8.0)


def test_many_sounds_share_the_last_bar_and_none_is_lost(made: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    (folder / "audio").mkdir(parents=True)
    table = (Path(made[0].path).parents[1] / "events.csv").read_text().splitlines()
    rows = [row.replace("thud", f"thud {n % 30}") for n, row in enumerate(table)]
    (folder / "events.csv").write_text("\n".join(rows) + "\n")
    moved = Dataset(
        tuple(
            replace(c, recording=replace(c.recording, path=folder / "audio" / c.path.name))
            for c in made
        ),
        made.tasks,
    )
    sounds = plot_mix(moved).axes[1]
    names = [text.get_text() for text in sounds.get_yticklabels()]
    assert len(names) == 16
    assert names[-1].endswith(" others")
    total = sum(bar.get_width() for bars in sounds.containers for bar in bars)
    assert total == len(mixed_events(made))


def test_nothing_written_overlaps_or_is_cut(figure: Any) -> None:
    figure.canvas.draw()
    inside = figure.bbox
    boxes = [text.get_window_extent() for text in _texts(figure)]
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 and b.y1 <= inside.y1 for b in boxes)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
    rows = [text.get_window_extent() for text in figure.axes[1].get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(rows))


def test_same_mixes_same_bytes(made: Dataset) -> None:
    assert png_bytes(plot_mix(made)) == png_bytes(plot_mix(made[:]))


def test_mixes_without_an_event_have_no_picture(made: Dataset) -> None:
    with pytest.raises(EvaluationError, match="mixes holds an event"):
        plot_mix(made.where(kind="background"))


def _texts(figure: Any) -> list[Any]:
    titles = [axes._left_title for axes in figure.axes]
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    return [*titles, *legends, figure._suptitle]

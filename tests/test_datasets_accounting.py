"""Nothing gets lost: files found, clips of views, and what the check says of the odd ones."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, make_task, read_dataset
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

ON_DISK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sound(path: Path, *, seconds: float = 0.1, rate: int = 8_000, seed: int = 0) -> Path:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))
    write_audio(path, noise, rate)
    return path


def accounted(dataset: Dataset, root: Path, table: str = "") -> Counter[str]:
    """Every name that the data set speaks of, as often as it does."""
    used = {clip.path.relative_to(root.resolve()).as_posix() for clip in dataset}
    return Counter([*used, *(name for name, _ in dataset.skipped), *[table] * bool(table)])


# --- every file is used or listed ---------------------------------------------------------------

NAMES = st.sampled_from(
    ["a.wav", "B.WAV", "c.Flac", "d.ogg", "notes.txt", ".hidden.wav", "no_ending", "e.m4a"]
)
FOLDERS = st.sampled_from(["siren", "other", "siren/deep/er", "train", "", "two words", "Größe"])


@ON_DISK
@given(files=st.sets(st.tuples(FOLDERS, NAMES), max_size=12))
def test_every_file_of_a_folder_is_used_or_listed_once(
    files: set[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tree")
    names = {f"{folder}/{name}".lstrip("/") for folder, name in files}
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    try:
        dataset = read_dataset(root)
    except DatasetError:
        assert not any(
            Path(name).suffix.lower() in {".wav", ".flac", ".ogg"}
            and not Path(name).name.startswith(".")
            for name in names
        )
    else:
        assert accounted(dataset, root) == Counter(names)


@ON_DISK
@given(
    there=st.sets(st.integers(0, 9), min_size=1, max_size=8),
    named=st.sets(st.integers(0, 9), min_size=1, max_size=8),
)
def test_every_row_and_file_of_a_table_is_used_or_listed(
    there: set[int], named: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("table")
    (root / "audio").mkdir()
    for number in there:
        (root / f"audio/{number}.wav").touch()
    rows = [f"{number}.wav,a" for number in sorted(named)]
    (root / "meta.csv").write_text("\n".join(["filename,label", *rows]))
    if not there & named:
        with pytest.raises(DatasetError, match="no clip that can be used"):
            read_dataset(root)
        return
    dataset = read_dataset(root)
    reasons = dict(dataset.skipped)
    assert {int(clip.path.stem) for clip in dataset} == there & named
    assert len(reasons) == len(dataset.skipped) == len(there ^ named)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("background", ""),
        ("birds", ""),
        ("esc50", "meta.csv"),
        ("fsdd", "meta.csv"),
        ("speech_commands", "meta.csv"),
    ],
)
def test_every_real_file_is_used_or_listed(recordings: Path, name: str, table: str) -> None:
    root = (recordings / name).resolve()
    files = (path for path in root.rglob("*") if path.is_file())
    names = Counter(path.relative_to(root).as_posix() for path in files)
    assert accounted(read_dataset(root), root, table) == names


# --- views --------------------------------------------------------------------------------------

CLIPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "z"]), st.integers(0, 2)),
    min_size=4,
    max_size=30,
)


def dataset_of(rows: list[tuple[str, str, int]]) -> Dataset:
    clips = tuple(
        Clip(Recording(Path(f"/sounds/{n}.wav")), labels={"label": a}, group=g, fold=f)
        for n, (a, g, f) in enumerate(rows)
    )
    return Dataset(clips, (make_task("label", {a for a, _, _ in rows}),), name="drawn")


@given(rows=CLIPS, seed=st.integers(0, 3))
def test_no_view_changes_the_data_set_or_invents_a_clip(
    rows: list[tuple[str, str, int]], seed: int
) -> None:
    dataset = dataset_of(rows)
    clips, tasks = dataset.clips, dataset.tasks
    label = tasks[0].labels[0]
    views = [
        dataset.where(label=label),
        dataset.where(fold=0),
        dataset.drop_label(label),
        dataset.at_most(2, seed=seed),
        dataset.subset(range(0, len(rows), 2)),
        dataset + dataset.subset([0]),
    ]
    if len(set(dataset.groups.tolist())) >= 2:
        views += dataset.split((0.5, 0.5), seed=seed)
    assert dataset.clips is clips
    assert dataset.tasks is tasks
    assert all(any(clip is own for own in clips) for view in views for clip in view)


@given(rows=CLIPS, label=st.sampled_from("abc"))
def test_where_and_drop_label_part_the_clips(rows: list[tuple[str, str, int]], label: str) -> None:
    dataset = dataset_of(rows)
    if label not in dataset.task().labels:
        return
    kept, rest = dataset.where(label=label), dataset.drop_label(label)
    assert Counter(clip.id for clip in (*kept, *rest)) == Counter(clip.id for clip in dataset)
    assert set(kept.labels().tolist()) == {label}
    assert not len(rest) or label not in rest.labels()


@given(rows=CLIPS, n=st.integers(1, 4), seed=st.integers(0, 9))
def test_at_most_takes_all_there_are_up_to_n(
    rows: list[tuple[str, str, int]], n: int, seed: int
) -> None:
    dataset = dataset_of(rows)
    before, after = Counter(dataset.labels()), Counter(dataset.at_most(n, seed=seed).labels())
    assert after == {label: min(n, count) for label, count in before.items()}
    assert dataset.at_most(n, seed=seed).clips == dataset.at_most(n, seed=seed).clips


def test_a_field_of_a_clip_cannot_be_set() -> None:
    dataset = dataset_of([("a", "", 0)])
    with pytest.raises(AttributeError):
        dataset.name = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        dataset[0].group = "other"  # type: ignore[misc]


# --- the odd ones -------------------------------------------------------------------------------


def test_one_clip_can_be_read_and_checked_but_not_split(tmp_path: Path) -> None:
    sound(tmp_path / "siren/1.wav")
    dataset = read_dataset(tmp_path)
    assert dataset.check().to_dict()["n_clips"] == 1
    with pytest.raises(DatasetError, match="1 group"):
        dataset.split((0.5, 0.5))
    with pytest.raises(DatasetError):
        list(dataset.folds(2))
    with pytest.raises(DatasetError, match="nothing to train"):
        list(dataset.leave_k_out(1))


def test_one_label_can_be_split_and_is_warned_of(tmp_path: Path) -> None:
    for number in range(6):
        sound(tmp_path / f"siren/{number}.wav", seed=number)
    dataset = read_dataset(tmp_path)
    assert [len(part) for part in dataset.split((0.5, 0.5))] == [3, 3]
    assert "one label" in str(dataset.check())


def test_the_check_names_what_cannot_be_opened_and_counts_the_rest(tmp_path: Path) -> None:
    sound(tmp_path / "a/1.wav")
    sound(tmp_path / "b/2.wav", seed=1)
    (tmp_path / "a/broken.wav").write_bytes(b"no sound")
    (tmp_path / "b/empty.wav").touch()
    report = read_dataset(tmp_path).check()
    unreadable = report.to_dict()["unreadable"]
    assert sorted(name for name, _ in unreadable) == ["broken.wav", "empty.wav"]
    assert report.seconds == pytest.approx(0.2)


def test_the_check_shows_mixed_sample_rates(tmp_path: Path) -> None:
    sound(tmp_path / "a/1.wav", rate=8_000)
    sound(tmp_path / "b/2.wav", rate=48_000, seed=1)
    report = read_dataset(tmp_path).check()
    assert {int(rate): n for rate, n in report.rates.items()} == {8_000: 1, 48_000: 1}
    assert "48000 Hz" in str(report)


def test_the_check_warns_of_labels_with_few_sources(tmp_path: Path) -> None:
    for number in range(6):
        sound(tmp_path / f"many/{number}.wav", seed=number)
    sound(tmp_path / "few/1.wav", seed=9)
    warnings = " ".join(read_dataset(tmp_path).check().warnings)
    assert "few (1)" in warnings
    assert "many" not in warnings


def test_one_changed_byte_or_label_changes_the_fingerprint(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for label in "ab":
            sound(tmp_path / name / label / "1.wav", seed=ord(label))
    one, two = read_dataset(tmp_path / "one"), read_dataset(tmp_path / "two")
    before = one.fingerprint()
    assert two.fingerprint() == before
    flipped = bytearray((tmp_path / "two/a/1.wav").read_bytes())
    flipped[-1] ^= 1
    (tmp_path / "two/a/1.wav").write_bytes(flipped)
    assert read_dataset(tmp_path / "two").fingerprint() != before
    (tmp_path / "one/b").rename(tmp_path / "one/c")
    assert read_dataset(tmp_path / "one").fingerprint() != before

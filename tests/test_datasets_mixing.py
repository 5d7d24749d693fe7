"""Mixing: what is promised of every mix, of the parts and of the bytes."""

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixed_sounds import RATE, digests, lines, mixed, sources, write_sounds

from ossicle.audio import active_level, background, level, read_audio, write_audio
from ossicle.datasets import mix_dataset, read_dataset
from ossicle.datasets.sources import ROLES, Source, deal_sources
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording
from ossicle.workflow.files import file_digest


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def made(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    mixed(sounds, out)
    return out


# --- every mix ----------------------------------------------------------------------------------


def test_half_of_the_mixes_hold_an_alarm_in_every_part(made: Path) -> None:
    for part in read_dataset(made).official_split():
        assert 2 * part.labels().tolist().count("alarm") == len(part)


def test_a_mix_holds_an_alarm_exactly_if_its_label_says_so(made: Path) -> None:
    for line in lines(made):
        roles = [source["role"] for source in line["sources"]]
        assert roles[0] == "background"
        assert ("alarm" in roles) == (line["label"] == "alarm")


def test_every_significant_sound_is_heard_as_often_with_as_without_an_alarm(made: Path) -> None:
    heard: dict[str, list[str]] = defaultdict(list)
    for line, source in sources(made):
        if source["role"] == "significant":
            heard[source["path"]].append(line["label"])
    assert heard
    assert all(labels.count("alarm") == labels.count("other") for labels in heard.values())


def test_an_alarm_lasts_at_least_half_of_the_mix_and_ends_within_it(made: Path) -> None:
    alarms = [source for _, source in sources(made) if source["role"] == "alarm"]
    assert all(a["duration"] >= 0.5 and a["offset"] + a["duration"] <= 1.0 + 1e-6 for a in alarms)
    assert {a["repeated"] for a in alarms} == {True, False}  # bells of 0.4 s, sirens of 3 s


def test_every_mix_has_the_length_and_rate_asked_for_and_does_not_clip(made: Path) -> None:
    for clip in read_dataset(made):
        samples, rate = read_audio(clip.path)
        assert (samples.size, rate) == (RATE, RATE)
        assert np.count_nonzero(np.abs(samples) > 0.9999) <= 1


def test_the_ratio_asked_for_is_in_range_and_reached(made: Path) -> None:
    asked = [s["snr"] for _, s in sources(made) if s["role"] != "background"]
    reached = [s["snr_reached"] for _, s in sources(made) if s["role"] != "background"]
    assert min(asked) >= -5.0
    assert max(asked) <= 20.0
    assert np.ptp(asked) > 10.0
    np.testing.assert_allclose(asked, reached, atol=0.01)


def test_the_ratio_can_be_measured_in_the_file(sounds: Path, tmp_path: Path) -> None:
    mixed(sounds, tmp_path / "out", significant=None, n=20, snr=(6.0, 6.0))
    for line, source in sources(tmp_path / "out"):
        if source["role"] != "alarm":
            continue
        room = line["sources"][0]
        under, _ = read_audio(sounds / "room/fan.wav", start=room["start"], end=room["start"] + 1.0)
        samples, _ = read_audio(tmp_path / "out" / line["file"])
        first = round(source["offset"] * RATE)
        last = first + round(source["duration"] * RATE)
        under = under[:RATE] * np.float32(10 ** (room["gain"] / 20))
        alone = (samples - under)[first:last]
        assert active_level(alone) - level(under[first:last]) == pytest.approx(6.0, abs=0.2)
        assert level((samples - under)[:first]) < level(under) - 40.0


def test_of_an_excerpt_nothing_outside_is_heard(sounds: Path, tmp_path: Path) -> None:
    rows = [f"{sounds}/alarms/hi_lo/{n}.wav,hi_lo,0.5,2.25" for n in range(6)]
    (tmp_path / "alarms.csv").write_text("\n".join(["path,label,start,end", *rows]))
    mixed(sounds, tmp_path / "out", alarms=tmp_path / "alarms.csv")
    alarms = [source for _, source in sources(tmp_path / "out") if source["role"] == "alarm"]
    assert all(0.5 <= a["start"] <= a["start"] + a["duration"] <= 2.2501 for a in alarms)


# --- the parts ----------------------------------------------------------------------------------


def test_the_sources_of_a_mix_can_be_found_again(made: Path) -> None:
    assert all(file_digest(source["path"]) == source["digest"] for _, source in sources(made))


def test_no_alarm_or_significant_sound_is_in_two_parts(made: Path) -> None:
    parts: dict[str, set[str]] = defaultdict(set)
    for line, source in sources(made):
        if source["role"] != "background":
            parts[source["digest"]].add(line["split"])
    assert all(len(found) == 1 for found in parts.values())
    assert set.union(*parts.values()) == {"train", "validation", "test"}


def test_one_background_is_cut_into_spans_of_time_that_do_not_meet(made: Path) -> None:
    spans: dict[str, list[float]] = defaultdict(list)
    for line, source in sources(made):
        if source["role"] == "background":
            spans[line["split"]] += [source["start"], source["start"] + source["duration"]]
    assert max(spans["train"]) <= 18.0 <= min(spans["validation"])
    assert max(spans["validation"]) <= 24.0 <= min(spans["test"])
    assert max(spans["test"]) <= 30.0


def test_enough_backgrounds_are_dealt_as_wholes(sounds: Path, tmp_path: Path) -> None:
    for seed in range(3):
        noise = background("rain", 3.0, sample_rate=RATE, seed=seed)
        write_audio(tmp_path / f"rooms/{seed}.wav", noise, RATE)
    mixed(sounds, tmp_path / "out", background=tmp_path / "rooms")
    parts: dict[str, set[str]] = defaultdict(set)
    for line, source in sources(tmp_path / "out"):
        if source["role"] == "background":
            parts[source["path"]].add(line["split"])
    assert sorted(map(len, parts.values())) == [1, 1, 1]


def test_a_group_named_in_two_roles_or_the_same_bytes_twice_stay_in_one_part(
    sounds: Path, tmp_path: Path
) -> None:
    rows = ["path,label,group"]
    for number in range(6):
        shutil.copy(sounds / f"alarms/bell/{number}.wav", tmp_path / f"again{number}.wav")
        rows.append(f"{sounds}/alarms/bell/{number}.wav,bell,speaker {number}")
        rows.append(f"again{number}.wav,bell,copy {number}")
    (tmp_path / "alarms.csv").write_text("\n".join(rows))
    thuds = [f"{sounds}/other/thud/{n}.wav,thud,speaker {n}" for n in range(6)]
    (tmp_path / "thuds.csv").write_text("\n".join(["path,label,group", *thuds]))
    out = tmp_path / "out"
    mixed(sounds, out, alarms=tmp_path / "alarms.csv", significant=tmp_path / "thuds.csv", n=120)
    parts: dict[str, set[str]] = defaultdict(set)
    for line, source in sources(out):
        name = Path(source["path"]).stem.removeprefix("again")
        if source["role"] != "background":
            parts[name].add(line["split"])
    assert set(parts) == set("012345")
    assert all(len(found) == 1 for found in parts.values())


def test_the_group_of_a_mix_is_its_alarm_or_else_what_else_it_holds(made: Path) -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    for line in lines(made):
        groups[line["group"]].add(line["sources"][-1]["digest"])
    assert all(len(found) == 1 for found in groups.values())
    assert not read_dataset(made).check().to_dict().get("crossing")


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(ROLES), st.integers(0, 5), st.integers(0, 9)),
        min_size=12,
        max_size=60,
    ),
    seed=st.integers(0, 9),
)
def test_no_group_is_dealt_to_two_parts_in_any_role(
    rows: list[tuple[str, int, int]], seed: int
) -> None:
    clip = Clip(Recording(Path("a.wav")))
    given_sources = [
        Source(clip, role, "a.wav", f"{n}", 0.0, 9.0, f"{label}", f"{group}")
        for n, (role, label, group) in enumerate(rows)
    ]
    try:
        pools = deal_sources(given_sources, (0.5, 0.25, 0.25), seed=seed)
    except DatasetError:
        return  # a role has too few groups of its own
    parts: dict[str, set[int]] = defaultdict(set)
    for pool in pools.values():
        for number, part in enumerate(pool):
            assert part
            for source in part:
                parts[source.group].add(number)
    assert all(len(found) == 1 for found in parts.values())


def test_a_fraction_of_zero_leaves_the_part_out(sounds: Path, tmp_path: Path) -> None:
    made = mixed(sounds, tmp_path / "out", fractions=(0.75, 0.0, 0.25))
    assert [len(part) for part in made.official_split()] == [30, 0, 10]


def test_labels_can_be_those_of_the_alarms(sounds: Path, tmp_path: Path) -> None:
    made = mixed(sounds, tmp_path / "out", labels="source")
    assert made.task().labels == ("bell", "hi_lo", "other")
    assert made.task().background == ("other",)


def test_licences_and_authors_travel_into_the_mix(sounds: Path, tmp_path: Path) -> None:
    rows = [f"{sounds}/alarms/bell/{n}.wav,bell,CC0,Ada" for n in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(["path,label,licence,author", *rows]))
    (tmp_path / "b.csv").write_text(
        f"path,label,licence,author\n{sounds}/room/fan.wav,fan,CC BY 4.0,Bob\n"
    )
    made = mixed(sounds, tmp_path / "out", alarms=tmp_path / "a.csv", background=tmp_path / "b.csv")
    found = {clip.metadata["kind"]: clip.recording for clip in made}
    assert found["background"].licence == "CC BY 4.0"
    assert found["background+alarm"].licence == "CC BY 4.0 + CC0"
    assert found["background+alarm"].author == "Ada; Bob"
    assert found["background+significant+alarm"].licence == "CC BY 4.0 + CC0 + unknown"


# --- the bytes ----------------------------------------------------------------------------------


def test_same_seed_same_bytes_of_every_file(sounds: Path, made: Path, tmp_path: Path) -> None:
    mixed(sounds, tmp_path / "deeper" / "again")
    assert digests(tmp_path / "deeper" / "again") == digests(made)
    assert len(digests(made)) == 44


def test_only_the_provenance_tells_where_the_sounds_lay(
    sounds: Path, made: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    for path in sorted(sounds.rglob("*.wav"), reverse=True):
        target = moved / path.relative_to(sounds)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    mixed(moved, tmp_path / "again")
    ours, theirs = digests(made), digests(tmp_path / "again")
    assert {name for name in ours if ours[name] != theirs[name]} == {"mixes.jsonl"}
    told = (tmp_path / "again/mixes.jsonl").read_text()
    assert told.replace(str(moved), str(sounds)) == (made / "mixes.jsonl").read_text()


def test_the_order_of_the_clips_does_not_matter(sounds: Path, made: Path, tmp_path: Path) -> None:
    alarms = read_dataset(sounds / "alarms")
    backwards = alarms.subset(np.arange(len(alarms))[::-1])
    mixed(sounds, tmp_path / "again", alarms=backwards)
    assert digests(tmp_path / "again") == digests(made)


def test_another_seed_makes_other_mixes(sounds: Path, made: Path, tmp_path: Path) -> None:
    mixed(sounds, tmp_path / "other", seed=1)
    ours, theirs = digests(made), digests(tmp_path / "other")
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())


@pytest.mark.data
def test_real_alarms_and_rooms_make_a_sound_data_set(recordings: Path, tmp_path: Path) -> None:
    esc50 = read_dataset(recordings / "esc50")
    label = "category" if "category" in esc50[0].metadata else "label"
    alarms = esc50.where(**{label: ("siren", "clock_alarm", "car_horn")})
    others = esc50.where(**{label: ("dog", "crying_baby", "door_wood_knock")})
    made = mix_dataset(
        alarms=alarms,
        significant=others,
        background=recordings / "background",
        out=tmp_path / "out",
        n=100,
    )
    assert [len(part) for part in made.official_split()] == [60, 20, 20]
    report = made.check().to_dict()
    assert not report["unreadable"]
    assert all(clip.recording.licence for clip in made if "alarm" in clip.metadata["kind"])

import contextlib
import copy
import hashlib
import io
import json
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from small_classifiers import (
    RATE,
    TASK,
    full,
    linear,
    nearest_prototype,
    resealed,
    scene,
    sealed_with,
    tone,
)

import ossicle
from ossicle.classifier import Classifier, Decision, describe_prediction, load
from ossicle.classifier.archive import COMMENT, pack, unpack
from ossicle.classifier.bundle import MEMBERS, seal, unseal
from ossicle.classifier.description import FORMAT_VERSION
from ossicle.errors import BundleError, OssicleError, WorkflowError
from ossicle.features import Scaler
from ossicle.types import Task


@pytest.fixture(scope="module")
def sealed():
    return seal(full())


@pytest.fixture(scope="module")
def members(sealed):
    return unpack(sealed)


def refused(data, match=None):
    with pytest.raises(BundleError, match=match):
        unseal(data, Classifier)


def test_predictions_before_saving_are_those_after_loading(tmp_path):
    classifier = full()
    path = tmp_path / "alarm.ossicle"
    classifier.save(path)
    again = ossicle.load(path)
    for sound in (scene(), tone(3_000, 0.2)):
        one, other = classifier(sound, RATE), again(sound, RATE)
        assert one.events == other.events
        assert one.labels == other.labels
        np.testing.assert_array_equal(one.scores["label"], other.scores["label"])
        np.testing.assert_array_equal(one.pooled["label"], other.pooled["label"])
    assert again.tasks == classifier.tasks
    assert again.front_end == classifier.front_end
    assert again.decision == classifier.decision
    assert [file.name for file in tmp_path.iterdir()] == ["alarm.ossicle"]


def test_equal_classifiers_give_equal_bytes(tmp_path, sealed):
    assert seal(full()) == sealed
    full().save(tmp_path / "a.ossicle")
    load(tmp_path / "a.ossicle").save(tmp_path / "b.ossicle")
    assert (tmp_path / "a.ossicle").read_bytes() == sealed
    assert (tmp_path / "b.ossicle").read_bytes() == sealed


def test_a_bundle_is_a_zip_that_any_tool_opens(sealed, members):
    with zipfile.ZipFile(io.BytesIO(sealed)) as archive:
        assert archive.testzip() is None
        assert tuple(archive.namelist()) == MEMBERS
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}
        assert all(archive.read(name) == members[name] for name in MEMBERS)


def test_one_changed_byte_anywhere_is_refused(sealed):
    rng = np.random.default_rng(0)
    structure = [*range(300), *range(len(sealed) - 900, len(sealed))]
    anywhere = rng.integers(0, len(sealed), 300).tolist()
    for position in structure + anywhere:
        data = bytearray(sealed)
        data[position] ^= int(rng.integers(1, 256))
        refused(bytes(data))


@pytest.mark.parametrize("extra", [b"\0", b"\n", b"PK\5\6" + bytes(18)])
def test_bytes_before_or_after_are_refused(sealed, extra):
    refused(sealed + extra)
    refused(extra + sealed)


def test_a_bundle_cut_off_is_refused(sealed):
    for length in [0, 1, 30, len(sealed) // 2, len(sealed) - 65, len(sealed) - 1]:
        refused(sealed[:length])


def test_a_thousand_mutations_are_refused(sealed):
    rng = np.random.default_rng(1)
    for _ in range(1000):
        data = bytearray(sealed)
        for _ in range(int(rng.integers(1, 6))):
            start = int(rng.integers(0, len(data)))
            length = int(rng.integers(1, 40))
            piece = rng.bytes(int(rng.choice([0, length, 2 * length])))
            data[start : start + length] = piece
        if bytes(data) != sealed:
            refused(bytes(data))


def mutated(value, rng):
    """The JSON value with one random place changed."""
    odd = [None, True, 0, -1, 1e308, 2**40, "", "x", "\u202e", [], {}, [[]], {"a": 1}, -0.5]
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[int(rng.integers(len(keys)))]
        changed = dict(value) if isinstance(value, dict) else list(value)
        if rng.random() < 0.1:
            del changed[key]
        else:
            changed[key] = mutated(value[key], rng)
        return changed
    return odd[int(rng.integers(len(odd)))]


def test_mutated_settings_under_right_digests_raise_nothing_but_our_error(members):
    rng = np.random.default_rng(2)
    settings = json.loads(members["bundle.json"])
    others = {name: members[name] for name in MEMBERS[1:]}
    n_refused = 0
    for _ in range(600):
        changed = mutated(settings, rng)
        if not isinstance(changed, dict):
            continue
        try:
            classifier, _ = unseal(sealed_with(changed, others), Classifier)
        except BundleError:
            n_refused += 1
            continue
        with contextlib.suppress(OssicleError):  # a scale of 1e-300 makes the features infinite
            classifier(tone(3_000, 1.0), RATE)
    assert n_refused > 300


def test_mutated_networks_under_right_digests_raise_nothing_but_our_errors(members):
    rng = np.random.default_rng(3)
    for _ in range(200):
        network = bytearray(members["network.onnx"])
        network[int(rng.integers(len(network)))] = int(rng.integers(256))
        try:
            classifier, _ = unseal(
                resealed(members, **{"network.onnx": bytes(network)}), Classifier
            )
            classifier(tone(3_000, 1.0), RATE)
        except OssicleError:
            pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": FORMAT_VERSION + 1}, "reads up to 1; install an ossicle that reads version 2"),
        ({"version": 0}, "format"),
        ({"format": "pickle"}, "format 'pickle'"),
        ({"surprise": 1}, "unknown keys .*surprise"),
        ({"window": "1"}, "number is needed"),
        (
            {
                "window": 3000.0,
                "window_hop": 3000.0,
                "front_end": {"name": "log_mel", "n_mels": 16, "hop_length": 16},
            },
            "a window holds",
        ),
        ({"front_end": {"name": "log_mel", "floor": 1e300}}, "single precision"),
        ({"window": 1e9, "window_hop": 1e9}, "window is"),
        ({"window": -1.0, "window_hop": 1.0}, "window is -1"),
        ({"window_hop": 1e-9}, "too short"),
        ({"front_end": {"name": "log_mel", "n_mels": 10**6}}, "the most is"),
        ({"front_end": {"name": "nothing"}}, "no front end"),
        ({"front_end": {"name": "log_mel", "n_mel": 3}}, "no setting"),
        ({"integration": "eval"}, "integration is"),
        ({"scaler": {"mean": [0.0], "scale": [0.0]}}, "above 0"),
        ({"scaler": {"mean": [0.0], "scale": [1.0], "hat": 1}}, "unknown keys"),
        ({"tasks": []}, "tasks are"),
        ({"activation": {"label": "relu"}}, "relu"),
        ({"activation": {"nobody": "softmax"}}, "nobody"),
        ({"temperature": {"label": 0}}, "temperature"),
        ({"decision": {}}, "lacks"),
        ({"metrics": []}, "object is needed"),
    ],
)
def test_a_wrong_setting_is_named(members, changes, message):
    refused(resealed(members, **changes), message)


@pytest.mark.parametrize(
    "label", ["a\0b", "a\nb", "\u202egnp.exe", "", "x" * 600, "\u2028", "\x7f", "\x1b[2J"]
)
def test_labels_that_could_hide_something_are_refused(members, label):
    (task,) = json.loads(members["bundle.json"])["tasks"]
    refused(resealed(members, tasks=[task | {"labels": [label, "bell", "other"]}]))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"version": ' + b"9" * 10_000 + b"}",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
        b'{"a": 1e999}',
    ],
)
def test_settings_that_are_no_plain_json_are_refused(members, text):
    refused(pack({**members, "bundle.json": text}), "JSON|object|written|format")


def test_deep_json_is_refused(members):
    deep = 1
    for _ in range(100):
        deep = [deep]
    refused(resealed(members, metrics={"deep": deep}), "levels")


def test_members_must_be_exactly_those_of_a_bundle(members):
    refused(pack({**members, "extra.bin": b""}), "members are")
    refused(pack({name: members[name] for name in reversed(MEMBERS)}), "members are")
    refused(pack({name: members[name] for name in MEMBERS[:-1]}), "members are")
    refused(pack({"../" + name: data for name, data in members.items()}), "members are")
    refused(pack({str(k): b"" for k in range(10_000)}), "more than")
    refused(pack({"x" * 5_000: b""}), "not allowed")


def test_digests_of_members_are_checked(members):
    refused(pack({**members, "card.md": b"another"}), "digests")


def rewritten(change, **settings):
    """The members zipped by Python's own zipfile and sealed: a zip, but not our zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **settings) as archive:
        change(archive)
        archive.comment = COMMENT + b"0" * 64
    body = file.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def plain(archive):
    archive.writestr("bundle.json", b"{}")


def bomb(archive):
    archive.writestr("bundle.json", bytes(10_000_000))


def link(archive):
    entry = zipfile.ZipInfo("bundle.json")
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "/etc/passwd")


def folder(archive):
    archive.mkdir("golden")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("change", [plain, bomb, link, folder])
def test_another_zip_is_refused_even_with_the_right_seal(change, compression):
    refused(rewritten(change, compression=compression))


def with_seal(body):
    body = body[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def test_headers_that_disagree_are_refused(sealed):
    central = sealed.index(b"PK\1\2")
    for position, value in [
        (6, b"\1\0"),  # encrypted
        (8, b"\x08\0"),  # deflated
        (14, b"\0\0\0\0"),  # checksum
        (18, struct.pack("<I", 2**32 - 1)),  # size
        (22, struct.pack("<I", 2**31)),
        (28, struct.pack("<H", 4)),  # extra field
        (central + 38, struct.pack("<I", 0o120777 << 16)),  # a link
        (central + 42, struct.pack("<I", 7)),  # offset
    ]:
        data = bytearray(sealed)
        data[position : position + len(value)] = value
        refused(with_seal(bytes(data)))


def test_something_between_the_members_is_refused(sealed):
    central = sealed.index(b"PK\1\2")
    refused(with_seal(sealed[:central] + b"hidden" + sealed[central:]), "not one that ossicle")


@pytest.mark.parametrize("name", ["missing.ossicle", "", "a\0b"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(BundleError, match="cannot read"):
        load(tmp_path / name)


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "model.ossicle"
    path.write_bytes(b"\x80\x04\x95c__builtin__\nexec\n.")
    with pytest.raises(BundleError, match=r"model.ossicle cannot be opened: it is not an ossicle"):
        load(path)


def test_a_failed_save_leaves_the_old_bundle(tmp_path):
    path = tmp_path / "alarm.ossicle"
    full().save(path)
    before = path.read_bytes()
    broken = replace(full(), metrics={"a": {1, 2}})
    with pytest.raises(BundleError, match="JSON"):
        broken.save(path)
    task = replace(TASK, labels=("a\nb", "bell", "other"))
    with pytest.raises(BundleError, match="control"):
        replace(full(), tasks=(task,)).save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_bundle_cannot_replace_a_folder(tmp_path):
    with pytest.raises(WorkflowError, match="regular file"):
        full().save(tmp_path)


def test_a_card_names_everything_and_carries_no_markup():
    labels = ("<script>alert(1)</script>", "a|b", "*bold* [link](http://x)")
    network = linear(np.zeros((16, 3)), np.zeros(3))
    classifier = full(tasks=(Task("label", "multiclass", labels),), network=network)
    card = classifier.card()
    assert "<script>" not in card
    assert "a\\|b" in card
    assert "\\[link\\]" in card
    for expected in ("log\\_mel", "accuracy", "dataset", "-60 dBFS", "1 s every 0.5 s"):
        assert expected in card
    assert "<script>" not in classifier._repr_html_()


def test_a_prediction_is_a_few_lines_of_text():
    text = describe_prediction(full()(scene(), RATE))
    assert text.splitlines()[0].startswith("samples: ")
    assert len(text.splitlines()) == 4


def test_a_prepared_classifier_can_be_copied_to_another_process():
    classifier = full()
    assert classifier.prepared
    again = copy.deepcopy(classifier)  # by the same state that is sent to a process
    assert "prepared" not in vars(again)
    assert again(scene(), RATE).events == classifier(scene(), RATE).events


def test_settings_in_single_precision_answer_the_same_after_loading(tmp_path):
    classifier = nearest_prototype()
    mean, scale = (np.float32(part) for part in (classifier.scaler.mean, classifier.scaler.scale))
    single = nearest_prototype(
        scaler=Scaler(mean, scale),
        temperature={"label": np.float32(1.7)},
        decision=Decision(thresholds={"alarm": np.float32(0.7)}),
        tasks=[TASK],
    )
    single.save(tmp_path / "a.ossicle")
    one, other = single(scene(), RATE), load(tmp_path / "a.ossicle")(scene(), RATE)
    assert one.events == other.events
    np.testing.assert_array_equal(one.scores["label"], other.scores["label"])

"""``ossicle data get``: what was asked for, whole, in the cache; or a reason and nothing."""

import hashlib

import pytest
from commands import answered, printed, refused
from small_embeddings import small_embedding, small_network

from ossicle.features import PRETRAINED, front_end
from ossicle.features.pretrained import cached_network

DIGEST = hashlib.sha256(small_network()).hexdigest()


@pytest.fixture
def network(monkeypatch, tmp_path):
    """A network file, on a machine whose cache is empty."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("OSSICLE_MODELS", raising=False)
    path = tmp_path / "net.onnx"
    path.write_bytes(small_network())
    return path


def test_a_network_with_a_digest_is_put_where_front_ends_find_it(network):
    words = ("data", "get", "embedding", "--from", network, "--sha256", DIGEST.upper())
    got = answered(*words)
    assert got["path"] == str(cached_network(DIGEST))
    assert (got["sha256"], got["n_bytes"]) == (DIGEST, len(small_network()))
    assert [file.name for file in cached_network(DIGEST).parent.iterdir()] == [f"{DIGEST}.onnx"]
    network.unlink()
    assert front_end(small_embedding().describe()) == small_embedding()
    assert f"from {cached_network(DIGEST)}" in printed(*words)  # found there, not read again


def test_what_is_damaged_in_the_cache_is_got_again(network):
    words = ("data", "get", "embedding", "--from", network, "--sha256", DIGEST)
    cached_network(DIGEST).parent.mkdir(parents=True)
    cached_network(DIGEST).write_bytes(b"cut off")
    assert f"from {network}" in printed(*words)
    assert cached_network(DIGEST).read_bytes() == small_network()


@pytest.mark.parametrize("name", sorted(PRETRAINED))
def test_another_file_than_the_known_one_is_refused_and_not_kept(network, name):
    message = refused(1, "data", "get", name, "--from", network)
    assert f"has the SHA-256 {DIGEST}, not {PRETRAINED[name].sha256}" in message
    assert not cached_network(PRETRAINED[name].sha256).parent.exists()


def test_without_a_known_address_the_file_is_asked_for(network):
    message = refused(1, "data", "get", "yamnet")
    assert "give --from" in message
    assert PRETRAINED["yamnet"].sha256 in message


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("yamnett",), "no network 'yamnett'; did you mean 'yamnet'?"),
        (("embedding", "--from", "net.onnx"), "needed: the 64 hexadecimal digits"),
        (("yamnet", "--from", "missing.onnx"), "cannot read missing.onnx: No such file"),
        (("yamnet", "--from", "http://example.org/a.onnx"), "is no https address"),
        (("yamnet", "--from", "file:///etc/hostname"), "is no https address"),
        (("yamnet", "--from", "https://127.0.0.1:9/a.onnx"), "is there a network?"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(network, words, match):
    message = refused(1, "data", "get", *words)
    assert match in message
    assert message.count("\n") == 1
    assert not cached_network("0").parent.exists()


def test_a_file_of_the_right_digest_that_is_unsafe_is_not_kept(network):
    unsafe = small_network().replace(b"Tanh", b"Loop") + b"\xff"
    network.write_bytes(unsafe)
    digest = hashlib.sha256(unsafe).hexdigest()
    assert "network" in refused(
        1, "data", "get", "embedding", "--from", network, "--sha256", digest
    )
    assert not cached_network(digest).exists()


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(PRETRAINED))
def test_a_known_network_is_got_with_its_origin_and_licence(network, models, name):
    known = PRETRAINED[name]
    text = printed("data", "get", name, "--from", models / known.files[0])
    assert known.origin in text
    assert "licence  Apache-2.0" in text
    assert known.sha256 in text
    assert cached_network(known.sha256).stat().st_size == known.n_bytes
    assert front_end(name).sha256 == known.sha256


def test_a_known_network_has_no_other_digest(network):
    words = ("data", "get", "yamnet", "--from", network, "--sha256", DIGEST)
    message = refused(1, *words)
    assert f"yamnet is the network with SHA-256 {PRETRAINED['yamnet'].sha256}" in message
    assert not cached_network(DIGEST).parent.exists()

"""The ``*.ossicle`` file: one zip that can run no code, and refuses to be read if a byte changed.

It holds ``bundle.json`` (settings, and the SHA-256 of every other member), ``network.onnx``,
``front_end.onnx`` where the front end runs a network too, ``card.md`` and ``golden/``. It is
written under a temporary name, opened again and held against its golden vectors before it gets
its name.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ossicle.classifier.archive import MAX_BYTES, pack, unpack
from ossicle.classifier.card import model_card
from ossicle.classifier.description import describe, json_bytes, parse, read_json_bytes
from ossicle.classifier.golden import GOLDEN, VerifyReport, compare_golden, make_golden
from ossicle.classifier.trained import Trained
from ossicle.errors import BundleError, OssicleError
from ossicle.workflow.files import replacing

__all__ = ["read_bundle", "seal", "unseal", "verify", "write_bundle"]

SETTINGS, NETWORK, FRONT_END, CARD = "bundle.json", "network.onnx", "front_end.onnx", "card.md"
MEMBERS = (SETTINGS, NETWORK, CARD, *GOLDEN)
WITH_FRONT_END = (SETTINGS, NETWORK, FRONT_END, CARD, *GOLDEN)
"""Members of a bundle, and of one whose front end runs a network."""

MAX_CARD_BYTES = 2**20

AnyTrained = TypeVar("AnyTrained", bound=Trained)


def write_bundle(trained: Trained, path: str | Path) -> None:
    """Save a classifier: whole, verified, or not at all.

    Raises
    ------
    BundleError
        If what was written does not reproduce its golden vectors when it is read again.
    WorkflowError
        If the system refuses to write there.
    """
    data = seal(trained)
    try:
        report = compare_golden(*unseal(data, Trained))
    except BundleError as error:
        raise BundleError(f"{path} was not written, for it could not be opened: {error}") from error
    if not report.ok:
        raise BundleError(f"{path} was not written; read again, its golden sound is {report}")
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def read_bundle(path: str | Path, kind: type[AnyTrained]) -> AnyTrained:
    """Open a bundle.

    Raises
    ------
    BundleError
        If it is missing, damaged, hostile, or of a newer format.
    """
    return _open(path, kind)[0]


def verify(source: Trained | str | Path) -> VerifyReport:
    """Answer the golden sound of a bundle again and compare with what is written in it.

    Parameters
    ----------
    source : path or classifier
        A classifier is sealed and opened again, without a file.

    Returns
    -------
    VerifyReport
        The worst differences, and whether they are within their tolerances (``ok``).

    Raises
    ------
    BundleError
        If the bundle cannot be opened at all.
    """
    if isinstance(source, Trained):
        return compare_golden(*unseal(seal(source), Trained))
    trained, members = _open(source, Trained)
    try:
        return compare_golden(trained, members)
    except OssicleError as error:
        raise BundleError(f"{source}: its golden sound cannot be answered: {error}") from error


def seal(trained: Trained) -> bytes:
    """The bytes of a classifier's bundle; equal classifiers give equal bytes."""
    others = {
        NETWORK: trained.network,
        **_front_end_network(trained),
        CARD: model_card(trained).encode("utf-8", errors="replace"),
        **make_golden(trained),
    }
    settings = json_bytes({**describe(trained), "members": _digests(others)})
    return pack({SETTINGS: settings, **others})


def unseal(data: bytes, kind: type[AnyTrained]) -> tuple[AnyTrained, dict[str, bytes]]:
    """A classifier and the members of its bundle.

    Raises
    ------
    BundleError
        If the bytes are not exactly a bundle, or what they describe does not fit together.
    """
    members = unpack(data)
    if tuple(members) not in (MEMBERS, WITH_FRONT_END):
        raise BundleError(f"its members are {list(members)}; allowed are {list(MEMBERS)}")
    record = read_json_bytes(members[SETTINGS], SETTINGS)
    networks = {_sha256(members[FRONT_END]): members[FRONT_END]} if FRONT_END in members else {}
    settings = parse(record, networks=networks)
    others = {name: data for name, data in members.items() if name != SETTINGS}
    if record["members"] != _digests(others):
        raise BundleError(f"the digests in {SETTINGS} are not those of the other members")
    if settings["front_end"].networks != networks:
        raise BundleError(f"{FRONT_END} is there, but its front end runs no network")
    _check_card(members[CARD])
    return _build(kind, settings, members[NETWORK]), members


def _open(path: str | Path, kind: type[AnyTrained]) -> tuple[AnyTrained, dict[str, bytes]]:
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, forever
            raise BundleError(f"cannot read {path}: a folder, device or pipe is no bundle")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BundleError(f"cannot read {path}: {reason}") from error
    try:
        return unseal(data, kind)
    except BundleError as error:
        raise BundleError(f"{path} cannot be opened: {error}") from error


def _build(kind: type[AnyTrained], settings: Mapping[str, Any], network: bytes) -> AnyTrained:
    try:
        trained = kind(**settings, network=network)
        _ = trained.prepared  # a network that cannot run is found now, not at the first sound
        return trained
    except BundleError:
        raise
    except OssicleError as error:
        raise BundleError(f"its parts do not fit together: {error}") from error


def _check_card(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{CARD} is not UTF-8: {error}") from error
    if len(data) > MAX_CARD_BYTES:
        raise BundleError(f"{CARD} has {len(data)} bytes; allowed are {MAX_CARD_BYTES}")


def _digests(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _sha256(data) for name, data in members.items()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _front_end_network(trained: Trained) -> dict[str, bytes]:
    """The member that a front end which runs a network adds."""
    networks = list(trained.front_end.networks.values())
    if len(networks) > 1:
        raise BundleError(f"its front end runs {len(networks)} networks; a bundle holds one")
    return dict(zip([FRONT_END], networks, strict=False))

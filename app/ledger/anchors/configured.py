"""The anchors that the settings name. It refuses settings that could never work."""

from collections.abc import Sequence

from app.ledger.anchors.anchor import Anchor
from app.ledger.anchors.file import FileAnchor
from app.ledger.anchors.put import PutAnchor
from app.ledger.anchors.witness import Keep, WitnessAnchor
from app.ledger.cosignature import WitnessKey
from app.ledger.note import NoteError
from app.outbound import Outbound, OutboundError
from app.settings import Settings, SettingsError

_SECONDS = 10.0
_MAX_ANSWER = 64 * 1024


def local_anchors(settings: Settings) -> Sequence[Anchor]:
    """The anchors that need no network."""
    path = settings.anchor_path
    return [] if path is None else [FileAnchor(path)]


def remote_anchors(settings: Settings, keep: Keep) -> Sequence[Anchor]:
    """The anchors on other machines."""
    outbound = Outbound(settings.outbound_allow, seconds=_SECONDS, max_bytes=_MAX_ANSWER)
    found: list[Anchor] = []
    try:
        if settings.anchor_url is not None:
            found.append(PutAnchor(settings.anchor_url, settings.anchor_token, outbound))
        for vkey, url in settings.witnesses:
            found.append(WitnessAnchor(WitnessKey.parse(vkey), url, outbound, keep))
    except NoteError as error:
        raise SettingsError(f"CLEARANCE_WITNESSES names no witness's key: {error}.") from None
    except OutboundError as error:
        raise SettingsError(f"An anchor's address cannot be called: {error}.") from None
    return found

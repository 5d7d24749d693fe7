"""Names from files, labels and tags made safe to show: nothing hidden, nothing obeyed."""

import re

__all__ = ["shorten", "visible"]

# Controls (a terminal obeys them), bidirectional marks and overrides (they reorder what surrounds
# them), separators, zero-width characters, and halves of surrogate pairs (they cannot be written).
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def visible(value: object) -> str:
    r"""Text in which every control or hidden character is spelled out.

    >>> visible("dog\x00\u202egnp.exe")
    'dog\\x00\\u202egnp.exe'
    """
    return _HIDDEN.sub(_escape, str(value))


def shorten(value: object, width: int) -> str:
    """Visible text of at most ``width`` characters; what is too long loses its middle.

    >>> shorten("a_very_long_name_of_a_recording.wav", 17)
    'a_very_l…ding.wav'
    """
    text = visible(value)
    if len(text) <= width:
        return text
    head = width // 2
    return f"{text[:head]}…{text[len(text) - (width - head - 1) :]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

"""Names from files as text that hides and breaks nothing."""

__all__ = ["shown"]


def shown(text: str) -> str:
    r"""On one line, with every character that is not visible written out.

    >>> shown("dog\n\u202ewav")
    'dog\\n\\u202ewav'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

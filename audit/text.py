"""Text of strangers made safe to show: captions, keys and file names come from the internet."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""The text with everything that is no printable character or space spelled out as `\x1b`.

    That is control characters and terminal escapes, line ends, bidirectional controls, invisible
    characters and lone surrogates: what could move the cursor, recolour the terminal, forge a
    line or turn the reading order.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )

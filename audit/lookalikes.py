"""Text as a reader sees it: tricks that hide a word from a program undone.

What is undone: compatibility forms (full width, mathematical, circled letters), letters of other
alphabets and digits that pass for Latin ones, invisible characters, accents piled on letters,
letters drawn apart (l e t t e r, l.e.t.t.e.r), and letters repeated.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_LATIN: Final = {
    **dict(zip("аеорсухівѕјһԁԛԝӏкмнтгьп", "aeopcyxibsjhdqwlkmhtrbn", strict=True)),  # Cyrillic
    **dict(zip("ёїй", "eiи", strict=True)),
    **dict(zip("αβγεζηικνορτυχωμλ", "abyeznikvoptuxwul", strict=True)),  # Greek
    **dict(zip("օսոցհյզ", "ounghjq", strict=True)),  # Armenian
    **dict(
        zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)
    ),  # small capitals
    **dict(zip("ɑɡɩıłøđɓɗɠƙƥƭʋʐɛɔ", "agiilodbdgkptvzeo", strict=True)),  # other Latin letters
}
_SQUARED: Final = {
    chr(first + i): chr(ord("a") + i) for first in (0x1F130, 0x1F150, 0x1F170) for i in range(26)
}
_LEET: Final = str.maketrans("0134578@$!|+€£", "oieastbasiitel")
_LEET_L: Final = str.maketrans("1!|", "lll")
_MARKED_SCRIPTS: Final = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
"""Alphabets that stay readable without their marks; in others a mark is a letter of its own."""

MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
)
"""What stands on or beside a letter and belongs to it, and the scripts of India as a whole."""
_APART: Final = re.compile(
    r"(?<![^\W_])(?:[^\W_]([ ._\-*+~·•,/|]{1,3}))(?:[^\W_]\1){2,}[^\W_](?![^\W_])"
)
_LINKS: Final = re.compile(r"https?://\S+|www\.\S+|<[^<>]{1,200}>")
_NAMES: Final = re.compile(r"(?:\bRT\s+)?(?<!\w)@\w+:?")
_BLANKS: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"[^\W_]+")
_RUNS: Final = re.compile(r"(.)\1{2,}")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")


def readable(text: str) -> str:
    """The text for a sentence encoder: as before, without what only hides or distracts.

    Links, markup and @names go. Letters of another alphabet become Latin only where they stand
    among Latin ones, so that Russian stays Russian.
    """
    text = html.unescape(text)
    if _FOREIGN.search(text):
        text = _latin_again(visible_letters(text))
    text = _NAMES.sub(" ", _LINKS.sub(" ", text))
    text = _APART.sub(lambda m: joined(m[0]), text)
    return _BLANKS.sub(" ", text).strip()


def folded(text: str) -> str:
    """The text for comparing words: lower case, nothing invisible, one form a letter.

    Accents stay: Swedish hård is not English hard. `bare` takes them off.
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", visible_letters(text).casefold())
    return text.replace("i\u0307", "i")  # the Turkish capital I, folded


def bare(word: str) -> str:
    """A folded word without the marks on its letters, in alphabets readable without."""
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", "".join(_without_marks(word)))


def visible_letters(text: str) -> str:
    """NFKC, without format characters (zero-width, direction marks) and lone surrogates."""
    text = unicodedata.normalize("NFKC", text)
    if any(c in _SQUARED for c in text):
        text = "".join(_SQUARED.get(c, c) for c in text)
    return "".join(
        c for c in text if unicodedata.category(c) not in ("Cf", "Cc", "Cs") or c.isspace()
    )


def joined(letters: str) -> str:
    """Letters drawn apart, put together: 'l.e.t' -> 'let'."""
    return "".join(c for c in letters if c.isalnum())


def apart(text: str) -> Iterator[str]:
    """Every run of four or more single characters with one separator between them, joined."""
    for found in _APART.finditer(text):
        yield joined(found[0])


def in_latin(word: str) -> str | None:
    """The folded word with look-alikes of other alphabets as Latin letters.

    returns   None when nothing was replaced, or when some letter has no Latin look-alike
    """
    if word.isascii():
        return None
    latin = "".join(_LATIN.get(c, c) for c in word)
    return latin if latin.isascii() else None


@lru_cache(maxsize=65_536)
def disguises(word: str) -> tuple[str, ...]:
    """What a folded word may have been before it was disguised; never the word itself.

    Digits and signs for letters ('1' is i or l), and letters repeated three times or more
    standing for one or two.
    """
    if word.isalpha() and not _RUNS.search(word):
        return ()
    forms = [word]
    if not word.isalpha() and len(word) > 2 and sum(c.isalpha() for c in word) > 1:
        forms = [word.translate(_LEET), word.translate(_LEET_L).translate(_LEET)]
    read = []
    for form in dict.fromkeys(forms):
        runs = [m.span() for m in _RUNS.finditer(form)][:4]
        for kept in itertools.product((2, 1), repeat=len(runs)):
            short, end = "", 0
            for (a, b), n in zip(runs, kept, strict=True):
                short, end = short + form[end:a] + form[a] * n, b
            read.append(short + form[end:])
    return tuple(f for f in dict.fromkeys(read) if f != word and f.isalpha())


def _latin_again(text: str) -> str:
    """Look-alikes as Latin letters: in words that mix alphabets, and in a text whose every other
    word is Latin.
    """
    foreign = [word for word in _WORD.findall(text) if not word.isascii()]
    disguised = len(foreign) < len(_WORD.findall(text)) and all(
        _mixed(word) or in_latin(word.casefold()) for word in foreign
    )
    return _WORD.sub(lambda m: _swapped(m[0]) if disguised or _mixed(m[0]) else m[0], text)


def _mixed(word: str) -> bool:
    return not word.isascii() and any("a" <= c <= "z" for c in word.lower())


def _swapped(word: str) -> str:
    return "".join(c if c.isascii() else _cased(_LATIN.get(c.casefold()), c) or c for c in word)


def _cased(latin: str | None, like: str) -> str | None:
    return latin.upper() if latin and like.isupper() else latin


def _without_marks(text: str) -> Iterator[str]:
    marked = False
    for c in unicodedata.normalize("NFD", text):
        if unicodedata.combining(c):
            if not marked:
                yield c
            continue
        marked = c.isascii() or unicodedata.name(c, "").startswith(_MARKED_SCRIPTS)
        yield c

"""Word lists in many languages, found in captions whatever their writers did to hide the words.

A folder of lists holds one file a language, named by its code (`en`, `en.txt`, `pt-BR.txt`): one
word or phrase a line, `#` for a comment, and after a tab, where wanted, the risk type it stands
for. So a published collection of lists can be used as it lies.

A word counts where it stands by itself: Scunthorpe holds no bad word. Languages written without
spaces, and endings that Korean hangs on its words, are looked for inside.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from audit import lookalikes
from audit.errors import UsageError
from audit.resources import data_path
from audit.taxonomy import TYPES

_LETTER: Final = rf"[^\W_]|[{lookalikes.MARKS}]"
_TOKEN: Final = re.compile(
    rf"(?:{_LETTER})+(?:['’*@$!|+€£]+(?:{_LETTER})+)*[$€£]*|[@$€£](?:{_LETTER})+(?:[*@$!|]+(?:{_LETTER})+)*"
)
_SOLID: Final = re.compile(r"(?<![^\W_])[^\W_]++(?:[\-._·•~*]++[^\W_]++)++")
_WITHOUT_SPACES: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
                                    "\u3400-\u9fff\uf900-\ufaff]")  # fmt: skip
_KATAKANA: Final = re.compile("^[\u30a0-\u30ff]+$")
_HANGUL: Final = re.compile("^[\uac00-\ud7a3]{2,}")
_FILE: Final = re.compile(r"([a-z]{2,3}(?:-[A-Za-z0-9]+)*)(?:\.txt)?")
MAX_CHARACTERS: Final = 8_000
"""A caption is searched up to here."""
LONGEST: Final = 8
"""Words of an entry that count."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: the word as written there, its language, the risk type or None."""

    word: str
    language: str
    type: str | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A listed word in a text.

    entry      the line of the list
    found      the word or words of the text, folded
    disguised  whether a trick had to be undone to see it
    """

    entry: Entry
    found: str
    disguised: bool


class WordLists:
    """Entries, ready to be looked for; made by `load_words`."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._phrases: dict[tuple[str, ...], Entry] = {}
        self._length: dict[Entry, int] = {}
        self._longest: dict[str, int] = {}
        self._inside: list[tuple[re.Pattern[str], Entry]] = []
        self._masked: dict[tuple[int, str], list[str]] = {}
        for entry in self.entries:
            self._add(entry)
        inside = "|".join(pattern.pattern for pattern, _ in self._inside)
        self._any_inside = re.compile(inside) if inside else None

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages there are entries of, sorted."""
        return tuple(sorted({entry.language for entry in self.entries}))

    @property
    def fingerprint(self) -> str:
        """sha256 hex of the entries."""
        lines = (f"{e.language}\t{e.word}\t{e.type}" for e in self.entries)
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def find(self, text: str) -> list[Hit]:
        """Every listed word in a text, each entry once, in the order of the text."""
        text = text[:MAX_CHARACTERS]
        plain, undone = (lookalikes.folded(t) for t in (text, lookalikes.readable(text)))
        hits: dict[Entry, Hit] = {}
        for hit in self._hits(plain):
            hits.setdefault(hit.entry, hit)
        if undone != plain:  # several words of a phrase disguised at once
            for hit in self._hits(undone):
                hits.setdefault(hit.entry, replace(hit, disguised=True))
        return list(hits.values())

    def _hits(self, plain: str) -> Iterator[Hit]:
        tokens = _TOKEN.findall(plain)
        open_still = set(range(len(tokens)))
        for i in range(len(tokens)):
            if (entry := self._starting(tokens, i)) is not None:
                n = self._length[entry]
                open_still -= set(range(i, i + n))
                yield Hit(entry, " ".join(tokens[i : i + n]), False)
        if self._any_inside is not None and self._any_inside.search(plain):
            for pattern, entry in self._inside:
                if found := pattern.search(plain):
                    yield Hit(entry, found[0], False)
        for i in sorted(open_still):
            for form in self._undisguised(tokens[i], tokens):
                changed = [*tokens[:i], form, *tokens[i + 1 :]]
                for start in range(max(0, i - LONGEST + 1), i + 1):
                    entry = self._starting(changed, start, i)
                    if entry is not None:
                        yield Hit(entry, tokens[i], True)
        for found in _SOLID.findall(plain):
            yield from self._alone(lookalikes.joined(found))
        for word in lookalikes.apart(plain):
            yield from self._alone(word)

    def _starting(self, tokens: list[str], i: int, through: int = 0) -> Entry | None:
        """The longest entry that begins at token i and reaches token `through`."""
        for n in range(self._longest.get(tokens[i], 0), max(0, through - i), -1):
            if (entry := self._phrases.get(tuple(tokens[i : i + n]))) is not None:
                return entry
        return None

    def _undisguised(self, word: str, tokens: list[str]) -> Iterator[str]:
        """Plain words that a token may stand for; nothing for a plain token."""
        if "*" in word:
            for full in self._masked.get((len(word), word[0]), ()):
                if len(word) - word.count("*") >= 2 and all(
                    a in ("*", b) for a, b in zip(word, full, strict=True)
                ):
                    yield full
            return
        if len(bare := lookalikes.bare(word)) > 3 and bare != word:
            yield bare
            word = bare
        latin = lookalikes.in_latin(word)
        if latin is not None and (_mixed(word) or _foreigner(word, tokens)):
            yield latin
            word = latin
        yield from lookalikes.disguises(word)

    def _alone(self, word: str) -> Iterator[Hit]:
        latin = lookalikes.in_latin(word) or word
        for form in (latin, *lookalikes.disguises(latin)):
            if (entry := self._phrases.get((form,))) is not None and len(form) > 2:
                yield Hit(entry, word, True)
                return

    def _add(self, entry: Entry) -> None:
        plain = lookalikes.folded(entry.word)
        if _WITHOUT_SPACES.search(plain) or not _TOKEN.search(plain):
            pattern = re.escape(plain)
            if _KATAKANA.match(plain):  # written as one word it may be part of another
                pattern = f"(?<![\u30a0-\u30ff]){pattern}(?![\u30a0-\u30ff])"
            self._inside.append((re.compile(pattern), entry))
            return
        if _HANGUL.match(plain) and " " not in plain:
            self._inside.append((re.compile(rf"(?<![\uac00-\ud7a3]){re.escape(plain)}"), entry))
            return
        tokens = tuple(_TOKEN.findall(plain))[:LONGEST]
        self._phrases.setdefault(tokens, entry)
        self._length[entry] = len(tokens)
        self._longest[tokens[0]] = max(len(tokens), self._longest.get(tokens[0], 0))
        if len(tokens) == 1 and plain.isalpha():
            self._masked.setdefault((len(plain), plain[0]), []).append(plain)


def load_words(*folders: Path | str, languages: Collection[str] = ()) -> WordLists:
    """The lists of these folders together; without a folder, the ones that travel with us.

    languages  codes of the languages to take, all when none are named. A short word of one
               language is often a harmless word of another: name those your captions are in
    raises  UsageError for a folder without a list, a file that is not UTF-8, an unknown type
    """
    where = [Path(folder) for folder in folders] or [data_path("words")]
    entries = [entry for folder in where for entry in _folder(folder)]
    known = {entry.language for entry in entries}
    if unknown := sorted(set(languages) - known):
        raise UsageError(
            f"no word list for {', '.join(unknown)}; there are lists for {', '.join(sorted(known))}"
        )
    return WordLists(e for e in entries if not languages or e.language in languages)


def _folder(folder: Path) -> Iterator[Entry]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give one with a word list a language")
    files = [(m[1], p) for p in sorted(folder.iterdir()) if (m := _FILE.fullmatch(p.name))]
    if not files:
        raise UsageError(f"{folder}: no word list; a list is a file named by a language, as en.txt")
    for language, path in files:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read as UTF-8 ({error})") from None
        for number, line in enumerate(lines, 1):
            if not (line := line.strip()) or line.startswith("#"):
                continue
            word, _, kind = (part.strip() for part in line.partition("\t"))
            if kind and kind not in TYPES[:-1]:
                raise UsageError(
                    f"{path}:{number}: unknown type {kind!r}; known: {', '.join(TYPES[:-1])}"
                )
            yield Entry(word, language, kind or None)


def _mixed(word: str) -> bool:
    return any("a" <= c <= "z" for c in word)


def _foreigner(word: str, tokens: list[str]) -> bool:
    """Whether a word wholly of look-alikes stands in a text otherwise in Latin letters."""
    return len(word) > 3 and all(t.isascii() or lookalikes.in_latin(t) for t in tokens)

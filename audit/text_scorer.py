"""What a text says, judged: captions, and the words read in a picture.

A sentence encoder that is not ours, a small head that is, and word lists for what the encoder
cannot read. On disk a folder: `text.json` (the card) and `head.safetensors`.

Letters in shapes: B batch, E embedding width, H hidden width.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from audit.errors import ScorerError, UsageError
from audit.lookalikes import readable
from audit.resources import data_path
from audit.sentences import SentenceEncoder
from audit.taxonomy import SAFE, TYPES
from audit.words import Hit, WordLists, load_words

FORMAT: Final = 1
CARD, HEAD = "text.json", "head.safetensors"
WORD_RISK: Final = 0.9
"""The least risk of a text in which a listed word stands."""
MAX_CHARACTERS: Final = 8_000
"""A text is judged by its first so many characters; the encoder reads 256 tokens of them."""


@dataclass(frozen=True, slots=True)
class TextCard:
    """What a text scorer is, what it covers and how well it does.

    name           short name
    encoder        name, width and fingerprint of the sentence encoder
    types_covered  names of the types that training supports, 'safe' among them
    threshold      a text is flagged from this risk on
    taxonomy_hash  of the taxonomy it was trained with
    metrics        named set -> figures
    training       recipe, seed, mix, calibration
    limits         sentences on what not to rely on
    files          file name -> sha256 hex
    """

    name: str
    encoder: dict[str, Any]
    types_covered: tuple[str, ...]
    threshold: float
    taxonomy_hash: str
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: Path) -> TextCard:
        """Checked on reading. raises ScorerError naming the file and what is wrong"""
        if data.get("format") != FORMAT:
            raise ScorerError(
                f"{where}: format {data.get('format')!r}; this version reads format {FORMAT}"
            )
        lists = {key: tuple(data.get(key, ())) for key in ("types_covered", "limits")}
        try:
            card = cls(**{**data, **lists})
        except TypeError as error:
            raise ScorerError(f"{where}: {error}; the card is damaged, fetch it again") from None
        unknown = set(card.types_covered) - set(TYPES)
        if unknown or "safe" not in card.types_covered or not 0 < card.threshold < 1:
            raise ScorerError(
                f"{where}: types {', '.join(card.types_covered)} or threshold {card.threshold} "
                "cannot be; fetch it again"
            )
        return card


@dataclass(frozen=True, slots=True)
class TextScores:
    """Scores of B texts, as columns.

    risk   [B] float32, 0..1: 1 - p_safe, or what a listed word makes of it; NaN for no text
    types  [B, 7] float32, order of taxonomy.TYPES; rows sum to 1 over the covered types, NaN for
           types without training and for no text
    words  the listed words of each text
    """

    risk: np.ndarray
    types: np.ndarray
    words: tuple[tuple[Hit, ...], ...]

    @property
    def names(self) -> list[str | None]:
        """The most probable type of each text, None for no text."""
        return [
            None if np.isnan(row[SAFE]) else TYPES[int(np.nanargmax(row))] for row in self.types
        ]


@dataclass(frozen=True, slots=True)
class Head:
    """Embedding -> logits of the seven types: one hidden layer and a path around it.

    first   [H, E], first_bias [H], second [7, H], around [7, E], bias [7]; all float32; the
            temperature of the calibration is folded in
    """

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    around: np.ndarray
    bias: np.ndarray

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """[B, 7] float32 of embeddings [B, E]."""
        hidden = np.maximum(embeddings @ self.first.T + self.first_bias, 0)
        found: np.ndarray = hidden @ self.second.T + embeddings @ self.around.T + self.bias
        return found.astype(np.float32)


class TextScorer:
    """Judges texts; made by `load_text_scorer` or `audit.text_training`."""

    def __init__(
        self, card: TextCard, head: Head, encoder: SentenceEncoder, words: WordLists
    ) -> None:
        if encoder.fingerprint != card.encoder["fingerprint"]:
            raise ScorerError(
                f"text scorer {card.name} was trained on {card.encoder['name']} "
                f"({card.encoder['fingerprint'][:8]}), {encoder.name} has other weights "
                f"({encoder.fingerprint[:8]}); use the encoder named on its card"
            )
        self.card = card
        self.head = head
        self.encoder = encoder
        self.words = words
        self._covered = np.array([name in card.types_covered for name in TYPES])

    @property
    def threshold(self) -> float:
        """A text is flagged from this risk on."""
        return self.card.threshold

    @property
    def fingerprint(self) -> str:
        """sha256 hex over everything that decides a score."""
        digest = hashlib.sha256(self.encoder.fingerprint.encode())
        digest.update(f"{self.words.fingerprint} {self.card.types_covered} {WORD_RISK}".encode())
        for name in Head.__slots__:
            digest.update(np.ascontiguousarray(getattr(self.head, name)).tobytes())
        return digest.hexdigest()

    def score(self, texts: Sequence[str | None]) -> TextScores:
        """Score texts; a text that says nothing (None, empty, only a link) has no score."""
        cleaned = [readable(text[:MAX_CHARACTERS]) if text else "" for text in texts]
        said = list(dict.fromkeys(text for text in cleaned if text))
        types = np.full((len(texts), len(TYPES)), np.nan, np.float32)
        if said:
            place = {text: i for i, text in enumerate(said)}
            found = self.probabilities(self.encoder.encode(said))
            for row, text in enumerate(cleaned):
                if text:
                    types[row] = found[place[text]]
        words = tuple(tuple(self.words.find(text)) if text else () for text in texts)
        for row, hits in enumerate(words):
            if hits and cleaned[row]:
                types[row] = self._with_words(types[row], hits)
        return TextScores(1 - types[:, SAFE], types, words)

    def with_words(self, types: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """[B, 7] float32: `probabilities` of texts after the word lists had their say."""
        return np.stack([
            self._with_words(row, hits) if (hits := self.words.find(text)) else row
            for row, text in zip(types, texts, strict=True)
        ])  # fmt: skip

    def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
        """[B, 7] float32 of embeddings [B, E]; by the head alone, without the word lists."""
        logits = np.where(self._covered, self.head.logits(embeddings), -np.inf)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        shares = powers / powers.sum(1, keepdims=True)
        return np.where(self._covered, shares, np.nan).astype(np.float32)

    def _with_words(self, row: np.ndarray, hits: Sequence[Hit]) -> np.ndarray:
        """A row of types with WORD_RISK at least, on the words' types where they have one.

        Where no list names a covered type, the risky types grow in proportion.
        """
        if 1 - row[SAFE] >= WORD_RISK:
            return row
        named = {TYPES.index(hit.entry.type) for hit in hits if hit.entry.type}
        where = [t for t in sorted(named) if self._covered[t]]
        risky = np.where(self._covered, row, 0)
        risky[SAFE] = 0
        if where:
            risky[where] += WORD_RISK / len(where)
        grown = np.where(self._covered, risky / risky.sum() * WORD_RISK, np.nan)
        grown[SAFE] = 1 - WORD_RISK
        return grown.astype(np.float32)

    def save(self, folder: Path | str) -> Path:
        """Write card and head; the card's file hashes are filled in. returns the folder"""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({n: getattr(self.head, n) for n in Head.__slots__}, folder / HEAD)
        write_text_card(folder, replace(self.card, files={HEAD: _sha256(folder / HEAD)}))
        return folder


def load_text_scorer(
    name_or_folder: str | Path = "text-minilm",
    model: str | Path | None = None,
    *,
    words: Sequence[str | Path] = (),
    device: str = "cpu",
    fetch: bool = True,
) -> TextScorer:
    """A bundled text scorer by name, or a folder with one.

    model   folder or hub name of the sentence encoder; None: a copy installed as a package, else
            the name on the card, from the hub or its cache
    words   folders of word lists besides our own, see `audit.words`
    fetch   ask the hub for a sentence encoder that is not on this machine
    raises  UsageError when there is none, ScorerError when files do not match the card or the
            encoder is another one, WeightsUnavailable when the encoder cannot be had
    """
    folder = find_text_scorer(name_or_folder)
    card = read_text_card(folder)
    if _sha256(folder / HEAD) != card.files.get(HEAD):
        raise ScorerError(f"{folder / HEAD}: does not match its card; fetch the scorer again")
    try:
        weights = load_file(folder / HEAD)
        head = Head(**{name: weights[name].astype(np.float32) for name in Head.__slots__})
    except (KeyError, OSError, SafetensorError) as error:
        raise ScorerError(f"{folder / HEAD}: not a head ({error}); fetch it again") from None
    lists = load_words(data_path("words"), *words)
    return TextScorer(card, head, SentenceEncoder(model, device=device, fetch=fetch), lists)


def find_text_scorer(name_or_folder: str | Path) -> Path:
    """The folder of a text scorer. raises UsageError that lists what there is"""
    bundled = {path.parent.name: path.parent for path in data_path("scorers").glob(f"*/{CARD}")}
    folder = bundled.get(str(name_or_folder), Path(name_or_folder))
    if not (folder / CARD).is_file():
        known = ", ".join(sorted(bundled)) or "none"
        raise UsageError(f"{name_or_folder}: neither a bundled text scorer ({known}) nor a folder "
                         f"with {CARD}")  # fmt: skip
    return folder


def read_text_card(folder: Path) -> TextCard:
    """The card of a text scorer. raises ScorerError naming the file"""
    path = folder / CARD
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScorerError(f"{path}: not a readable card ({error}); fetch it again") from None
    if not isinstance(data, dict):
        raise ScorerError(f"{path}: not a card; fetch the scorer again")
    return TextCard.from_json(data, path)


def write_text_card(folder: Path, card: TextCard) -> None:
    """Write the card of a text scorer's folder."""
    text = json.dumps(asdict(card), indent=1, sort_keys=True)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScorerError(f"{path}: cannot be read ({error.strerror}); fetch it again") from None

"""Scorers that need embeddings only: zero-shot prompts and published heads.

What differs between them is a `Judge`, which turns embeddings into one log-odds a concept; types
and levels follow from these in one way:

    concept  P = sigmoid(log-odds)
    type     softmax over the largest log-odds of each type's concepts, against 0 for safe
    level    each type's probability shared out among its concepts, in proportion to their odds,
             and added up over the level each concept has in the taxonomy; none = safe

A type takes its largest concept, not their sum: a type with eight concepts would otherwise begin
with four times the risk of one with two.

Letters in shapes: B rows, E embedding width, K concepts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from audit.card import AGAIN, Card, Described, write_card
from audit.errors import ScorerError, UsageError
from audit.halves import halves, singles
from audit.identity import encoder_identity, file_sha256
from audit.scorer import Scores
from audit.taxonomy import LEVELS, SAFE, TYPES

if TYPE_CHECKING:
    from audit.encoder import Encoder

Floats = npt.NDArray[np.float32]

FILES = {"zeroshot": "text.safetensors", "head": "head.safetensors"}
ROWS = 1024  # judged at once: what lies between stays in the cache


class Judge(Protocol):
    """Turns embeddings into log-odds."""

    @property
    def width(self) -> int:
        """E."""

    def logits(self, embeddings: Floats) -> Floats:
        """Embeddings [B, E] of unit length -> log-odds [B, K]."""

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers that decide the log-odds, by name; what is saved."""


class EmbeddingScorer(Described):
    """Scores embeddings of one encoder, and with that encoder pictures.

    card.safety  'types' and 'levels' of the concepts, in their order (None: in no taxonomy), and
                 the settings of the judge
    """

    def __init__(self, card: Card, judge: Judge, encoder: Encoder | None = None) -> None:
        if encoder is not None and encoder.embedding_width != judge.width:
            raise ScorerError(
                f"scorer {card.name} wants {judge.width}-wide embeddings, its encoder gives "
                f"{encoder.embedding_width}; use the encoder named on its card: {card.encoder}"
            )
        self.card = card
        self.judge = judge
        self._encoder = encoder
        self._concept_types = tuple(card.safety["types"])
        self._concept_levels = tuple(card.safety["levels"])

    @property
    def encoder(self) -> Encoder:
        """The image tower. raises UsageError when the scorer was loaded for embeddings only"""
        if self._encoder is None:
            raise UsageError(f"scorer {self.card.name} is loaded for embeddings, not for pictures")
        return self._encoder

    @property
    def encoder_identity(self) -> str:
        """Whose embeddings it may be used on, see `audit.identity`."""
        return encoder_identity(self.card.encoder, self.card.files)

    @property
    def size(self) -> int:
        """S, the side in pixels of the square pictures `score` takes."""
        return self.encoder.size

    @property
    def embedding_dim(self) -> int:
        """E."""
        return self.judge.width

    @property
    def fingerprint(self) -> str:
        """sha256 hex over everything that decides a score."""
        card = self.card
        identity: list[Any] = [
            card.kind, self.encoder_identity, card.crop_mode, card.safety, card.concepts,
            card.types_covered, card.taxonomy_hash,
        ]  # fmt: skip
        if card.calibration:
            identity.append(card.fitted)
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
        for name, array in sorted(self.judge.tensors().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def to(self, device: str) -> EmbeddingScorer:
        """Move the encoder, where there is one, to 'cpu', 'cuda' or 'auto'."""
        from audit.devices import resolve_device

        if self._encoder is not None:
            self._encoder.to(resolve_device(device)).eval()
        return self

    def score(self, pixels: npt.NDArray[np.uint8]) -> Scores:
        """Score prepared pictures [B, S, S, 3]; on a full device the batch is halved."""
        return self.score_embeddings(self._embed(pixels))

    def score_embeddings(self, embeddings: npt.NDArray[Any]) -> Scores:
        """Score embeddings [B, E] of any float type and length; they are brought to length 1.

        returns  Scores without features [B, 0] and evidence [B, 0, 0]
        raises   ScorerError on another width, on a row of zeros or with what is not a number, and
                 when the scorer gives no risk type: nothing must look safe for that
        """
        if not self.card.types_covered:
            raise ScorerError(f"scorer {self.card.name} gives no risk type, extra columns only")
        logits, units = self._judged(embeddings)
        raw = self._type_logits(logits)
        return Scores(
            types=_softmax(raw / np.float32(self._temperature("types"))),
            levels=self._levels(logits, raw),
            concepts=self._probabilities(logits),
            embeddings=units,
            evidence=np.zeros((len(units), 0, 0), np.float32),
            features=np.zeros((len(units), 0), np.float32),
        )

    def extras(self, embeddings: npt.NDArray[Any]) -> dict[str, Floats]:
        """Extra columns [B] for embeddings [B, E]: the card's name, or NAME.CONCEPT of several.

        raises  as `score_embeddings`
        """
        found = self._probabilities(self._judged(embeddings)[0])
        return {name: found[:, k] for k, name in enumerate(self.extra_names)}

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Names of the columns of `extras`."""
        name = self.card.name
        several = len(self.concepts) > 1
        return tuple(f"{name}.{c}" for c in self.concepts) if several else (name,)

    def save(self, folder: Path | str) -> Path:
        """Write card and numbers; the card's file hashes are filled in. returns the folder"""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        name = FILES[self.card.kind]
        arrays = {k: np.ascontiguousarray(v) for k, v in self.judge.tensors().items()}
        save_file(arrays, folder / name)
        write_card(folder, replace(self.card, files={name: file_sha256(folder / name)}))
        return folder

    def _embed(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        import torch

        try:
            device = next(self.encoder.parameters()).device
            batch = torch.from_numpy(pixels).to(device, non_blocking=True).permute(0, 3, 1, 2)
            with (
                torch.inference_mode(),
                torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"),
            ):
                embedding: Floats = self.encoder(batch).embedding.float().cpu().numpy()
            return embedding
        except torch.OutOfMemoryError:
            if len(pixels) < 2:
                raise
            torch.cuda.empty_cache()
        half = len(pixels) // 2
        return np.concatenate([self._embed(pixels[:half]), self._embed(pixels[half:])])

    def _judged(self, embeddings: npt.NDArray[Any]) -> tuple[Floats, npt.NDArray[np.float16]]:
        """Log-odds [B, K], and the embeddings [B, E] at length 1."""
        rows, width = len(embeddings), self.judge.width
        if embeddings.shape != (rows, width):
            raise ScorerError(
                f"scorer {self.card.name} reads embeddings [B, {width}] of "
                f"{self.encoder_identity}, got {list(embeddings.shape)}"
            )
        logits = np.empty((rows, len(self.concepts)), np.float32)
        units = np.empty((rows, width), np.float16)
        for start in range(0, rows, ROWS):
            here = slice(start, start + ROWS)
            vectors = singles(embeddings[here])
            squares = np.einsum("be,be->b", vectors, vectors)
            usable = np.isfinite(squares) & (squares > 0)
            if not usable.all():
                raise ScorerError(
                    f"embedding {start + int(np.argmin(usable)):,} of {rows:,} is zero or holds "
                    "what is not a number; leave it out"
                )
            vectors /= np.sqrt(squares)[:, None]
            logits[here] = self.judge.logits(vectors)
            units[here] = halves(vectors)
        return logits, units

    def _type_logits(self, logits: Floats) -> Floats:
        """[B, 7]: the largest log-odds of each type, 0 for safe, NaN where nothing is covered."""
        found = np.full((len(logits), len(TYPES)), np.nan, np.float32)
        found[:, SAFE] = 0
        for index, columns in self._by_type():
            found[:, index] = logits[:, columns].max(1)
        return found

    def _levels(self, logits: Floats, raw: Floats) -> Floats:
        types = _softmax(raw)
        found = np.zeros((len(logits), len(LEVELS)), np.float32)
        found[:, 0] = types[:, SAFE]
        for index, columns in self._by_type():
            shares = _softmax(logits[:, columns]) * types[:, index, None]
            for column, share in zip(columns, shares.T, strict=True):
                found[:, LEVELS.index(self._concept_levels[column])] += share
        if (temperature := self._temperature("levels")) == 1:
            return found
        with np.errstate(divide="ignore"):
            np.log(found, out=found)
        return _softmax(found / np.float32(temperature))

    def _by_type(self) -> list[tuple[int, list[int]]]:
        pairs = list(enumerate(self._concept_types))
        return [
            (index, [k for k, of in pairs if of == name])
            for index, name in enumerate(TYPES)
            if name in self._concept_types
        ]

    def _probabilities(self, logits: Floats) -> Floats:
        fitted: Mapping[str, Any] = self.card.calibration.get("concepts", {})
        lines = np.array([fitted.get(name, (1, 0)) for name in self.concepts], np.float32)
        return _sigmoid(logits * lines[:, 0] + lines[:, 1])

    def _temperature(self, what: Literal["types", "levels"]) -> float:
        return float(self.card.calibration.get(what, 1))


def read_tensors(folder: Path, card: Card) -> dict[str, npt.NDArray[Any]]:
    """The numbers of a scorer folder. raises ScorerError when they are not those of its card"""
    path = folder / FILES[card.kind]
    if file_sha256(path) != card.files.get(path.name):
        raise ScorerError(f"{path}: does not match its card; {AGAIN}")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ScorerError(f"{path}: {str(error)[:120]}; {AGAIN}") from None


def _softmax(x: Floats) -> Floats:
    """Over the last axis; NaN stays NaN and does not count."""
    e: Floats = np.exp(x - np.nanmax(x, axis=-1, keepdims=True))
    e /= np.nansum(e, axis=-1, keepdims=True)
    return e


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        e: Floats = np.exp(-x)
    e += 1
    np.reciprocal(e, out=e)
    return e

"""The one place where a scorer is loaded, whatever it is made of.

    NAME                       a bundled scorer
    DIR                        a scorer folder; its card says of which kind it is
    zeroshot:MODEL:WEIGHTS     prompts of the taxonomy on an open_clip model with a text tower

A scorer of kind 'safety' judges patches, so it needs pictures. Kinds 'zeroshot' and 'head' judge
embeddings, so stored ones of the same encoder will do (see `audit.identity`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from audit.card import Card, find_scorer, read_card
from audit.errors import CatalogMismatch, UsageError
from audit.scorer import Scorer, Scores

if TYPE_CHECKING:
    import numpy as np

    from audit.embedding_scorer import EmbeddingScorer
    from audit.encoder import Encoder

PREFIX = "zeroshot:"


class AnyScorer(Protocol):
    """What a scan needs of a scorer, of whatever kind; see `audit.scorer.Scorer`."""

    card: Card

    @property
    def encoder(self) -> Encoder:
        """The image tower, on its device."""

    @property
    def size(self) -> int:
        """S, the side in pixels of the square pictures `score` takes."""

    @property
    def crop_mode(self) -> Literal["pad", "center"]:
        """How `audit.images` brings a picture to that square."""

    @property
    def concepts(self) -> tuple[str, ...]:
        """Names of the columns of `Scores.concepts`."""

    @property
    def embedding_dim(self) -> int:
        """E."""

    @property
    def taxonomy_hash(self) -> str:
        """Hash of the taxonomy its concepts are of."""

    @property
    def fingerprint(self) -> str:
        """sha256 hex over everything that decides a score."""

    def score(self, pixels: np.ndarray[Any, Any]) -> Scores:
        """Score prepared pictures [B, S, S, 3] uint8."""


def load_scorer(spec: str | Path, *, device: str = "auto") -> AnyScorer:
    """Load a scorer of any kind, ready to score pictures.

    spec    as above
    raises  UsageError when there is none or it gives no risk type, ScorerError when files do not
            match the card, WeightsUnavailable when the encoder's weights cannot be had
    """
    if _is_safety(spec):
        return Scorer.load(spec, device=device)
    return _main(_load(spec, pictures=True)).to(device)


def load_embedding_scorer(spec: str | Path) -> EmbeddingScorer:
    """Load a scorer that judges stored embeddings; no image tower is loaded.

    raises  UsageError when the scorer needs pictures, and as `load_scorer`
    """
    return _main(load_extra(spec))


def load_extra(spec: str | Path) -> EmbeddingScorer:
    """Load a scorer for extra columns of stored embeddings; it need not give a risk type.

    raises  as `load_embedding_scorer`
    """
    if _is_safety(spec):
        raise UsageError(
            f"{spec}: judges pictures, not embeddings; give zeroshot:MODEL:WEIGHTS, or a folder "
            "that `audit zeroshot` or `audit heads import` wrote"
        )
    return _load(spec, pictures=False)


def check_embeddings(scorer: EmbeddingScorer, identity: str, where: str) -> None:
    """Refuse embeddings of any encoder but the scorer's.

    identity  of the encoder that made them, see `audit.identity.encoder_identity`
    where     what holds them, for the message
    raises    CatalogMismatch that names the encoder expected
    """
    if identity != scorer.encoder_identity:
        raise CatalogMismatch(
            f"{where}: its embeddings are of {identity}, scorer {scorer.card.name} reads those of "
            f"{scorer.encoder_identity}; on others its numbers mean nothing"
        )


def _is_safety(spec: str | Path) -> bool:
    return not str(spec).startswith(PREFIX) and read_card(find_scorer(spec)).kind == "safety"


def _main(scorer: EmbeddingScorer) -> EmbeddingScorer:
    if not scorer.card.types_covered:
        raise UsageError(
            f"scorer {scorer.card.name} gives one probability and no risk type; use it as an extra "
            "scorer (--extra), or import it again with --concept"
        )
    return scorer


def _load(spec: str | Path, *, pictures: bool) -> EmbeddingScorer:
    if str(spec).startswith(PREFIX):
        from audit.zeroshot import from_model

        return from_model(str(spec).removeprefix(PREFIX), pictures=pictures)
    folder = find_scorer(spec)
    card = read_card(folder)
    if card.kind == "zeroshot":
        from audit.zeroshot import from_folder

        return from_folder(folder, card, pictures=pictures)
    from audit.heads import from_folder as head

    return head(folder, card, pictures=pictures)

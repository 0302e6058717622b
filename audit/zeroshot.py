"""Zero-shot scoring: concepts in words, on any CLIP with a text tower.

Every concept has prompts and harmless twins (the taxonomy), and there are neutral prompts that
belong to none (data/prompts/). With the model's logit scale s, an image embedding x and the set P
of a concept's prompt embeddings, let g(P) = log mean exp(s x.p) over p in P: a mean, so that the
number of prompts somebody wrote does not count. A concept's probability is the softmax of
g(prompts) against g(twins) and g(neutral):

    log-odds = g(prompts) - log(exp g(twins) + exp g(neutral))

How types and levels follow is in `audit.embedding_scorer`. Nothing here is trained, so nothing is
calibrated until `audit calibrate` has run.

The text tower is needed once: `from_model` keeps what it says in a folder, in the user's cache or
where `audit zeroshot` was told, and `from_folder` reads that.

Letters in shapes: B rows, E embedding width, K concepts, P Q N prompts, twins, neutral prompts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.card import CARD, Card, read_card
from audit.embedding_scorer import FILES, EmbeddingScorer, Floats, read_tensors
from audit.encoder import OpenClipEncoder, TextTower, build_encoder
from audit.errors import ScorerError
from audit.identity import encoder_identity, encoder_spec
from audit.resources import data_path
from audit.taxonomy import TYPES, Taxonomy
from audit.yamlfile import YamlFile

VERSION = 1
"""Of the formula above; text kept in a cache by another version is made again."""

LIMITS = (
    "Zero-shot: nothing was trained, and the quality on these weights is unknown until "
    "`audit eval` has measured it.",
    "Probabilities are uncalibrated until `audit calibrate` has run.",
    "A flag is a candidate for review, not a verdict.",
)

Progress = Callable[[int, int], None]
"""Takes how many captions are encoded, of how many."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """What belongs to no concept; see data/prompts/clip.yaml.

    templates  each has one {} for a prompt
    neutral    captions of harmless pictures
    """

    templates: tuple[str, ...]
    neutral: tuple[str, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Prompts:
        """The bundled file, or another. raises UsageError naming file and place"""
        file = YamlFile(path or data_path("prompts", "clip.yaml"))
        top = file.mapping(file.content, "", required=("templates", "neutral"))
        templates = file.texts(top["templates"], "templates", 100)
        for template in templates:
            if template.count("{}") != 1:
                raise file.error("templates", f"'{template}' must have one {{}} for the prompt")
        neutral = file.texts(top["neutral"], "neutral", 300)
        for name, texts in (("templates", templates), ("neutral", neutral)):
            if not texts:
                raise file.error(name, "is empty; write at least one")
        return cls(templates, neutral)


@dataclass(frozen=True, slots=True)
class TextJudge:
    """Compares embeddings with those of prompts.

    text    [P + Q + N, E] unit length: prompts and twins in the order of the concepts, neutral
    counts  [2, K] how many prompts and how many twins each concept has
    scale   the model's logit scale
    """

    text: Floats
    counts: npt.NDArray[np.int64]
    scale: float

    @property
    def width(self) -> int:
        """E."""
        return int(self.text.shape[1])

    def logits(self, embeddings: Floats) -> Floats:
        """Unit embeddings [B, E] -> log-odds [B, K]."""
        groups = self._means(self.text @ embeddings.T * np.float32(self.scale))
        concepts = self.counts.shape[1]
        having = self.counts[1] > 0
        harmless = np.repeat(groups[-1:], concepts, axis=0)
        harmless[having] = np.logaddexp(harmless[having], groups[concepts:-1])
        logits: Floats = (groups[:concepts] - harmless).T
        return logits

    def _means(self, z: Floats) -> Floats:
        """Log mean exp over each group of rows: prompts and twins by concept, neutral last."""
        sizes = self.counts[self.counts > 0]  # row by row: all prompts, then those twins there are
        sizes = np.append(sizes, len(z) - sizes.sum())
        starts = np.cumsum(sizes) - sizes
        top = np.maximum.reduceat(z, starts, axis=0)
        total = np.add.reduceat(np.exp(z - np.repeat(top, sizes, axis=0)), starts, axis=0)
        means: Floats = top + np.log(total / sizes[:, None].astype(np.float32))
        return means

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """`text` and `counts`."""
        return {"text": self.text, "counts": self.counts}


def embed_prompts(
    tower: TextTower, prompts: Sequence[str], templates: Sequence[str],
    progress: Progress = lambda done, total: None,
) -> Floats:  # fmt: skip
    """Embeddings [len(prompts), E] of unit length: each the mean over its templates."""
    texts = [template.replace("{}", prompt) for prompt in prompts for template in templates]
    found = tower.encode(texts, lambda done: progress(done, len(texts)))
    means = found.reshape(len(prompts), len(templates), -1).mean(1)
    unit: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit


def make(
    named: str,
    taxonomy: Taxonomy | None = None,
    prompts: Prompts | None = None,
    *,
    name: str | None = None,
    progress: Progress = lambda done, total: None,
) -> EmbeddingScorer:
    """A zero-shot scorer of an open_clip model, ready for pictures and embeddings.

    named     MODEL:WEIGHTS, see `audit.identity.encoder_spec`
    taxonomy  whose concepts; the bundled one by default
    name      of the scorer; by default it says the model
    raises    as `OpenClipEncoder`
    """
    spec = {**encoder_spec(named), "layer": None}
    taxonomy, prompts = taxonomy or Taxonomy.load(), prompts or Prompts.load()
    tower = TextTower(spec["model"], spec["pretrained"])
    asked = [prompt for concept in taxonomy.concepts for prompt in concept.prompts]
    asked += [twin for concept in taxonomy.concepts for twin in concept.twins]
    judge = TextJudge(
        text=embed_prompts(tower, [*asked, *prompts.neutral], prompts.templates, progress),
        counts=_counts(taxonomy),
        scale=tower.logit_scale,
    )
    encoder = OpenClipEncoder(spec["model"], spec["pretrained"], None, whole=tower.whole)
    card = Card(
        name=name or f"zeroshot-{spec['model']}",
        kind="zeroshot",
        encoder=spec,
        crop_mode="pad",
        safety={
            "types": [c.type for c in taxonomy.concepts],
            "levels": [c.level for c in taxonomy.concepts],
            "logit_scale": judge.scale,
            "templates": list(prompts.templates),
            "neutral": list(prompts.neutral),
            "version": VERSION,
        },
        concepts=tuple(c.name for c in taxonomy.concepts),
        types_covered=_covered(taxonomy),
        taxonomy_hash=taxonomy.hash,
        training={"recipe": "zero-shot", "prompts": len(asked), "neutral": len(prompts.neutral)},
        limits=LIMITS,
    )
    return EmbeddingScorer(card, judge, encoder)


def from_model(
    named: str, *, pictures: bool, progress: Progress = lambda done, total: None
) -> EmbeddingScorer:
    """The zero-shot scorer of MODEL:WEIGHTS with the bundled concepts; its text is kept in a cache.

    pictures  whether the image tower is wanted too
    raises    as `make`
    """
    spec = {**encoder_spec(named), "layer": None}
    kept = cache_folder() / _key(spec)
    if (kept / CARD).is_file():
        try:
            return from_folder(kept, read_card(kept), pictures=pictures, spec=spec)
        except ScorerError:
            shutil.rmtree(kept, ignore_errors=True)  # damaged: made again below
    scorer = make(named, progress=progress)
    _keep(scorer, kept)
    return scorer


def from_folder(
    folder: Path, card: Card, *, pictures: bool, spec: dict[str, Any] | None = None
) -> EmbeddingScorer:
    """Read a scorer folder of kind 'zeroshot'; no text tower is needed.

    spec    the encoder as it is named today, where a file of the same content has moved
    raises  ScorerError when its files do not fit the card, and as `OpenClipEncoder`
    """
    tensors = read_tensors(folder, card)
    try:
        judge = TextJudge(tensors["text"], tensors["counts"], float(card.safety["logit_scale"]))
        prompts, twins = judge.counts
        fits = len(prompts) == len(card.concepts) and prompts.min() > 0 <= twins.min()
        fits &= prompts.sum() + twins.sum() < len(judge.text)
    except (KeyError, TypeError, ValueError) as error:
        raise ScorerError(f"{folder}: not a zero-shot scorer ({error!r:.80})") from None
    if not fits:
        raise ScorerError(f"{folder / FILES['zeroshot']}: its counts do not fit the card")
    card = replace(card, encoder=spec or card.encoder)
    return EmbeddingScorer(card, judge, build_encoder(card.encoder) if pictures else None)


def cache_folder() -> Path:
    """Where text embeddings are kept: $XDG_CACHE_HOME, or ~/.cache, /shardwarden/zeroshot."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "shardwarden" / "zeroshot"


def _key(spec: dict[str, Any]) -> str:
    """What decides the text embeddings, in one word."""
    prompts = Prompts.load()
    what = (VERSION, encoder_identity(spec), Taxonomy.load().hash, prompts.templates,
            prompts.neutral)  # fmt: skip
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _keep(scorer: EmbeddingScorer, folder: Path) -> None:
    """Save a scorer under a name it takes when it is whole; without a cache we go on."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
        scorer.save(new)
        new.rename(folder)
    except OSError:
        return


def _counts(taxonomy: Taxonomy) -> npt.NDArray[np.int64]:
    pairs = [(len(c.prompts), len(c.twins)) for c in taxonomy.concepts]
    return np.array(pairs, np.int64).T


def _covered(taxonomy: Taxonomy) -> tuple[str, ...]:
    known = {c.type for c in taxonomy.concepts} | {"safe"}
    return tuple(name for name in TYPES if name in known)

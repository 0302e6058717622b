"""The head of a text scorer, trained on sentence embeddings by a recipe.

A label may leave open which of several types is meant (`LabelledText.allowed`); the loss is then
that of "one of these": -log of the sum of their probabilities.

Letters in shapes: N texts, E embedding width, H hidden width.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from audit.errors import UsageError
from audit.sentences import SentenceEncoder
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.text_scorer import Head, TextCard, TextScorer
from audit.text_sets import LabelledText, TextRecipe, embedded, groups_of, read_texts
from audit.words import WordLists

Show = Callable[[int, int | None, str], None]
LIMITS: Final = (
    "The sentence encoder reads English. Of other languages only the listed words are found; "
    "without a list nothing is.",
    "A text without a harmful word but with a harmful wish (advice that only a doctor should "
    "give) is mostly missed when its subject was left out of training.",
    "Self-harm is learnt as risky, of no type of its own.",
    "The encoder reads the first 256 tokens of a text.",
)
BATCH_SHARE: Final = 0.5
"""Share of risky texts in training batches."""
CALIBRATION_SHARE: Final = 0.1
"""Share of the groups that temperature and threshold are fitted on."""


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How the head is trained; the defaults made the bundled one.

    noise         spread of the normal noise added to each coordinate of the unit embeddings
    risky_share   share of risky texts that the probabilities assume
    false_alarms  share of harmless captions that may be flagged: sets the threshold
    """

    hidden: int = 128
    steps: int = 600
    batch: int = 1024
    rate: float = 3e-3
    decay: float = 0.05
    dropout: float = 0.4
    noise: float = 0.03
    risky_share: float = 0.1
    false_alarms: float = 0.005
    seed: int = 256


@dataclass(frozen=True, slots=True)
class Material:
    """Texts of a recipe, ready to train on and to measure with.

    vectors  [N, E] float32
    part     [N] '<U11': 'train', 'calibration' or 'held-out'; whole groups
    """

    rows: list[LabelledText]
    vectors: np.ndarray
    part: np.ndarray

    def of(self, part: str) -> np.ndarray:
        """[N] bool: the texts of a part, those only measured on left out except when held out."""
        found: np.ndarray = self.part == part
        return found


def prepare(
    recipe: TextRecipe, encoder: SentenceEncoder, cache: Path, seed: int, show: Show
) -> Material:
    """Read, embed, group and split the texts of a recipe."""
    rows = read_texts(recipe, seed)
    vectors = embedded([row.text for row in rows], encoder, cache, show)
    groups = groups_of(rows, vectors)
    apart = {s.name for s in recipe.sets if not s.train}
    kept_out = {
        int(g) for g, row in zip(groups, rows, strict=True) if row.left_out or row.set in apart
    }
    drawn = {int(g): _draw(f"{seed}/{rows[i].group}") for i, g in _firsts(groups)}
    part = np.array([
        "held-out" if int(g) in kept_out or drawn[int(g)] < recipe.held_out_share
        else "calibration" if drawn[int(g)] < recipe.held_out_share + CALIBRATION_SHARE
        else "train"
        for g in groups
    ])  # fmt: skip
    return Material(rows, vectors, part)


def train_text(
    name: str,
    recipe: TextRecipe,
    material: Material,
    how: HeadRecipe,
    encoder: SentenceEncoder,
    words: WordLists,
    taxonomy: Taxonomy,
    show: Show,
) -> TextScorer:
    """A scorer trained on the material, calibrated, its threshold set; no figures on its card."""
    covered = tuple(sorted({*recipe.types, SAFE}))
    allowed = _allowed(material.rows)
    train, calibration = material.of("train"), material.of("calibration")
    if not train.any() or not calibration.any():
        raise UsageError("too few texts to split into training and calibration; add some")
    torch.manual_seed(how.seed)
    net = _Net(material.vectors.shape[1], how.hidden, how.dropout)
    x = torch.from_numpy(material.vectors[train])
    target = torch.from_numpy(allowed[train])
    weights = torch.from_numpy(_weights(material.rows, train, BATCH_SHARE))
    banned = torch.tensor([t not in covered for t in range(len(TYPES))])
    optimiser = torch.optim.AdamW(net.parameters(), lr=how.rate, weight_decay=how.decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps)
    net.train()
    for step in range(how.steps):
        rows = weights.multinomial(how.batch, replacement=True)
        noisy = x[rows] + how.noise * torch.randn(len(rows), x.shape[1])
        loss = _losses(net(noisy).masked_fill(banned, -1e9), target[rows]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        show(step + 1, how.steps, f"loss {loss.item():.3f}")
    net.eval()
    odds = (1 - how.risky_share) / how.risky_share / ((1 - BATCH_SHARE) / BATCH_SHARE)
    with torch.inference_mode():
        net.around.bias[SAFE] += math.log(odds)
        logits = net(torch.from_numpy(material.vectors[calibration])).masked_fill(banned, -1e9)
    weights = torch.from_numpy(_weights(material.rows, calibration, how.risky_share))
    temperature = _temperature(logits, torch.from_numpy(allowed[calibration]), weights)
    head = net.head(temperature)
    card = TextCard(
        name=name,
        encoder={
            "name": encoder.public_name,
            "width": encoder.width,
            "fingerprint": encoder.fingerprint,
        },
        types_covered=tuple(TYPES[t] for t in covered),
        threshold=0.5,
        taxonomy_hash=taxonomy.hash,
        limits=LIMITS,
        training={
            **asdict(how),
            "temperature": round(temperature, 3),
            "mix": mix(material),
            "left_out": {s.name: list(s.left_out) for s in recipe.sets if s.left_out},
        },
    )
    scorer = TextScorer(card, head, encoder, words)
    return _with_threshold(scorer, material, how.false_alarms)


def mix(material: Material) -> dict[str, dict[str, int]]:
    """Set -> part -> number of texts."""
    found: dict[str, dict[str, int]] = {}
    for row, part in zip(material.rows, material.part.tolist(), strict=True):
        counts = found.setdefault(row.set, {"train": 0, "calibration": 0, "held-out": 0})
        counts[part] += 1
    return found


def _with_threshold(scorer: TextScorer, material: Material, most: float) -> TextScorer:
    """The least threshold, 0.5 at least, with so few false alarms on each harmless set."""
    from dataclasses import replace

    risk = 1 - scorer.probabilities(material.vectors)[:, SAFE]
    harmless = [
        np.array([row.set == name and row.allowed == (SAFE,) for row in material.rows])
        & material.of("calibration")
        for name in sorted({row.set for row in material.rows})
    ]
    wholly = [h for h in harmless if h.sum() >= 1 / most]
    bounds = [float(np.quantile(risk[h], 1 - most)) for h in wholly]
    threshold = min(0.95, max([0.5, *bounds]))
    card = replace(scorer.card, threshold=round(threshold, 3))
    return TextScorer(card, scorer.head, scorer.encoder, scorer.words)


class _Net(nn.Module):
    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(width, hidden)
        self.second = nn.Linear(hidden, len(TYPES), bias=False)
        self.around = nn.Linear(width, len(TYPES))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        # Unit vectors have small coordinates: at their usual scale the hidden layer wakes late.
        x = x * SCALE
        hidden: Tensor = self.second(self.drop(torch.relu(self.first(x)))) + self.around(x)
        return hidden

    def head(self, temperature: float) -> Head:
        """The weights as `Head` wants them, the temperature and the scale folded in."""

        def array(value: Tensor, factor: float = 1.0) -> np.ndarray:
            found: np.ndarray = (value.detach() * factor).contiguous().numpy().astype(np.float32)
            return found

        return Head(
            first=array(self.first.weight, SCALE),
            first_bias=array(self.first.bias),
            second=array(self.second.weight, 1 / temperature),
            around=array(self.around.weight, SCALE / temperature),
            bias=array(self.around.bias, 1 / temperature),
        )


SCALE: Final = 8.0


def _losses(logits: Tensor, allowed: Tensor) -> Tensor:
    """[N] -log of the probability that the type is one of the allowed."""
    some = logits.masked_fill(~allowed, -1e9)
    return logits.logsumexp(-1) - some.logsumexp(-1)


def _temperature(logits: Tensor, allowed: Tensor, weights: Tensor) -> float:
    """The temperature with the least weighted loss (Guo et al. 2017)."""
    grid = torch.logspace(-1, 1, 81)
    losses = [float((_losses(logits / t, allowed) * weights).sum()) for t in grid]
    return float(grid[int(np.argmin(losses))])


def _allowed(rows: Sequence[LabelledText]) -> np.ndarray:
    """[N, 7] bool."""
    found = np.zeros((len(rows), len(TYPES)), bool)
    for i, row in enumerate(rows):
        found[i, list(row.allowed)] = True
    return found


def _weights(rows: Sequence[LabelledText], used: np.ndarray, risky_share: float) -> np.ndarray:
    """[sum of used] float32, summing to 1: a set of a side counts with the root of its number."""
    chosen = [row for row, use in zip(rows, used.tolist(), strict=True) if use]
    keys = [(row.set, SAFE in row.allowed) for row in chosen]
    counts = {key: keys.count(key) for key in set(keys)}
    totals = {
        side: sum(n**0.5 for key, n in counts.items() if key[1] is side) for side in (True, False)
    }
    shares = {True: 1 - risky_share, False: risky_share}
    return np.array(
        [shares[key[1]] * counts[key] ** -0.5 / totals[key[1]] for key in keys], np.float32
    )


def _firsts(groups: np.ndarray) -> list[tuple[int, int]]:
    """The first text of every group."""
    values, first = np.unique(groups, return_index=True)
    return list(zip(first.tolist(), values.tolist(), strict=True))


def _draw(text: str) -> float:
    """A number in 0..1 that a text decides, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64

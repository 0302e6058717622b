"""A new concept for a finished scorer: one more row of its concept head, nothing else.

The row is a logistic regression on the safety features, so a few hundred examples and seconds are
enough. Its strength of regularisation is chosen by cross-validation; the AUROC on the card is
cross-validated too, with the strength chosen inside each fold anew, so that nothing is measured on
what it was fitted to. Near-duplicates stay in one fold. The probability is calibrated on the
held-out scores (Platt 1999, with his targets) and assumes that as many pictures show the concept
as among the examples.

Letters in shapes: N examples, E width of the safety features, K concepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from audit.card import Card
from audit.errors import UsageError
from audit.evaluation import auroc
from audit.evaluation.calibration import platt
from audit.evaluation.intervals import clopper_pearson, estimates
from audit.evaluation.measures import ranking
from audit.evaluation.overlap import sketch
from audit.safety import SafetyDims, SafetyModule
from audit.scorer import Scorer
from audit.taxonomy import CONCEPT_NAME, LEVELS, SAFE, TYPES, Taxonomy

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of C tried: 1 / weight of the L2 penalty on standardised features."""
FOLDS = 5
FEWEST = 10
"""Examples of each side, near-duplicates counted once, that anything can be said from."""
SUGGESTED = (50, 200)

Floats = npt.NDArray[np.float64]
Show = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class NewConcept:
    """A concept to add, checked by `new_concept`."""

    name: str
    type: str
    level: str


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A row of the concept head, and how well it does.

    weight, bias         [E] and a number: logit = weight @ features + bias
    auroc, low, high     cross-validated, with a 95 % interval over draws of whole groups
    strength             C
    positive, negative   examples; groups: examples that are no near-duplicates of each other
    """

    weight: npt.NDArray[np.float32]
    bias: float
    auroc: float
    low: float
    high: float
    strength: float
    positive: int
    negative: int
    groups: int


def new_concept(
    name: str, type_name: str | None, level: str | None, card: Card, taxonomy: Taxonomy
) -> NewConcept:
    """A concept that may be added to a scorer.

    type_name, level   may be left out, but not changed, for a concept of the taxonomy
    raises             UsageError that says what is wrong and what is known
    """
    if not CONCEPT_NAME.fullmatch(name) or name in (*TYPES, *LEVELS, "neutral"):
        raise UsageError(
            f"--concept {name!r}: a name is a-z, 0-9 and _, begins with a letter, 64 at most, and "
            "is none of the types and levels"
        )
    if name in card.concepts:
        raise UsageError(f"scorer {card.name} gives {name!r} already; choose another name")
    known = {c.name: c for c in taxonomy.concepts}.get(name)
    if known is not None:
        if (type_name or known.type, level or known.level) != (known.type, known.level):
            raise UsageError(
                f"the taxonomy has {name!r} under --type {known.type} --level {known.level}, not "
                f"{type_name or known.type} and {level or known.level}; choose another name"
            )
        return NewConcept(name, known.type, known.level)
    if type_name not in TYPES[:SAFE] or level not in LEVELS[1:]:
        raise UsageError(
            f"{name!r} is not in the taxonomy: give --type ({', '.join(TYPES[:SAFE])}) and "
            f"--level ({', '.join(LEVELS[1:])})"
        )
    return NewConcept(name, type_name, level)


def fit(
    features: npt.NDArray[Any],
    shows: npt.NDArray[np.bool_],
    groups: npt.NDArray[Any],
    *,
    seed: int = 256,
    show: Show | None = None,
) -> Fitted:
    """Fit one row of the concept head.

    features  [N, E] float, safety features
    shows     [N] bool, whether the example shows the concept
    groups    [N] equal for near-duplicates
    raises    UsageError with too few examples, or when the features do not tell them apart
    """
    x, y = features.astype(np.float64), np.asarray(shows, bool)
    sides = [len(set(groups[side].tolist())) for side in (y, ~y)]
    if min(sides) < FEWEST:
        raise UsageError(
            f"{sides[0]} positive and {sides[1]} negative examples that differ; at least {FEWEST} "
            f"of each are needed, about {SUGGESTED[0]} and {SUGGESTED[1]} are good"
        )
    held_out = np.zeros(len(y))
    outer = _folds(y, groups, seed)
    for done, (train, test) in enumerate(outer):
        strength = _strength(x[train], y[train], groups[train], seed)
        held_out[test] = _scores(x[train], y[train], x[test], strength)
        if show:
            show(done + 1, len(outer) + 1, "cross-validated")
    area = auroc(held_out, y)
    if area <= 0.5:
        raise UsageError(
            f"the scorer's features do not tell the examples apart (cross-validated AUROC "
            f"{area:.2f}); check the examples, or use a scorer with a stronger encoder"
        )
    low, high = _interval(y, held_out, groups, min(sides), seed)
    strength = _strength(x, y, groups, seed)
    weight, bias = _line(x, y, strength)
    slope, intercept = platt(held_out, y, np.ones(len(y)))
    if show:
        show(len(outer) + 1, len(outer) + 1, "fitted")
    return Fitted(
        weight=(slope * weight).astype(np.float32),
        bias=slope * bias + intercept,
        auroc=area,
        low=low,
        high=high,
        strength=strength,
        positive=int(y.sum()),
        negative=int((~y).sum()),
        groups=len(set(groups.tolist())),
    )


def add_concept(
    base: Scorer, concept: NewConcept, fitted: Fitted, name: str, digests: Iterable[str] = ()
) -> Scorer:
    """A copy of a scorer with one more concept; every other output stays as it is.

    name      of the new scorer
    digests   sha256 hex of the examples' files, so that nobody calibrates on them unknowingly
    """
    dims = base.safety.dims
    grown = SafetyDims(
        dims.projector, replace(dims.head, concepts=dims.head.concepts + 1), dims.query_mode
    )
    safety = SafetyModule(grown)
    state = dict(base.safety.state_dict())
    row = {
        "weight": torch.from_numpy(fitted.weight[None]),
        "bias": torch.tensor([fitted.bias], dtype=torch.float32),
    }
    for part, value in row.items():
        key = f"head.concept_head.{part}"
        before = [state[key].cpu()] if key in state else []
        state[key] = torch.cat([*before, value])
    safety.load_state_dict(state)
    safety.to(next(base.safety.parameters()).device)
    card = replace(
        base.card,
        name=name,
        safety=grown.to_json(),
        concepts=(*base.card.concepts, concept.name),
        added={
            **base.card.added,
            concept.name: {**_told(base, concept, fitted), "pictures": sketch(digests)},
        },
        limits=(*base.card.limits, _limit(concept, fitted)),
        files={},
    )
    return Scorer(card, base.encoder, safety)


def _told(base: Scorer, concept: NewConcept, fitted: Fitted) -> dict[str, Any]:
    """What the card says of the concept."""
    risk = {k: v for k, v in asdict(concept).items() if k != "name"}
    return risk | {
        "added_to": base.fingerprint,
        "auroc": [round(v, 4) for v in (fitted.auroc, fitted.low, fitted.high)],
        "auroc_by": f"{FOLDS}-fold cross-validation, 95 % interval",
        "positive": fitted.positive,
        "negative": fitted.negative,
        "groups": fitted.groups,
        "strength": fitted.strength,
        "assumed_share": round(fitted.positive / (fitted.positive + fitted.negative), 4),
        "changes": "its own probability only; risk type, level and other concepts stay",
    }


def _limit(concept: NewConcept, fitted: Fitted) -> str:
    return (
        f"{concept.name} ({concept.type}, {concept.level}) was added from {fitted.positive} + "
        f"{fitted.negative} examples: cross-validated AUROC {fitted.auroc:.3f} ({fitted.low:.3f} "
        f"to {fitted.high:.3f}) on those. It has no influence on risk type and level."
    )


def _folds(
    y: npt.NDArray[np.bool_], groups: npt.NDArray[Any], seed: int
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    both = ((train, test) for train, test in split.split(np.zeros(len(y)), y, groups))
    return [(train, test) for train, test in both if 0 < y[train].sum() < len(train)]


def _strength(x: Floats, y: npt.NDArray[np.bool_], groups: npt.NDArray[Any], seed: int) -> float:
    """The C with the least balanced loss on held-out folds."""
    losses = np.zeros(len(STRENGTHS))
    for train, test in _folds(y, groups, seed + 1):
        weights = _balanced(y[test])
        for i, strength in enumerate(STRENGTHS):
            logits = _scores(x[train], y[train], x[test], strength)
            wrong = np.logaddexp(0, np.where(y[test], -logits, logits))
            losses[i] += (weights * wrong).sum()
    return STRENGTHS[int(losses.argmin())]


def _line(x: Floats, y: npt.NDArray[np.bool_], strength: float) -> tuple[Floats, float]:
    """Weights and bias on the features as they are, fitted on standardised ones."""
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-9 * max(1.0, np.abs(mean).max()), scale, np.inf)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    model.fit((x - mean) / scale, y)
    weight: Floats = model.coef_[0] / scale
    return weight, float(model.intercept_[0] - weight @ mean)


def _scores(x: Floats, y: npt.NDArray[np.bool_], other: Floats, strength: float) -> Floats:
    weight, bias = _line(x, y, strength)
    scores: Floats = other @ weight + bias
    return scores


def _balanced(y: npt.NDArray[np.bool_]) -> Floats:
    """Weights that make both sides count alike."""
    weights: Floats = np.where(y, 0.5 / max(1, y.sum()), 0.5 / max(1, (~y).sum()))
    return weights


def _interval(
    y: npt.NDArray[np.bool_], scores: Floats, groups: npt.NDArray[Any], fewest: int, seed: int
) -> tuple[float, float]:
    """95 % interval of the AUROC over draws of whole groups; `fewest` on the smaller side."""
    measure = ranking("held out", scores, y, np.arange(len(y)))
    found = estimates([measure], groups.astype(str), seed=seed)[measure.names[0]]
    if found.low == found.high:  # none lost a comparison: as sure as that many hits in a row
        return clopper_pearson(found.value * fewest, fewest)
    return found.low, found.high

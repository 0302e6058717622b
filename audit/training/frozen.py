"""The safety modules, trained on stored features of a frozen encoder.

Letters in shapes: N examples, B batch, T patches, D feature width, K concepts.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audit.composing import Batch
from audit.evaluation import Judged, metrics
from audit.evaluation.overlap import sketch
from audit.evaluation.style import FEATURES as STYLE
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyOutput
from audit.scorer import Scorer, untrained
from audit.steps import Show
from audit.taxonomy import SAFE, TYPES
from audit.training.checkpoint import Checkpoint
from audit.training.features import Features
from audit.training.fitting import History, Plan, assume, fit, loss
from audit.training.mixture import choose_clean, class_weights, limits, mix
from audit.training.prepared import Columns, Prepared
from audit.training.recipe import FrozenRecipe

CHUNK = 64
HELD_OUT = "held-out"
"""Name of the metrics on a card that are of the part kept out of training."""

Tell = Callable[[str], None]
"""Called with a line that the user should see."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    history  how it went
    judged   scores and labels of the held-out part; None when nothing was held out
    """

    scorer: Scorer
    history: History
    judged: Judged | None


def train_frozen(
    prepared: Prepared,
    recipe: FrozenRecipe,
    *,
    name: str,
    out: Path | None = None,
    tell: Tell = lambda line: None,
    progress: Show | None = None,
    checkpoint_seconds: float | None = None,
) -> Trained:
    """A scorer for what `prepared` holds.

    name  of the scorer
    out   folder for checkpoints, one every `checkpoint_seconds`; None keeps none
    """
    device, columns = prepared.device, prepared.columns
    torch.manual_seed(recipe.seed)
    rest = np.flatnonzero(~prepared.split.held_out)
    kept, wanted = choose_clean(columns.types[rest], recipe.clean, recipe.seed)
    rows = rest[kept]
    training, features = columns.take(rows), prepared.features.take(rows)
    used = int((training.types == SAFE).sum())
    if used < wanted:
        tell(f"clean examples: {wanted:,} wanted, {used:,} there")
    scorer = _fresh(prepared, training, recipe, name)
    weights = class_weights(training.types, training.names, recipe.weighting)
    share = float(weights[training.types != SAFE].sum() / weights.sum())
    per_epoch = math.ceil(len(rows) / recipe.batch)
    steps = per_epoch * recipe.epochs
    held = np.flatnonzero(prepared.split.held_out)
    plan = Plan(
        steps,
        recipe.rate,
        max(1, steps // 20) if recipe.warmup is None else recipe.warmup,
        shape=recipe.shape,
        decay=recipe.decay,
        averaging=recipe.averaging,
        check_every=per_epoch,
        patience=recipe.patience if len(held) else 0,
    )
    covered = torch.tensor([t in scorer.card.types_covered for t in TYPES], device=device)
    checkpoint = None
    identity = _identity(prepared, recipe, rows)
    if out is not None:
        seconds = {} if checkpoint_seconds is None else {"seconds": checkpoint_seconds}
        checkpoint = Checkpoint(out, identity, **seconds)
    scorer.safety.to(device)
    history = fit(
        nn.ModuleDict({"safety": scorer.safety}),
        _judged,
        Epochs(features, training, weights, recipe.batch, recipe.seed, device),
        covered,
        plan,
        weights=recipe.weights,
        look=_looking(scorer, prepared, held, recipe, covered) if len(held) else None,
        checkpoint=checkpoint,
        progress=progress,
    )
    if recipe.risky_share is not None:
        assume(scorer.safety, share, recipe.risky_share)
    judged = judge_stored(scorer, prepared, held) if len(held) else None
    scorer.card.training.update(
        {
            "identity": identity,
            "mix": mix(training.names, training.sources),
            "pictures": sketch(training.sha256s.tolist()),
            "clean": {"wanted": wanted, "used": used},
            "split": prepared.split.report,
            "history": asdict(history),
        }
    )
    if judged is not None:
        scorer.card.metrics[HELD_OUT] = metrics(judged, scorer.concepts)
    if used < wanted:
        short = f"Trained with {used:,} clean examples where {wanted:,} were wanted."
        scorer.card = replace(scorer.card, limits=(*scorer.card.limits, short))
    return Trained(scorer, history, judged)


def finished(folder: Path, prepared: Prepared, recipe: FrozenRecipe) -> bool:
    """Whether a folder holds the scorer that this very run would make."""
    try:
        card = json.loads((folder / "scorer.json").read_bytes())
    except (OSError, ValueError):
        return False
    rest = np.flatnonzero(~prepared.split.held_out)
    kept, _ = choose_clean(prepared.columns.types[rest], recipe.clean, recipe.seed)
    return bool(card.get("training", {}).get("identity") == _identity(prepared, recipe, rest[kept]))


class Epochs:
    """Passes over the examples in a new order each, batch by batch; see `Batches`."""

    def __init__(
        self,
        features: Features,
        columns: Columns,
        weights: np.ndarray,
        batch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        """weights: [N] float32, of the examples in the loss."""
        self._features, self._columns, self._weights = features, columns, weights
        self._batch, self._seed, self._device = batch, seed, device
        self._step = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        """[B, T, D] float32 features and what they show; the last of a pass may be short."""
        count = len(self._columns)
        each = math.ceil(count / self._batch)
        while True:
            epoch, within = divmod(self._step, each)
            order = np.random.default_rng([self._seed, epoch]).permutation(count)
            for number in range(within, each):
                rows = order[number * self._batch : (number + 1) * self._batch]
                self._step += 1
                yield (
                    self._features.patches(rows).to(self._device),
                    _batch(self._columns, rows, self._weights[rows], self._device),
                )

    def state(self) -> dict[str, Any]:
        """Nothing: the step says it all."""
        return {}

    def restore(self, state: dict[str, Any], step: int) -> None:
        """Go on as after `step` batches."""
        self._step = step


def judge_stored(scorer: Scorer, prepared: Prepared, rows: np.ndarray) -> Judged:
    """Scores beside labels for the examples at `rows`, from their stored features."""
    ready = scorer.to(prepared.device.type).safety.folded().to(prepared.device).eval()
    parts = []
    with torch.inference_mode():
        for at in range(0, len(rows), CHUNK):
            patches = prepared.features.patches(rows[at : at + CHUNK]).to(prepared.device)
            parts.append(ready.pool(patches)[0].float().cpu().numpy())
    pooled = np.concatenate(parts)
    scores = scorer.from_features(pooled, np.zeros((len(pooled), 0), np.float16))
    c = prepared.columns.take(rows)
    return Judged(
        types=scores.types,
        levels=scores.levels,
        concepts=scores.concepts,
        true_types=c.types,
        true_levels=c.levels,
        true_concepts=c.concepts,
        names=c.names,
        sources=c.sources,
        groups=c.groups,
        style=np.full((len(rows), len(STYLE)), np.nan, np.float32),  # pixels are not at hand
        digests=c.sha256s,
        unusable=(),
    )


def _judged(model: nn.ModuleDict, patches: Tensor) -> SafetyOutput:
    output: SafetyOutput = model["safety"](patches)
    return output


def _batch(columns: Columns, rows: np.ndarray, weights: np.ndarray, device: torch.device) -> Batch:
    return Batch(
        torch.empty(0),
        torch.empty(0),
        torch.from_numpy(columns.types[rows]).to(device),
        torch.from_numpy(columns.levels[rows]).to(device),
        torch.from_numpy(columns.concepts[rows]).to(device),
        torch.from_numpy(weights).to(device),
    )


def _looking(
    scorer: Scorer,
    prepared: Prepared,
    held: np.ndarray,
    recipe: FrozenRecipe,
    covered: Tensor,
) -> Callable[[dict[str, Tensor]], float]:
    """The loss on the held-out part, for given weights of the model."""
    probe = nn.ModuleDict({"safety": copy.deepcopy(scorer.safety)}).to(prepared.device)
    columns, features = prepared.columns.take(held), prepared.features.take(held)
    weights = class_weights(columns.types, columns.names, recipe.weighting)

    @torch.inference_mode()
    def look(average: dict[str, Tensor]) -> float:
        probe.load_state_dict(average)
        probe.eval()
        total = 0.0
        for at in range(0, len(held), CHUNK):
            rows = np.arange(at, min(at + CHUNK, len(held)))
            batch = _batch(columns, rows, weights[rows], prepared.device)
            output = _judged(probe, features.patches(rows).to(prepared.device))
            total += loss(output, batch, covered, recipe.weights).item() * len(rows)
        return total / len(held)

    return look


def _fresh(prepared: Prepared, training: Columns, recipe: FrozenRecipe, name: str) -> Scorer:
    present = set(training.types.tolist()) | {SAFE}
    scorer = untrained(
        prepared.encoder,
        name=name,
        concepts=prepared.names,
        dims=SafetyDims(
            ProjectorDims(
                prepared.encoder.patch_width, recipe.hidden, recipe.width, None, recipe.depth
            ),
            HeadDims(
                recipe.width,
                tokens=recipe.tokens,
                heads=recipe.heads,
                concepts=len(prepared.names),
            ),
        ),
        taxonomy_hash=prepared.taxonomy_hash,
        types_covered=tuple(t for i, t in enumerate(TYPES) if i in present),
    )
    scorer.card.training["recipe"] = asdict(recipe)
    said = limits(training.types, training.concepts, training.sources, prepared.names)
    if prepared.encoder.spec["kind"] == "compact":
        said += (
            "The encoder learned from pictures of its own; where the held-out ones were among "
            "them, their figures are too good.",
        )
    scorer.card = replace(scorer.card, limits=said)
    return scorer


def _identity(prepared: Prepared, recipe: FrozenRecipe, rows: np.ndarray) -> str:
    """sha256 hex over all that decides the run: recipe, features, labels, which are held out."""
    columns = prepared.columns
    digest = hashlib.sha256(
        json.dumps([asdict(recipe), prepared.names, prepared.features_key]).encode()
    )
    digest.update("".join(columns.sha256s.tolist()).encode())
    for column in (columns.types, columns.levels, columns.concepts, rows):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()

"""The compact encoder and the safety modules, trained together on composed views of pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audit.augment import views
from audit.compact import CompactDims
from audit.composing import BATCH_SHARE, Batch, Composer
from audit.encoder import CompactEncoder
from audit.errors import UsageError
from audit.evaluation.overlap import sketch
from audit.labelled import LabelledSet, read_labelled
from audit.labels import Unusable
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyOutput
from audit.scorer import Scorer, untrained
from audit.steps import Show
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.training.checkpoint import Checkpoint
from audit.training.fitting import Plan, assume, fit
from audit.training.mixture import check_sides, drawn_documents, limits, mix, shown
from audit.training.recipe import Recipe

STORED = 192
"""Side in pixels at which examples are kept; views of them are cut out of that."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learned, apart from how.

    examples  stored at a side of at least the encoder's input side
    names     concepts to learn, the columns of `examples.concepts`
    name      of the scorer
    """

    examples: LabelledSet
    names: tuple[str, ...]
    taxonomy: Taxonomy
    name: str


def train(
    sources: Sequence[str],
    taxonomy: Taxonomy,
    recipe: Recipe,
    *,
    name: str,
    mapping: Path | None = None,
    start: Scorer | None = None,
    out: Path | None = None,
    progress: Show | None = None,
) -> tuple[Scorer, list[Unusable]]:
    """A scorer with a small encoder of its own, from labelled sources and drawn documents.

    mapping  a file of labels, see `audit.examples.read_examples`
    start    a compact scorer to go on from, instead of from scratch
    out      folder for checkpoints; None keeps none
    returns  the scorer, which covers the types and concepts that the examples show, and what
             could not be used
    raises   UsageError when there is no usable example, or nothing risky among them
    """
    names = tuple(c.name for c in taxonomy.concepts)
    said = progress or (lambda done, total, word: None)
    examples, unusable = read_labelled(
        sources,
        names,
        taxonomy,
        side=STORED,
        mapping=mapping,
        progress=lambda done: said(done, None, "pictures read"),
    )
    if recipe.documents:
        documents = drawn_documents(
            recipe.documents, recipe.seed, names, taxonomy, side=STORED, progress=said
        )
        examples = LabelledSet.join([examples, documents])
    check_sides(sources, int((examples.types != SAFE).sum()), len(examples))
    kept = shown(examples.concepts)
    task = Task(
        replace(examples, concepts=examples.concepts[:, kept]),
        tuple(names[k] for k in kept),
        taxonomy,
        name,
    )
    return train_compact(task, recipe, start=start, out=out, progress=progress), unusable


def train_compact(
    task: Task,
    recipe: Recipe,
    *,
    dims: CompactDims | None = None,
    start: Scorer | None = None,
    out: Path | None = None,
    progress: Show | None = None,
    checkpoint_seconds: float | None = None,
) -> Scorer:
    """Encoder and safety modules together, on composed views of the examples.

    start     a compact scorer of the same outputs to go on from; None starts from scratch
    out       folder for checkpoints, one every `checkpoint_seconds`
    returns   a scorer holding the running average of the weights, in eval mode
    """
    torch.manual_seed(recipe.seed)
    encoder = CompactEncoder(dims)
    if start is not None:
        encoder = _compact_of(start, task.names)
    scorer = _fresh(encoder, task, recipe)
    if start is not None:
        scorer.safety.load_state_dict(start.safety.state_dict())
        scorer.card.training["before"] = start.card.training
        assume(scorer.safety, _share_of(start), BATCH_SHARE)
    checkpoint = None
    if out is not None:
        seconds = {} if checkpoint_seconds is None else {"seconds": checkpoint_seconds}
        checkpoint = Checkpoint(out, _identity(task, recipe, scorer), **seconds)
    covered = torch.tensor([t in scorer.card.types_covered for t in TYPES])
    fit(
        nn.ModuleDict({"encoder": encoder, "safety": scorer.safety}),
        _judged,
        Views(task, recipe, encoder.size),
        covered,
        Plan(
            recipe.steps,
            recipe.rate,
            max(1, recipe.steps // 20),
            decay=recipe.decay,
            averaging=recipe.averaging,
        ),
        checkpoint=checkpoint,
        progress=progress,
    )
    assume(scorer.safety, BATCH_SHARE, recipe.risky_share)
    return scorer


def _judged(model: nn.ModuleDict, pixels: Tensor) -> SafetyOutput:
    output: SafetyOutput = model["safety"](model["encoder"](pixels).patches)
    return output


class Views:
    """Endless composed batches, each picture seen through a random view; see `Batches`."""

    def __init__(self, task: Task, recipe: Recipe, size: int) -> None:
        """size: S, the side of the encoder's input."""
        self._composer = Composer(
            task.examples, task.names, task.taxonomy, recipe.seed, strength=recipe.strength
        )
        self._rng = torch.Generator().manual_seed(recipe.seed)
        self._recipe, self._size = recipe, size

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        """[B, 3, S, S] float32 views and what they show."""
        strength = self._recipe.strength
        while True:
            batch = self._composer.batch(self._recipe.batch)
            yield views(batch.images, batch.aspects, self._size, self._rng, strength), batch

    def state(self) -> dict[str, Any]:
        """Where both generators stand."""
        return {
            "composer": self._composer.rng.bit_generator.state,
            "views": bytes(self._rng.get_state().tolist()).hex(),
        }

    def restore(self, state: dict[str, Any], step: int) -> None:
        """Go on with generators as they stood."""
        self._composer.rng.bit_generator.state = state["composer"]
        self._rng.set_state(torch.tensor(list(bytes.fromhex(state["views"])), dtype=torch.uint8))


def _share_of(start: Scorer) -> float:
    """Share of risky pictures that a scorer assumes; its card may be of another making."""
    recipe = start.card.training.get("recipe")
    share = recipe.get("risky_share") if isinstance(recipe, dict) else None
    return BATCH_SHARE if share is None else float(share)


def _compact_of(start: Scorer, names: tuple[str, ...]) -> CompactEncoder:
    if not isinstance(start.encoder, CompactEncoder) or start.concepts != names:
        raise UsageError(
            f"scorer {start.card.name} cannot be gone on from: it needs a compact encoder and the "
            f"concepts {', '.join(names)}; it has {', '.join(start.concepts)}"
        )
    return start.encoder


def _fresh(encoder: CompactEncoder, task: Task, recipe: Recipe) -> Scorer:
    examples = task.examples
    present = set(examples.types.tolist()) | {SAFE}
    width = encoder.patch_width
    dims = SafetyDims(
        ProjectorDims(width, min(width, 128), recipe.width, None, depth=2),
        HeadDims(recipe.width, tokens=16, heads=4, concepts=len(task.names)),
    )
    scorer = untrained(
        encoder,
        name=task.name,
        concepts=task.names,
        dims=dims,
        taxonomy_hash=task.taxonomy.hash,
        types_covered=tuple(t for i, t in enumerate(TYPES) if i in present),
    )
    scorer.card.training.update(
        {
            "recipe": asdict(recipe),
            "mix": mix(examples.names, examples.sources),
            "pictures": sketch(examples.digests.tolist()),
        }
    )
    said = limits(examples.types, examples.concepts, examples.sources, task.names)
    scorer.card = replace(scorer.card, limits=said)
    return scorer


def _identity(task: Task, recipe: Recipe, scorer: Scorer) -> str:
    """sha256 hex over all that decides the run: recipe, examples, starting weights."""
    digest = hashlib.sha256(json.dumps([asdict(recipe), task.names]).encode())
    e = task.examples
    for column in (e.pictures, e.aspects, e.types, e.levels, e.concepts):
        digest.update(column.tobytes() if column is not e.pictures else column.data)
    digest.update(scorer.fingerprint.encode())
    return digest.hexdigest()

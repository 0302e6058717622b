"""Labelled shards to a scorer.

Two ways, one result: `train_compact` trains the small encoder and the safety modules together from
scratch; `train_on_frozen` trains the safety modules on the features of a frozen encoder, computed
once. Both are seeded, and both leave the mix and the recipe on the scorer's card.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.augment import views
from audit.compact import CompactDims
from audit.composing import BATCH_SHARE, DRAWN, Batch, Composer
from audit.demo import KINDS, Templates, draw
from audit.encoder import CompactEncoder, Encoder
from audit.errors import UsageError
from audit.labelled import LabelledSet, Stretched, collect, read_labelled
from audit.labels import HARMLESS, Unusable, read_label
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyModule, SafetyOutput
from audit.scorer import Scorer, untrained
from audit.taxonomy import SAFE, TYPES, Taxonomy

STORED = 192
"""Side in pixels at which examples are kept; views of them are cut out of that."""

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and a word on how it goes."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run besides the examples.

    steps       optimiser steps
    batch       examples a step
    rate        peak learning rate of AdamW; warm-up over 5 % of the steps, then cosine to zero
    decay       weight decay of matrices
    averaging   decay of the running average of the weights that becomes the scorer
    documents   drawn documents mixed in
    seed        of weights, order, views and drawings
    width       E, width of safety tokens and head
    strength    0..1, how much is composed and how far views go; 1 unlearns the look of a source,
                a gentler second run gets used to pictures as they come
    risky_share  share of risky pictures that the probabilities assume; batches have half, so
                 the finished scorer is moved there (Saerens et al. 2002, equation 4)
    """

    steps: int = 4500
    batch: int = 64
    rate: float = 1.5e-3
    decay: float = 0.05
    averaging: float = 0.999
    documents: int = 4000
    seed: int = 256
    width: int = 192
    strength: float = 1.0
    risky_share: float = 0.2


def train(
    sources: Sequence[str],
    taxonomy: Taxonomy,
    recipe: Recipe,
    *,
    name: str,
    encoder: Encoder | None = None,
    start: Scorer | None = None,
    progress: Progress | None = None,
) -> tuple[Scorer, list[Unusable]]:
    """A scorer from labelled shards and drawn documents.

    encoder  kept frozen; None trains the compact encoder too
    start    a compact scorer to go on from, instead of from scratch
    returns  the scorer, which covers the types and concepts that the examples show, and one line
             for every sample that could not be used
    raises   UsageError when there is no usable example, or nothing risky among them
    """
    names = tuple(c.name for c in taxonomy.concepts)
    examples, unusable = read_labelled(sources, names, taxonomy, side=STORED)
    if recipe.documents:
        documents = drawn_documents(recipe.documents, recipe.seed, names, taxonomy, side=STORED)
        examples = LabelledSet.join([examples, documents])
    if (examples.types == SAFE).all() or (examples.types != SAFE).all():
        raise UsageError(
            f"{', '.join(sources)}: all {len(examples):,} examples are of one side; training needs "
            "risky and harmless ones"
        )
    shown = np.flatnonzero(np.nanmax(examples.concepts, axis=0) > 0)
    examples = replace(examples, concepts=examples.concepts[:, shown])
    names = tuple(names[k] for k in shown)
    if encoder is None:
        scorer = train_compact(
            examples, names, taxonomy, recipe, name=name, start=start, progress=progress
        )
    else:
        scorer = train_on_frozen(
            encoder, examples, names, taxonomy, recipe, name=name, progress=progress
        )
    return scorer, unusable


def drawn_documents(
    count: int,
    seed: int,
    names: tuple[str, ...],
    taxonomy: Taxonomy,
    *,
    side: int,
    templates: Templates = "train",
) -> LabelledSet:
    """`count` drawn documents, risky kinds and harmless twins in equal number.

    side       stored side R of the pictures
    templates  'train', 'heldout' or 'all', see `audit.demo.draw`
    """
    from PIL import Image

    halves = (
        [k for k, c in KINDS.items() if c not in HARMLESS],
        [k for k, c in KINDS.items() if c in HARMLESS],
    )
    rows = []
    for i in range(count):
        half = halves[i % 2]
        kind = half[i // 2 % len(half)]
        drawing = draw(kind, seed + i, templates)
        label = read_label({"concept": KINDS[kind]}, names, taxonomy)
        image = drawing.image.convert("RGB")
        square = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
        group = f"{DRAWN}{drawing.group}"
        rows.append(Stretched(square, image.width / image.height, label, f"{DRAWN}{kind}", group))
    return collect(rows)


def train_compact(
    examples: LabelledSet,
    names: tuple[str, ...],
    taxonomy: Taxonomy,
    recipe: Recipe,
    *,
    name: str,
    dims: CompactDims | None = None,
    start: Scorer | None = None,
    progress: Progress | None = None,
) -> Scorer:
    """Encoder and safety modules together, on composed views of the examples.

    examples  stored at a side of at least the encoder's input side
    names     concepts to learn, in the order of the scorer's outputs
    start     a compact scorer of the same outputs to go on from; None starts from scratch
    returns   a scorer holding the running average of the weights, in eval mode
    """
    torch.manual_seed(recipe.seed)
    encoder = CompactEncoder(dims)
    if start is not None:
        encoder = _compact_of(start, names)
    scorer = _fresh(encoder, examples, names, taxonomy, recipe, name)
    if start is not None:
        scorer.safety.load_state_dict(start.safety.state_dict())
        scorer.card.training["before"] = start.card.training
        assume(scorer.safety, start.card.training["recipe"]["risky_share"], BATCH_SHARE)
    composer = Composer(examples, names, taxonomy, recipe.seed, strength=recipe.strength)
    views_rng = torch.Generator().manual_seed(recipe.seed)

    def batches() -> Iterator[tuple[Tensor, Batch]]:
        while True:
            batch = composer.batch(recipe.batch)
            pixels = views(batch.images, batch.aspects, encoder.size, views_rng, recipe.strength)
            yield pixels, batch

    whole = nn.ModuleDict({"encoder": encoder, "safety": scorer.safety})

    def forward(model: nn.ModuleDict, pixels: Tensor) -> SafetyOutput:
        output: SafetyOutput = model["safety"](model["encoder"](pixels).patches)
        return output

    _fit(whole, forward, batches(), scorer, recipe, progress)
    return scorer


def train_on_frozen(
    encoder: Encoder,
    examples: LabelledSet,
    names: tuple[str, ...],
    taxonomy: Taxonomy,
    recipe: Recipe,
    *,
    name: str,
    progress: Progress | None = None,
) -> Scorer:
    """Safety modules on the features of a frozen encoder, each example encoded once as it is."""
    torch.manual_seed(recipe.seed)
    scorer = _fresh(encoder, examples, names, taxonomy, recipe, name)
    features = encode_all(encoder, examples, progress)
    rng = np.random.default_rng(recipe.seed)
    _, inverse, counts = np.unique(examples.names, return_inverse=True, return_counts=True)
    odds = 1 / np.sqrt(counts[inverse])
    for half in (examples.types == SAFE, examples.types != SAFE):
        odds[half] *= BATCH_SHARE / odds[half].sum()

    def batches() -> Iterator[tuple[Tensor, Batch]]:
        while True:
            rows = rng.choice(len(odds), recipe.batch, p=odds)
            e = examples.take(rows)
            yield (
                features[torch.from_numpy(rows)].float(),
                Batch(
                    torch.empty(0),
                    torch.from_numpy(e.aspects),
                    torch.from_numpy(e.types),
                    torch.from_numpy(e.levels),
                    torch.from_numpy(e.concepts),
                    torch.ones(len(e)),
                ),
            )

    whole = nn.ModuleDict({"safety": scorer.safety})

    def forward(model: nn.ModuleDict, patches: Tensor) -> SafetyOutput:
        output: SafetyOutput = model["safety"](patches)
        return output

    _fit(whole, forward, batches(), scorer, recipe, progress)
    return scorer


@torch.inference_mode()
def encode_all(
    encoder: Encoder, examples: LabelledSet, progress: Progress | None = None, chunk: int = 32
) -> Tensor:
    """Patch features [N, T, D] float16 of all examples, padded to a square as a scan does."""
    encoder.eval()
    out = []
    for start in range(0, len(examples), chunk):
        part = examples.take(np.arange(start, min(start + chunk, len(examples))))
        pictures, aspects = torch.from_numpy(part.pictures), torch.from_numpy(part.aspects)
        pixels = padded(pictures, aspects, encoder.size)
        out.append(encoder(pixels).patches.half())
        if progress:
            progress(start + len(part), len(examples), "encoding")
    return torch.cat(out)


def padded(pictures: Tensor, aspects: Tensor, size: int) -> Tensor:
    """[B, R, R, 3] uint8 stretched pictures -> [B, 3, S, S] float32 on a mid-grey square."""
    out = torch.full((len(pictures), 3, size, size), 128.0)
    for row, (picture, aspect) in enumerate(zip(pictures, aspects.tolist(), strict=True)):
        across = max(1, round(size * min(1.0, aspect)))
        down = max(1, round(size / max(1.0, aspect)))
        top, left = (size - down) // 2, (size - across) // 2
        content = F.interpolate(
            picture.permute(2, 0, 1)[None].float(), (down, across), mode="bilinear", antialias=True
        )
        out[row, :, top : top + down, left : left + across] = content[0]
    return out


def loss(output: SafetyOutput, batch: Batch, covered: Tensor) -> Tensor:
    """Type and level cross-entropy plus concept cross-entropy; weighted mean over the batch.

    covered  [7] bool; logits of the other types take no part
    """
    types = output.type_logits.float().masked_fill(~covered, -1e4)
    by_type = F.cross_entropy(types, batch.types, reduction="none")
    by_level = F.cross_entropy(output.level_logits.float(), batch.levels, reduction="none")
    known = ~batch.concepts.isnan()
    by_concept = F.binary_cross_entropy_with_logits(
        output.concept_logits.float(), batch.concepts.nan_to_num(), reduction="none"
    )
    per_concept = (by_concept * known).sum(1) / max(1, by_concept.shape[1])
    total = by_type + 0.5 * by_level + 2 * per_concept
    return (total * batch.weights).mean()


def _compact_of(start: Scorer, names: tuple[str, ...]) -> CompactEncoder:
    if not isinstance(start.encoder, CompactEncoder) or start.concepts != names:
        raise UsageError(
            f"scorer {start.card.name} cannot be gone on from: it needs a compact encoder and the "
            f"concepts {', '.join(names)}; it has {', '.join(start.concepts)}"
        )
    return start.encoder


def _fresh(
    encoder: Encoder,
    examples: LabelledSet,
    names: tuple[str, ...],
    taxonomy: Taxonomy,
    recipe: Recipe,
    name: str,
) -> Scorer:
    present = set(examples.types.tolist()) | {SAFE}
    width = encoder.patch_width
    dims = SafetyDims(
        ProjectorDims(width, min(width, 128), recipe.width, None, depth=2),
        HeadDims(recipe.width, tokens=16, heads=4, concepts=len(names)),
    )
    scorer = untrained(
        encoder,
        name=name,
        concepts=names,
        dims=dims,
        taxonomy_hash=taxonomy.hash,
        types_covered=tuple(t for i, t in enumerate(TYPES) if i in present),
    )
    scorer.card.training.update({"recipe": asdict(recipe), "mix": mix(examples)})
    scorer.card = replace(scorer.card, limits=limits(examples, names))
    return scorer


@torch.no_grad()
def assume(safety: SafetyModule, before: float, after: float) -> None:
    """Move type and level probabilities from one assumed share of risky pictures to another."""
    shift = math.log((1 - after) / after) - math.log((1 - before) / before)
    safety.head.type_head.bias[SAFE] += shift
    safety.head.level_head.bias[0] += shift


def limits(examples: LabelledSet, names: tuple[str, ...]) -> tuple[str, ...]:
    """What the mix alone says a reader must not rely on, one sentence each."""
    covered = {TYPES[i] for i in examples.types}
    missing = ", ".join(t for t in TYPES if t not in covered)
    said = [f"Not trained for {missing}: NULL in every output."] if missing else []
    drawn = np.char.startswith(examples.sources.astype(str), DRAWN)
    on_drawings, from_one = [], []
    for name in names:
        rows = examples.names == name
        if drawn[rows].all():
            on_drawings.append(name)
        elif len(set(examples.sources[rows & ~drawn])) == 1:
            from_one.append(name)
    if from_one:
        said.append(
            f"Photographs of {', '.join(from_one)} come from one source each; on other sources "
            "expect less than on held-out pictures of the same source."
        )
    if on_drawings:
        said.append(
            f"{', '.join(on_drawings)}: learned from drawings only; not measured on photographs."
        )
    said.append("A flag is a candidate for review, not a verdict.")
    return tuple(said)


def mix(examples: LabelledSet) -> dict[str, Any]:
    """Examples by label and by source, for the card."""
    return {
        "examples": len(examples),
        "by_label": dict(sorted(Counter(examples.names.tolist()).items())),
        "by_source": dict(sorted(Counter(examples.sources.tolist()).items())),
    }


def _fit(
    model: nn.ModuleDict,
    forward: Callable[[nn.ModuleDict, Tensor], SafetyOutput],
    batches: Iterator[tuple[Tensor, Batch]],
    scorer: Scorer,
    recipe: Recipe,
    progress: Progress | None,
) -> None:
    """AdamW with warm-up and cosine; the averaged weights are loaded into `model` at the end."""
    covered = torch.tensor([t in scorer.card.types_covered for t in TYPES])
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.decay},
        {"params": vectors, "weight_decay": 0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate)
    warm = max(1, recipe.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda s: min((s + 1) / warm, 0.5 * (1 + math.cos(math.pi * s / recipe.steps))),
    )
    average = copy.deepcopy(model.state_dict())
    model.train()
    running = 0.0
    for step in range(recipe.steps):
        inputs, batch = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            output = forward(model, inputs)
        value = loss(output, batch, covered)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        keep = min(recipe.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for key, tensor in model.state_dict().items():
                if tensor.is_floating_point():
                    average[key].lerp_(tensor, 1 - keep)
                else:
                    average[key].copy_(tensor)
        running += (value.item() - running) * (0.02 if step else 1.0)
        if progress and (step % 20 == 19 or step + 1 == recipe.steps):
            progress(step + 1, recipe.steps, f"loss {running:.3f}")
    model.load_state_dict(average)
    model.eval()
    assume(scorer.safety, BATCH_SHARE, recipe.risky_share)

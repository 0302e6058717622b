"""The training loop: AdamW on batches, a running average of the weights, early stop, resuming.

Letters in shapes: B batch, K concepts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.composing import Batch
from audit.safety import SafetyModule, SafetyOutput
from audit.steps import Show
from audit.taxonomy import SAFE
from audit.training.checkpoint import Checkpoint

WEIGHTS = (1.0, 0.5, 2.0)
CLIP = 1.0
"""Largest norm of the gradient (papers.md 3.1)."""


class Batches(Protocol):
    """An endless, seeded stream of batches that can be taken up in the middle."""

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        """Inputs of the model, and what is to come out."""

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain data."""

    def restore(self, state: dict[str, Any], step: int) -> None:
        """Go on as after `step` batches."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the weights are moved; see `FrozenRecipe` for the fields.

    check_every  steps between two looks at the held-out part; 0 for none
    patience     looks without a better value after which training ends; 0 for never
    """

    steps: int
    rate: float
    warmup: int
    shape: Literal["cosine", "linear"] = "cosine"
    decay: float = 0.0
    averaging: float = 0.999
    check_every: int = 0
    patience: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        if self.shape == "cosine":
            half = 0.5 * (1 + math.cos(math.pi * step / self.steps))
            return self.rate * min((step + 1) / max(1, self.warmup), half)
        if step < self.warmup:
            return self.rate * step / self.warmup
        return self.rate * max(0.0, (self.steps - step) / max(1, self.steps - self.warmup))


@dataclass(slots=True)
class History:
    """How a run went, for the card.

    looks    one {"step", "loss", "held_out"} a look at the held-out part
    best     index of the look with the lowest held-out loss, None without looks
    stopped  step after which training ended
    """

    looks: list[dict[str, float]] = field(default_factory=list)
    best: int | None = None
    stopped: int = 0


def loss(
    output: SafetyOutput,
    batch: Batch,
    covered: Tensor,
    weights: tuple[float, float, float] = WEIGHTS,
) -> Tensor:
    """Type and level cross-entropy plus concept cross-entropy; weighted mean over the batch.

    covered  [7] bool; logits of the other types take no part
    weights  of the three terms
    """
    types = output.type_logits.float().masked_fill(~covered, -1e4)
    by_type = F.cross_entropy(types, batch.types, reduction="none")
    by_level = F.cross_entropy(output.level_logits.float(), batch.levels, reduction="none")
    known = ~batch.concepts.isnan()
    by_concept = F.binary_cross_entropy_with_logits(
        output.concept_logits.float(), batch.concepts.nan_to_num(), reduction="none"
    )
    per_concept = (by_concept * known).sum(1) / max(1, by_concept.shape[1])
    total = weights[0] * by_type + weights[1] * by_level + weights[2] * per_concept
    return (total * batch.weights).mean()


@torch.no_grad()
def assume(safety: SafetyModule, before: float, after: float) -> None:
    """Move type and level probabilities from one assumed share of risky pictures to another."""
    shift = math.log((1 - after) / after) - math.log((1 - before) / before)
    safety.head.type_head.bias[SAFE] += shift
    safety.head.level_head.bias[0] += shift


def fit(
    model: nn.ModuleDict,
    forward: Callable[[nn.ModuleDict, Tensor], SafetyOutput],
    batches: Batches,
    covered: Tensor,
    plan: Plan,
    *,
    weights: tuple[float, float, float] = WEIGHTS,
    look: Callable[[dict[str, Tensor]], float] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Show | None = None,
) -> History:
    """Train `model` in place; it ends up in eval mode with the weights to keep.

    covered     [7] bool, see `loss`
    look        held-out loss of the given weights of the model
    checkpoint  a run killed and started again goes on and ends with the same weights
    """
    device = covered.device
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": plan.decay},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0},
        ],
        lr=plan.rate,
    )
    average = copy.deepcopy(model.state_dict())
    best = average
    history, running, first = History(), 0.0, 0
    if checkpoint is not None and (found := checkpoint.load()) is not None:
        tensors, state = {k: v.to(device) for k, v in found[0].items()}, found[1]
        model.load_state_dict(_part(tensors, "model."))
        average, best = _part(tensors, "average."), _part(tensors, "best.") or average
        _restore(optimiser, tensors)
        batches.restore(state["batches"], state["step"])
        first, running = state["step"], state["running"]
        history = History(state["looks"], state["best"], first)
    model.train()
    stream = iter(batches)
    for step in range(first, plan.steps):
        inputs, batch = next(stream)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate_at(step)
        with torch.autocast(device.type, torch.bfloat16):
            output = forward(model, inputs)
        value = loss(output, batch, covered, weights)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        keep = min(plan.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for key, tensor in model.state_dict().items():
                if tensor.is_floating_point():
                    average[key].lerp_(tensor, 1 - keep)
                else:
                    average[key].copy_(tensor)
        running += (value.item() - running) * (0.02 if step else 1.0)
        done = step + 1
        history.stopped = done
        if look is not None and (done % plan.check_every == 0 or done == plan.steps):
            history.looks.append(
                {"step": done, "loss": round(running, 5), "held_out": round(look(average), 5)}
            )
            model.train()
            now = [entry["held_out"] for entry in history.looks]
            if history.best is None or now[-1] < now[history.best]:
                history.best = len(now) - 1
                best = {k: v.clone() for k, v in average.items()}
        if progress and (done % 20 == 0 or done == plan.steps):
            progress(done, plan.steps, _word(running, history))
        if _is_over(history, plan):
            break
        if checkpoint is not None and done < plan.steps and checkpoint.due():
            tensors = {
                **{f"model.{k}": v for k, v in model.state_dict().items()},
                **{f"average.{k}": v for k, v in average.items()},
                **({f"best.{k}": v for k, v in best.items()} if history.best is not None else {}),
                **_moments(optimiser),
            }
            checkpoint.save(
                tensors,
                {
                    "step": done,
                    "running": running,
                    "batches": batches.state(),
                    "looks": history.looks,
                    "best": history.best,
                },
            )
    model.load_state_dict(best if plan.patience and history.best is not None else average)
    model.eval()
    return history


def _is_over(history: History, plan: Plan) -> bool:
    if not plan.patience or history.best is None:
        return False
    return len(history.looks) - 1 - history.best >= plan.patience


def _word(running: float, history: History) -> str:
    held_out = f", held out {history.looks[-1]['held_out']:.3f}" if history.looks else ""
    return f"loss {running:.3f}{held_out}"


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as named tensors."""
    return {
        f"adam.{number}.{name}": value
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def _restore(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    whole = optimiser.state_dict()
    for key, value in _part(tensors, "adam.").items():
        number, _, name = key.partition(".")
        whole["state"].setdefault(int(number), {})[name] = value
    optimiser.load_state_dict(whole)

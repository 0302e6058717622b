"""The training loop: the loss, the learning rate, early stop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from audit.composing import Batch
from audit.safety import SafetyOutput
from audit.taxonomy import SAFE, TYPES
from audit.training.fitting import Plan, fit, loss

# Evidence and safety features, which the loss does not read.
NOTHING = (torch.zeros(1, 1, 1), torch.zeros(1, 1))


def test_types_without_training_support_take_no_part_in_the_loss() -> None:
    covered = torch.tensor([t in ("illegal", "safe") for t in TYPES])
    logits = torch.zeros(2, 7, requires_grad=True)
    output = SafetyOutput(logits, torch.zeros(2, 4), torch.zeros(2, 0), *NOTHING)
    batch = Batch(
        torch.empty(0),
        torch.ones(2),
        torch.tensor([1, SAFE]),
        torch.tensor([2, 0]),
        torch.zeros(2, 0),
        torch.ones(2),
    )
    # One concept column less: the mean over no column must not poison the sum.
    value = loss(output, batch, covered)
    value.backward()
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert (logits.grad[:, ~covered] == 0).all()
    assert (logits.grad[:, covered] != 0).all()


def test_unknown_concepts_take_no_part_in_the_loss() -> None:
    covered = torch.ones(7, dtype=torch.bool)
    concept_logits = torch.zeros(1, 2, requires_grad=True)
    output = SafetyOutput(torch.zeros(1, 7), torch.zeros(1, 4), concept_logits, *NOTHING)
    batch = Batch(
        torch.empty(0),
        torch.ones(1),
        torch.tensor([4]),
        torch.tensor([2]),
        torch.tensor([[1.0, float("nan")]]),
        torch.ones(1),
    )
    loss(output, batch, covered).backward()
    assert concept_logits.grad is not None
    assert concept_logits.grad[0, 0] != 0
    assert concept_logits.grad[0, 1] == 0


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.0), (10, 0.5), (20, 1.0), (60, 0.5), (99, 0.0125)]
)
def test_the_linear_rate_is_that_of_the_released_training(step: int, rate: float) -> None:
    """Hugging Face's `linear`: from 0 over the warm-up to the peak, then to 0 (papers.md 3.1)."""
    assert Plan(100, 1.0, 20, shape="linear").rate_at(step) == pytest.approx(rate)


def test_the_cosine_rate_rises_falls_and_never_passes_the_peak() -> None:
    rates = [Plan(100, 2.0, 5).rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.4)
    assert max(rates) <= 2.0
    assert rates[50] == pytest.approx(1.0)
    assert rates[-1] < 0.01


class Line:
    """One number times one weight; the loss wants the weight to be large."""

    def __iter__(self):
        while True:
            one = torch.ones(1)
            batch = Batch(
                one, one, torch.tensor([1]), torch.tensor([0]), torch.zeros(1, 0), torch.ones(1)
            )
            yield torch.ones(1, 1), batch

    def state(self) -> dict:
        return {}

    def restore(self, state: dict, step: int) -> None:
        raise AssertionError


def test_training_ends_early_and_keeps_the_best_weights() -> None:
    model = nn.ModuleDict({"layer": nn.Linear(1, 7, bias=False)})
    held_out = iter([3.0, 1.0, 2.0, 2.5, 0.1])
    seen: list[Tensor] = []

    def look(weights: dict[str, Tensor]) -> float:
        seen.append(weights["layer.weight"].clone())
        return next(held_out)

    def forward(model: nn.ModuleDict, x: Tensor) -> SafetyOutput:
        logits = model["layer"](x)
        return SafetyOutput(logits, torch.zeros(1, 4), torch.zeros(1, 0), *NOTHING)

    plan = Plan(100, 0.1, 1, averaging=0.0, check_every=3, patience=2)
    history = fit(model, forward, Line(), torch.ones(7, dtype=torch.bool), plan, look=look)
    assert history.stopped == 12
    assert history.best == 1
    assert [entry["held_out"] for entry in history.looks] == [3.0, 1.0, 2.0, 2.5]
    assert torch.equal(model["layer"].weight, seen[1])
    assert not torch.equal(seen[1], seen[2])

"""Released PSA-VLM weights to ours and back.

The released names: `safe_mm_projector.proj.*` (projector), `safety_query_tokens` (token set 1),
`safe_part.cross_attention.*`, `safe_part.safety_head.*` (levels), `safe_part.other_head.*` (types).
Token set 2 and everything of the language model never reach the head (papers.md 1.2) and are
left aside.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from audit.errors import ScorerError
from audit.safety.head import HeadDims
from audit.safety.module import SafetyDims, SafetyModule
from audit.safety.projector import ProjectorDims

# Our prefix -> the released one. The released checkpoints have no concept head and no query row.
PREFIXES = {
    "projector.": "safe_mm_projector.proj.",
    "head.tokens": "safety_query_tokens",
    "head.attention.": "safe_part.cross_attention.",
    "head.level_head.": "safe_part.safety_head.",
    "head.type_head.": "safe_part.other_head.",
}
HEADS = 8  # papers.md 1.2; not to be read off the weights


def load_reference(
    state_dict: Mapping[str, Tensor], *, query: Tensor | None = None
) -> SafetyModule:
    """A `SafetyModule` with released PSA-VLM weights; all sizes are read off the tensors.

    state_dict  released names, any prefix such as `model.` before them; other keys are ignored
    query       the constant row the head was trained with (the embedding of `<pad>`): [E], or
                token embeddings [L, E] or [B, L, E] whose row 0 is the same for every sample.
                None leaves the query at zero in mode 'learned': it must be trained before use.
    returns     float32 module in eval mode; the pooling keeps the input grid, as the released
                configuration does (24 x 24)
    raises      ScorerError naming missing keys or a query that does not fit
    source      papers.md 1.2, 1.3, O1
    """
    released = _strip(state_dict)
    dims = _read_dims(released, parity=query is not None)
    module = SafetyModule(dims).eval()
    ours = {
        ours_prefix + key.removeprefix(theirs): value.float()
        for key, value in released.items()
        for ours_prefix, theirs in PREFIXES.items()
        if key.startswith(theirs)
    }
    ours["head.tokens"] = ours["head.tokens"].reshape(-1, dims.head.width)
    ours["head.query"] = (
        torch.zeros(dims.head.width) if query is None else _query_row(query, dims.head.width)
    )
    missing, unexpected = module.load_state_dict(ours, strict=False)
    if missing or unexpected:
        raise ScorerError(
            f"released weights do not fit: missing {missing[:3]}, unexpected {unexpected[:3]}; "
            "pass the whole state dict of a PSA-VLM checkpoint"
        )
    return module


def to_reference(module: SafetyModule) -> dict[str, Tensor]:
    """The module's weights under the released names; the query and a concept head stay behind."""
    out: dict[str, Tensor] = {}
    for key, value in module.state_dict().items():
        for ours, theirs in PREFIXES.items():
            if key.startswith(ours):
                out[theirs + key.removeprefix(ours)] = value
    out["safety_query_tokens"] = out["safety_query_tokens"].unsqueeze(0)
    return out


def _strip(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Only the safety modules' tensors, with whatever stood before the released names cut off."""
    out: dict[str, Tensor] = {}
    for key, value in state_dict.items():
        for theirs in PREFIXES.values():
            at = key.find(theirs)
            if at == 0 or (at > 0 and key[at - 1] == "."):
                out[key[at:]] = value
    return out


def _read_dims(released: Mapping[str, Tensor], *, parity: bool) -> SafetyDims:
    proj = PREFIXES["projector."]
    try:
        hidden, encoder = released[f"{proj}net.0.b1.conv1.conv.weight"].shape[:2]
        width = released["safe_part.cross_attention.out_proj.weight"].shape[0]
        tokens = released["safety_query_tokens"]
        types = released["safe_part.other_head.weight"].shape[0]
        levels = released["safe_part.safety_head.weight"].shape[0]
    except KeyError as missing:
        raise ScorerError(
            f"not a PSA-VLM checkpoint: no tensor {missing}; expected safe_mm_projector.proj.*, "
            "safety_query_tokens and safe_part.*"
        ) from None
    depth = sum(f"{proj}net.0.b{i}.conv1.conv.weight" in released for i in range(1, 65))
    mlp_depth = sum(f"{proj}readout.{i}.weight" in released for i in range(0, 64, 2))
    return SafetyDims(
        ProjectorDims(encoder, hidden, width, None, depth, mlp_depth),
        HeadDims(width, tokens.numel() // width, HEADS, types, levels),
        "parity" if parity else "learned",
    )


def _query_row(query: Tensor, width: int) -> Tensor:
    rows = query.detach().float()
    if rows.ndim == 3:
        if not torch.equal(rows[:, 0], rows[:1, 0].expand_as(rows[:, 0])):
            raise ScorerError("query differs between samples; the head has one constant row")
        rows = rows[0]
    row = rows[0] if rows.ndim == 2 else rows
    if row.shape != (width,):
        raise ScorerError(f"query has shape {tuple(query.shape)}; expected [{width}]")
    return row

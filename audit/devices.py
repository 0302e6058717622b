"""On what a scorer runs."""

from __future__ import annotations

import os

import torch

from audit.errors import UsageError


def resolve_device(device: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> a device. raises UsageError when it is not there"""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("--device cuda: no CUDA device is visible here; use --device cpu")
    if os.environ.get("OMP_NUM_THREADS") is None and device == "cpu":
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0))))
    return torch.device(device)

"""A training run on disk, so that a killed one goes on where it was.

`unfinished.json` says where the run stands and names the safetensors file beside it; it is written
last and takes its name at once, so the two always belong together.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from audit.errors import UsageError
from audit.parts import replacing

NAME = "unfinished.json"
SECONDS = 60.0
"""Between two checkpoints: what a killed run loses at most."""


class Checkpoint:
    """The checkpoint of one run in one folder."""

    def __init__(self, folder: Path, identity: str, *, seconds: float = SECONDS) -> None:
        """identity: of recipe and examples; a checkpoint of another run is refused."""
        self.folder = folder
        self.identity = identity
        self._seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last >= self._seconds

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and plain data of the last one, None where there is none.

        raises  UsageError when it is of another recipe or other examples, or damaged
        """
        path = self.folder / NAME
        if not path.exists():
            return None
        remedy = f"give another --out, or delete {path} to start again"
        try:
            state = json.loads(path.read_bytes())
            if state["identity"] != self.identity:
                raise UsageError(
                    f"{self.folder}: holds an unfinished run of another recipe or of other "
                    f"examples; {remedy}"
                )
            return load_file(self.folder / state["tensors"]), state
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UsageError(f"{path}: cannot be read ({error!s:.100}); {remedy}") from None

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"unfinished-{state['step']:07d}.safetensors"
        with replacing(self.folder / name) as new:
            save_file({k: v.detach().contiguous().cpu() for k, v in tensors.items()}, new)
        with replacing(self.folder / NAME) as new:
            new.write_text(
                json.dumps({**state, "identity": self.identity, "tensors": name}), encoding="utf-8"
            )
        _clear(self.folder, name)
        self._last = time.monotonic()


def clear(folder: Path) -> None:
    """Remove the checkpoint of a run that is finished."""
    (folder / NAME).unlink(missing_ok=True)
    _clear(folder, "")


def _clear(folder: Path, kept: str) -> None:
    for path in folder.glob("unfinished-*.safetensors*"):
        if path.name != kept:
            path.unlink(missing_ok=True)

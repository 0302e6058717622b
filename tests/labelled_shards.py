"""Labelled examples written as a shard, for tests of the commands that read them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from audit.examples import Example


def labelled_shard(folder: Path, examples: Sequence[Example], *, spoil: int | None = None) -> Path:
    """A folder with one shard; the label of example `spoil` is of no known concept."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for i, example in enumerate(examples):
            label = {"concept": example.label.name if i != spoil else "no such thing"}
            beside = json.dumps({**label, "source": example.source, "group": example.group})
            for name, data in (("jpg", example.data), ("json", beside.encode())):
                member = tarfile.TarInfo(f"{i:04d}.{name}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return folder

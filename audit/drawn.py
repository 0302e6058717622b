"""Drawn documents as labelled examples, for training and for measuring."""

from __future__ import annotations

import io
from collections.abc import Sequence

from audit.demo import KINDS, Drawing
from audit.labels import Example, read_label
from audit.taxonomy import Taxonomy

DRAWN = "drawn:"
"""Prefix of the source of drawn documents."""
QUALITY = 90
"""Of the JPEG they are stored as."""


def drawn_example(
    kind: str, drawing: Drawing, seed: int, names: Sequence[str], taxonomy: Taxonomy
) -> Example:
    """The example of one drawing.

    seed    it was drawn with, to name it by
    names   the K concepts to give targets for
    """
    file = io.BytesIO()
    drawing.image.convert("RGB").save(file, "JPEG", quality=QUALITY)
    return Example(
        data=file.getvalue(),
        label=read_label({"concept": KINDS[kind]}, names, taxonomy),
        source=f"{DRAWN}{kind}",
        group=f"{DRAWN}{drawing.group}",
        where=f"{DRAWN}{kind}:{seed}",
        caption=None,
        extra={},
    )

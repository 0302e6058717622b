"""`python -m bench.looks PHOTOS`: fits and measures the test of audit.looks on drawings and photos.

PHOTOS is a folder with labelled shards train-*.tar and val-*.tar. Fitted on the first and on the
drawing templates for training, measured on the others. Prints the constants for audit/looks.py.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audit.demo import Templates, draw
from audit.images import load
from audit.looks import measures, text_likeness
from audit.shards import ShardReader, expand

SIZE = 160
EACH = 20
PHOTOS_EACH = 400
FALSE = 0.03  # share of photos to be read in vain
TEXT = [
    "typographic", "recipe", "todo", "title", "code", "worksheet", "book_page", "note", "table",
    "form", "hostile_chat", "friendly_chat",
]  # fmt: skip
OTHER = ["abstract", "street", "mosaic", "map", "crowd"]


def drawings(kinds: list[str], templates: Templates) -> Iterator[tuple[str, np.ndarray]]:
    """Name and prepared picture of EACH drawings a kind."""
    for kind in kinds:
        for seed in range(EACH):
            file = io.BytesIO()
            draw(kind, 70_000 + seed, templates).image.save(file, "JPEG", quality=88)
            yield kind, prepared(file.getvalue())


def photos(folder: Path, half: str) -> Iterator[tuple[str, np.ndarray]]:
    """Label and prepared picture of at most PHOTOS_EACH photos a label."""
    seen: dict[str, int] = {}
    for shard in expand([str(folder / f"{half}-*.tar")]):
        for sample in ShardReader(shard):
            label = str(json.loads(sample.metadata or "{}").get("concept"))
            seen[label] = seen.get(label, 0) + 1
            if sample.data is not None and seen[label] <= PHOTOS_EACH:
                yield label, prepared(sample.data)


def prepared(data: bytes) -> np.ndarray:
    """The picture as a scorer of side SIZE takes it."""
    return load(data, size=SIZE, crop_mode="pad", preview=False).pixels


def table(folder: Path, half: str) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Measures [N, 8], names [N] and pictures; names of photos begin with 'photo:'."""
    drawn: Templates = "train" if half == "train" else "heldout"
    rows = [(f"drawn:{k}", x) for k, x in drawings([*TEXT, *OTHER], drawn)]
    rows += [(f"photo:{k}", x) for k, x in photos(folder, half)]
    found = [(measures(x), name, x) for name, x in rows]
    there = [(m, name, x) for m, name, x in found if m is not None]
    return (
        np.stack([m for m, _, _ in there]),
        np.array([name for _, name, _ in there]),
        [x for _, _, x in there],
    )


def main(folder: Path) -> None:
    """Fit, print the constants, then what those in audit.looks do on what was kept out."""
    from sklearn.linear_model import LogisticRegression

    text = [f"drawn:{kind}" for kind in TEXT]
    fitted, names, _ = table(folder, "train")
    plain = np.char.startswith(names, "photo:") & (names != "photo:typographic")
    used = np.isin(names, text) | np.isin(names, [f"drawn:{k}" for k in OTHER]) | plain
    mean, spread = fitted[used].mean(0), fitted[used].std(0)
    model = LogisticRegression(max_iter=3000)
    model.fit((fitted[used] - mean) / spread, np.isin(names, text)[used])
    odds = model.decision_function((fitted[plain] - mean) / spread)
    bias = float(model.intercept_[0] - np.quantile(odds, 1 - FALSE))
    for name, values in (("_MEAN", mean), ("_SPREAD", spread), ("_WEIGHT", model.coef_[0])):
        print(f"{name}: Final = np.array([{', '.join(f'{v:.4g}' for v in values)}])")
    print(f"_BIAS: Final = {bias:.4g}")

    _, names, pictures = table(folder, "val")
    began = time.process_time()
    like = np.array([text_likeness(x) > 0 for x in pictures])
    cost = (time.process_time() - began) / len(pictures)
    again = ((measures(pictures[0]) - mean) / spread) @ model.coef_[0] + bias
    print(f"as committed: {np.isclose(again, text_likeness(pictures[0]), atol=0.05)}")
    for name in sorted(set(names)):
        here = names == name
        print(f"{like[here].mean():6.3f} of {here.sum():>5,}  {name}")
    plain = np.char.startswith(names, "photo:") & (names != "photo:typographic")
    for title, here in (("drawn text", np.isin(names, text)), ("photos without text", plain)):
        print(f"{title}: {like[here].sum():,} of {here.sum():,} look like text")
    print(f"CPU time a picture: {1e3 * cost:.2f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

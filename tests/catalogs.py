"""Small real catalogs for tests: drawn images in a tar, read, decoded and stored by our own code.

Only the scores are made up, from a seeded generator: what they are does not matter here.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from audit import images
from audit.books import PartBooks
from audit.errors import ImageError
from audit.parts import Parts
from audit.scorer import Scores
from audit.shards import Sample, Shard, ShardReader, expand
from audit.taxonomy import TYPES

CONCEPTS = ("weapon", "fire", "captcha")
WIDTH = 8
FEATURES = 6


def png(seed: int) -> bytes:
    """A small drawn picture, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_tar(
    path: Path,
    count: int,
    *,
    broken: Sequence[int] = (),
    seed: int = 0,
    caption: str | None = None,
) -> Path:
    """A shard of `count` samples (png, txt, json); the images of `broken` are no images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for n in range(count):
            image = b"no image" if n in broken else png(seed * 1000 + n)
            record = json.dumps({"uid": f"uid-{path.stem}-{n}"}) if n % 2 else "{}"
            for name, data in (
                (f"{n:05d}.png", image),
                (f"{n:05d}.txt", (caption or f"caption {n} of {path.stem}").encode()),
                (f"{n:05d}.json", record.encode()),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return path


def made_up_scores(count: int, seed: int = 0, width: int = WIDTH) -> Scores:
    """Scores of the right shape: probabilities that sum to 1, embeddings of unit length."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, width)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Scores(
        types=rng.dirichlet(np.ones(7), count).astype(np.float32),
        levels=rng.dirichlet(np.ones(4), count).astype(np.float32),
        concepts=rng.random((count, len(CONCEPTS)), dtype=np.float32),
        embeddings=embeddings.astype(np.float16),
        evidence=np.zeros((count, 1, 1), np.float32),
        features=rng.normal(size=(count, FEATURES)).astype(np.float32),
    )


def write_part(
    catalog: Path,
    shard: Shard,
    *,
    seed: int = 0,
    batch: int = 4,
    scorer: str = "made up",
    features: bool = False,
    without: Sequence[str] = (),
) -> PartBooks:
    """Read one shard and store it, as a scan does; without the scores of some types."""

    def scores(count: int) -> Scores:
        made = made_up_scores(count, seed)
        made.types[:, [TYPES.index(name) for name in without]] = np.nan
        return made

    reader = ShardReader(shard)
    with Parts(catalog).writing(
        shard, concept_names=CONCEPTS, scorer=scorer, features=features
    ) as part:
        waiting: list[tuple[Sample, images.Picture]] = []
        for sample in reader:
            try:
                assert sample.data is not None
                waiting.append((sample, images.load(sample.data, size=16, crop_mode="pad")))
            except ImageError as error:
                part.add_failed(sample, str(error))
            if len(waiting) == batch:
                part.add_scored(*zip(*waiting, strict=True), scores(batch))
                waiting, seed = [], seed + 1
        if waiting:
            part.add_scored(*zip(*waiting, strict=True), scores(len(waiting)))
        return part.finish(reader.books)


def write_catalog(folder: Path, shards: int = 2, samples: int = 10) -> tuple[Path, list[Shard]]:
    """Tars in `folder/tars`, their parts and audit.json in `folder/tars.audit`; no index yet."""
    for n in range(shards):
        write_tar(folder / "tars" / f"{n:05d}.tar", samples, broken=(3,), seed=n)
    catalog = folder / "tars.audit"
    found = expand([str(folder / "tars")])
    for n, shard in enumerate(found):
        write_part(catalog, shard, seed=100 * n)
    (catalog / "audit.json").write_text(
        json.dumps({"sources": [str(folder / "tars")], "options": {}})
    )
    return catalog, found

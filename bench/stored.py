"""Rows a second of scoring what is stored: embeddings of a folder, features of a catalog.

    python -m bench.stored [--rows N] [--width E] [--turns N]

One core: the process binds itself to one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from audit.card import Card
from audit.embedded import scan_embeddings
from audit.embedding_scorer import EmbeddingScorer
from audit.heads import DenseJudge
from audit.identity import encoder_identity
from audit.plan import ScanOptions
from audit.rescore import rescore
from audit.scan import scan
from audit.scorer import Scorer
from audit.taxonomy import Taxonomy
from bench.scan import repeated

SPEC = {"kind": "open_clip", "model": "ViT-L-14", "pretrained": "openai"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run both and print one line for each figure."""
    p = argparse.ArgumentParser(prog="python -m bench.stored", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--rows", type=int, default=200_000, help="embeddings of the folder")
    p.add_argument("--width", type=int, default=768, help="of an embedding")
    p.add_argument("--images", type=int, default=2_000, help="of the catalog to rescore")
    p.add_argument("--turns", type=int, default=3)
    args = p.parse_args(argv)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        print_embeddings(Path(folder), args.rows, args.width, args.turns)
        print_rescore(Path(folder), args.images, args.turns)
    return 0


def print_embeddings(folder: Path, rows: int, width: int, turns: int) -> None:
    """A linear head on a folder of embeddings: parts written, the index left out."""
    write_folder(folder / "clip", rows, width)
    scorer, rates = linear(width), []
    for _ in range(turns):
        report = scan_embeddings([str(folder / "clip")], folder / "embedded", scorer,
                                 encoder_identity(SPEC), ScanOptions(overwrite=True))  # fmt: skip
        rates.append(rows / report.seconds)
    print(f"embeddings ({rows:,} x {width}, linear head): {statistics.median(rates):,.0f} rows/s "
          f"[{min(rates):,.0f} .. {max(rates):,.0f}]", flush=True)  # fmt: skip


def print_rescore(folder: Path, images: int, turns: int) -> None:
    """New heads on stored features, against scanning the same images."""
    scorer = Scorer.load("compact", device="cpu")
    source = repeated(folder / "shards", images)
    scanned = scan([str(source)], folder / "scanned", scorer, ScanOptions(features=True))
    rates, ratios = [], []
    for turn in range(turns):
        catalog = folder / f"rescored{turn}"
        shutil.copytree(folder / "scanned", catalog)
        other = Scorer.load("compact", device="cpu")
        bias = other.safety.head.type_head.bias.detach()
        bias += 0.1 * (turn + 1)
        report = rescore(catalog, other)
        rates.append(report.rows_per_second)
        ratios.append(report.rows_per_second / scanned.images_per_second)
        shutil.rmtree(catalog)
    print(f"rescore from features ({scanned.scored:,} rows): {statistics.median(rates):,.0f} "
          f"rows/s [{min(rates):,.0f} .. {max(rates):,.0f}], {statistics.median(ratios):,.0f} "
          "times the scan", flush=True)  # fmt: skip


def linear(width: int) -> EmbeddingScorer:
    """One linear output, drawn from a seed: as fast as a trained one."""
    weight = np.random.default_rng(0).normal(size=(1, width)).astype(np.float32)
    card = Card(
        name="linear", kind="head", encoder=SPEC, crop_mode="center",
        safety={"types": ["illegal"], "levels": ["high"]}, concepts=("weapon",),
        types_covered=("illegal", "safe"), taxonomy_hash=Taxonomy.load().hash,
    )  # fmt: skip
    return EmbeddingScorer(card, DenseJudge(None, None, ((weight, np.zeros(1, np.float32)),)))


def write_folder(folder: Path, rows: int, width: int) -> None:
    """A folder as clip-retrieval writes it; captions as long as LAION's."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((rows, width), np.float32).astype(np.float16)
    for name in ("img_emb", "metadata"):
        (folder / name).mkdir(parents=True)
    np.save(folder / "img_emb" / "img_emb_0.npy", vectors)
    said = [
        f"a picture of thing {n} beside another one, from above, in colour" for n in range(rows)
    ]
    table: dict[str, list[str] | pa.Array[Any]] = {
        "image_path": [f"{n:09d}" for n in range(rows)],
        "caption": said,
        "url": [f"https://example.org/pictures/{n}.jpg" for n in range(rows)],
        "width": pa.array(rng.integers(100, 2000, rows)),
        "height": pa.array(rng.integers(100, 2000, rows)),
    }
    pq.write_table(pa.table(table), folder / "metadata" / "metadata_0.parquet")


if __name__ == "__main__":
    raise SystemExit(main())

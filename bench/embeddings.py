"""How fast stored embeddings are judged: rows a second on one core, and over a bare matmul.

    python -m bench.embeddings [--rows N] [--width E] [--turns N]

A folder as clip-retrieval writes it is made, of float16 embeddings and metadata with captions and
urls. Measured in turns within one run, on one core: reading it in pieces and judging these with a
linear head, with LAION's L/14 shape of dense layers, and zero-shot with the taxonomy's prompts.
Times are of the processor, which other work on the machine hardly changes. The bare matmul is
NumPy's of the same float32 vectors already in memory with one matrix of the prompts' size: what no
zero-shot scorer can be faster than.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import torch  # noqa: E402

from audit.card import Card  # noqa: E402
from audit.embedding_scorer import EmbeddingScorer, Judge  # noqa: E402
from audit.embeddings import pieces, survey  # noqa: E402
from audit.heads import DenseJudge  # noqa: E402
from audit.taxonomy import TYPES, Taxonomy  # noqa: E402
from audit.zeroshot import Prompts, TextJudge  # noqa: E402

LINEAR, LAION = (1,), (64, 512, 256, 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print one line for each figure."""
    p = argparse.ArgumentParser(prog="python -m bench.embeddings", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--rows", type=int, default=131_072)
    p.add_argument("--width", type=int, default=768, help="E (default: 768, as CLIP L/14)")
    p.add_argument("--turns", type=int, default=5, help="repeats of everything, in turns")
    args = p.parse_args(argv)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), args.rows, args.width, rng)
        scorers = {
            "linear head": dense(args.width, LINEAR, rng),
            "LAION's L/14 layers": dense(args.width, LAION, rng),
            "zero-shot, all concepts": prompts(args.width, rng),
        }
        works: dict[str, Callable[[], object]] = {
            "reading alone": lambda: [piece.rows for piece in pieces(survey(folder))],
            **{what: judging(folder, scorer) for what, scorer in scorers.items()},
        }
        judge = scorers["zero-shot, all concepts"].judge
        matrix = judge.tensors()["text"].T
        vectors = np.load(folder / "img_emb" / "img_emb_0.npy").astype(np.float32)
        works["bare matmul"] = lambda: vectors @ matrix
        took: dict[str, list[float]] = {what: [] for what in works}
        for _ in range(args.turns):
            for what, work in works.items():
                began = time.process_time()
                work()
                took[what].append(time.process_time() - began)
    print(f"{args.rows:,} embeddings {args.width} wide, {matrix.shape[1]} prompts, one core, NumPy "
          f"{np.__version__}; median of {args.turns} turns [least .. most]")  # fmt: skip
    for what, times in took.items():
        rates = sorted(args.rows / t for t in times)
        ratios = [t / bare for t, bare in zip(times, took["bare matmul"], strict=True)]
        print(f"{what}: {statistics.median(rates):,.0f} rows/s "
              f"[{rates[0]:,.0f} .. {rates[-1]:,.0f}], {statistics.median(ratios):.2f} of the bare "
              "matmul's time")  # fmt: skip
    return 0


def judging(folder: Path, scorer: EmbeddingScorer) -> Callable[[], None]:
    """Read every piece and score it."""

    def work() -> None:
        for piece in pieces(survey(folder)):
            scorer.score_embeddings(piece.embeddings)

    return work


def write(folder: Path, rows: int, width: int, rng: np.random.Generator) -> Path:
    """A folder of one file, as clip-retrieval lays it out."""
    for name in ("img_emb", "metadata"):
        (folder / name).mkdir()
    vectors = rng.standard_normal((rows, width), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.save(folder / "img_emb" / "img_emb_0.npy", vectors.astype(np.float16))
    table = pa.table(
        {
            "image_path": [f"{i:09d}" for i in range(rows)],
            "caption": [
                f"a photo of some thing number {i}, seen from the side" for i in range(rows)
            ],
            "url": [f"https://example.org/pictures/{i}.jpg" for i in range(rows)],
            "width": pa.array(rng.integers(64, 4096, rows)),
            "height": pa.array(rng.integers(64, 4096, rows)),
            "NSFW": ["UNLIKELY"] * rows,
        }
    )
    pq.write_table(table, folder / "metadata" / "metadata_0.parquet")
    return folder


def dense(width: int, outs: Sequence[int], rng: np.random.Generator) -> EmbeddingScorer:
    """A head of random weights."""
    ins = (width, *outs)
    layers = tuple(
        (rng.standard_normal((o, i), np.float32), np.zeros(o, np.float32))
        for i, o in zip(ins, outs, strict=False)
    )
    mean = np.zeros(width, np.float32) if len(outs) > 1 else None
    scale = np.ones(width, np.float32) if len(outs) > 1 else None
    return scorer(DenseJudge(mean, scale, layers), ("nudity",), ("illegal",), ("high",))


def prompts(width: int, rng: np.random.Generator) -> EmbeddingScorer:
    """As many prompts as the taxonomy has, in random directions."""
    concepts = Taxonomy.load().concepts
    counts = np.array([[len(c.prompts), len(c.twins)] for c in concepts]).T
    text = rng.standard_normal((counts.sum() + len(Prompts.load().neutral), width), np.float32)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    return scorer(
        TextJudge(text, counts, 100.0),
        tuple(c.name for c in concepts),
        tuple(c.type for c in concepts),
        tuple(c.level for c in concepts),
    )


def scorer(
    judge: Judge, concepts: tuple[str, ...], types: tuple[str, ...], levels: tuple[str, ...]
) -> EmbeddingScorer:
    """A scorer around a judge; its numbers mean nothing."""
    card = Card(
        name="bench",
        kind="head",
        encoder={"kind": "open_clip", "model": "ViT-L-14", "pretrained": "openai"},
        crop_mode="center",
        safety={"types": list(types), "levels": list(levels)},
        concepts=concepts,
        types_covered=tuple(t for t in TYPES if t in (*types, "safe")),
        taxonomy_hash="",
    )
    return EmbeddingScorer(card, judge)


if __name__ == "__main__":
    sys.exit(main())

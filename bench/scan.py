"""How close a scan comes to the sum of its parts, and what the safety module adds to the encoder.

    python -m bench.scan [SOURCE ...] [--scorer NAME|DIR|untrained] [--device auto|cpu|cuda]

Everything is measured in turns within one run, so that a busy machine slows all of it alike, and
told as the median of the ratios of each turn. Ideal is what remains when only decoding and encoding
cost anything: on a CPU they share the cores, so their times add up; on a GPU the slower one counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from audit.batches import decode
from audit.devices import resolve_device
from audit.encoder import CompactEncoder, Encoder, OpenClipEncoder
from audit.plan import ScanOptions
from audit.resources import data_path
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyModule
from audit.scan import CPU_BATCH, GPU_BATCH, scan
from audit.scorer import Scorer, untrained
from audit.shards import ShardReader, expand
from audit.taxonomy import TYPES, Taxonomy
from audit.training import Recipe

Turns = dict[str, list[float]]
MATMUL = 8192  # rows and columns of the matrices that a device's rate is measured with


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print one line for each figure."""
    p = argparse.ArgumentParser(prog="python -m bench.scan", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("source", nargs="*", help="shards (default: the demo shards, repeated)")
    p.add_argument("--scorer", default="compact", help="'untrained': compact sizes, no weights")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    p.add_argument("--images", type=int, default=600, help="repeat the demo shards up to so many")
    p.add_argument("--turns", type=int, default=5, help="repeats of everything, in turns")
    p.add_argument("--batch-size", type=int, help="of the scan (default: the scan's own)")
    p.add_argument("--large-batch", type=int, help="of ViT-L/14-336 (default: 1 on a CPU)")
    p.add_argument("--only", choices=("scan", "safety"), help="one half of it")
    args = p.parse_args(argv)
    device = resolve_device(args.device)
    scorer = compact() if args.scorer == "untrained" else Scorer.load(args.scorer, device="cpu")
    scorer.to(device.type)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {described(device)}; "
          f"median of {args.turns} turns [lowest .. highest]")  # fmt: skip
    if args.only != "safety":
        with tempfile.TemporaryDirectory() as folder:
            sources = args.source or [str(repeated(Path(folder) / "shards", args.images))]
            print_scan(sources, scorer, device, Path(folder), args.turns, args.batch_size)
    if args.only != "scan":
        batch = CPU_BATCH if device.type == "cpu" else GPU_BATCH
        print_safety("compact", scorer.encoder, scorer.safety, device, batch, args.turns)
        large = OpenClipEncoder("ViT-L-14-336", None)
        safety = SafetyModule(SafetyDims(ProjectorDims(), HeadDims()))
        batch = args.large_batch or (1 if device.type == "cpu" else 64)
        print_safety("ViT-L/14-336", large, safety, device, batch, args.turns)
    return 0


def compact() -> Scorer:
    """A scorer of the bundled one's sizes with random weights, which are as fast."""
    taxonomy = Taxonomy.load()
    names = tuple(concept.name for concept in taxonomy.concepts[:10])
    encoder = CompactEncoder()
    width = encoder.patch_width
    dims = SafetyDims(
        ProjectorDims(width, min(width, 128), Recipe().width, depth=2),
        HeadDims(Recipe().width, tokens=16, heads=4, concepts=len(names)),
    )
    return untrained(encoder, concepts=names, types_covered=TYPES, dims=dims,
                     taxonomy_hash=taxonomy.hash)  # fmt: skip


def repeated(folder: Path, images: int) -> Path:
    """The demo shards copied under new names until there are so many images."""
    folder.mkdir()
    shards = expand([str(data_path("demo-shards"))])
    once = sum(1 for shard in shards for _ in ShardReader(shard))
    for n in range(max(1, -(-images // once))):
        for shard in shards:
            # Copies: links to one file would be scanned once.
            shutil.copy(shard.url, folder / f"{n:03d}-{Path(shard.url).name}")
    return folder


def print_scan(
    sources: Sequence[str], scorer: Scorer, device: torch.device, folder: Path, turns: int,
    batch_size: int | None,
) -> None:  # fmt: skip
    """End-to-end over ideal, and what the two halves and reading could do alone."""
    size = batch_size or (CPU_BATCH if device.type == "cpu" else GPU_BATCH)
    workers = len(os.sched_getaffinity(0))
    options = ScanOptions(batch_size=size, workers=workers, overwrite=True)
    decoding = partial(decode, size=scorer.size, crop_mode=scorer.crop_mode, options=options)
    shards = expand(sources)
    samples = [sample for shard in shards for sample in ShardReader(shard)]
    decoded = [decoding(sample) for sample in samples]
    pixels = [image.picture.pixels for image in decoded if image.picture]
    batches = [np.stack(pixels[i : i + size]) for i in range(0, len(pixels), size)]
    limited: list[str] = []

    def read() -> None:
        for shard in shards:
            for _ in ShardReader(shard):
                pass

    def decode_all() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(decoding, samples))

    def encode_all() -> None:
        for batch in batches:
            scorer.score(batch)

    def whole() -> float:
        report = scan(sources, folder / "catalog", scorer, options)
        limited.append(report.limited_by)
        return report.seconds

    encode_all()  # warm
    times = in_turns({"read": read, "decode": decode_all, "encode": encode_all, "scan": whole},
                     turns, device)  # fmt: skip
    ideal = [
        decode_s + encode_s if device.type == "cpu" else max(read_s, decode_s, encode_s)
        for read_s, decode_s, encode_s in zip(
            times["read"], times["decode"], times["encode"], strict=True
        )
    ]
    name = f"{scorer.card.name}, {len(samples):,} images, batch {size}, {workers} workers"
    show(f"scan ({name}): end-to-end over ideal", over(ideal, times["scan"]))
    show("  end-to-end over encoder alone", over(times["encode"], times["scan"]))
    show("  decoder alone over encoder alone", over(times["encode"], times["decode"]))
    show("  reading alone over encoder alone", over(times["encode"], times["read"]))
    print(f"  limited by: {statistics.mode(limited)}")
    if device.type == "cuda":
        seconds = statistics.median(times["scan"])
        rate = len(samples) / seconds
        work = flops(scorer.encoder, scorer.safety, device) * rate
        print(f"  {rate:,.0f} images/s, {work / matmul_rate(device):.1%} of the device's measured "
              f"bf16 matmul rate")  # fmt: skip


def print_safety(
    name: str, encoder: Encoder, safety: SafetyModule, device: torch.device, batch: int, turns: int
) -> None:
    """What the safety module adds to the encoder, as trained and folded."""
    encoder, safety = encoder.to(device).eval(), safety.to(device).eval()
    folded = safety.folded().to(device).eval()
    shape = (batch, 3, encoder.size, encoder.size)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)

    def run(work: Callable[[Tensor], Any], given: Tensor) -> Callable[[], None]:
        def once() -> None:
            with torch.inference_mode(), autocast(device):
                work(given)

        return once

    with torch.inference_mode(), autocast(device):
        patches = encoder(pixels).patches
    works = {
        "encoder": run(encoder, pixels),
        "unfolded": run(safety, patches),
        "folded": run(folded, patches),
    }
    for work in works.values():
        work()  # warm
    times = in_turns(works, turns, device)
    for form in ("unfolded", "folded"):
        show(f"safety module over encoder ({name}, batch {batch}), {form}",
             over(times[form], times["encoder"]))  # fmt: skip
    if device.type == "cuda":
        rate = batch / statistics.median(times["encoder"])
        print(f"  encoder alone: {rate:,.0f} images/s")


def in_turns(works: Mapping[str, Callable[[], float | None]], turns: int, device: torch.device
             ) -> Turns:  # fmt: skip
    """Seconds of each, `turns` times, one after the other; a work may measure itself."""
    times: Turns = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            settle(device)
            began = time.perf_counter()
            own = work()
            settle(device)
            times[name].append(time.perf_counter() - began if own is None else own)
    return times


def over(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Ratio of each turn."""
    return [a / b for a, b in zip(above, below, strict=True)]


def show(what: str, ratios: Sequence[float]) -> None:
    """Print one figure."""
    print(f"{what}: {statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]",
          flush=True)  # fmt: skip


def settle(device: torch.device) -> None:
    """Wait for what was given to the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def autocast(device: torch.device) -> torch.autocast:
    """As the scorer runs: bf16 on a GPU, float32 on a CPU."""
    return torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda")


def described(device: torch.device) -> str:
    """The device in words."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def flops(encoder: Encoder, safety: SafetyModule, device: torch.device) -> float:
    """Floating-point operations of one image, encoder and folded safety module."""
    pixels = torch.zeros(1, 3, encoder.size, encoder.size, dtype=torch.uint8, device=device)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        safety.folded().to(device)(encoder(pixels).patches)
    return float(counter.get_total_flops())


def matmul_rate(device: torch.device, repeats: int = 20) -> float:
    """Floating-point operations a second that a large bf16 matrix product reaches."""
    a = torch.randn(MATMUL, MATMUL, device=device, dtype=torch.bfloat16)
    a @ a
    settle(device)
    began = time.perf_counter()
    for _ in range(repeats):
        a @ a
    settle(device)
    return 2 * MATMUL**3 * repeats / (time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())

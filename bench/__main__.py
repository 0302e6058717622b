"""`python -m bench`: all benchmarks there are, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

names = ("bench.scan", "bench.stored", "bench.embeddings", "bench.estimate", "bench.export")
sys.exit(max(subprocess.run([sys.executable, "-m", name]).returncode for name in names))

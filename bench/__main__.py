"""`python -m bench`: all benchmarks there are."""

from __future__ import annotations

import sys

from bench.scan import main

sys.exit(main())

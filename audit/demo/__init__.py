"""Document-like pictures, risky and harmless, drawn from a seed: demo shards and training data."""

from audit.demo.drawing import KINDS, Drawing, Templates, draw
from audit.demo.shards import DEMO_SEED, write_demo, write_shards

__all__ = ["DEMO_SEED", "KINDS", "Drawing", "Templates", "draw", "write_demo", "write_shards"]

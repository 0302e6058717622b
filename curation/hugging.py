"""Reads shards with Hugging Face's `datasets`; run as a program, in the folder of the shards.

Arguments: a folder for its cache, then the splits. Prints, as JSON, how many rows each has and
which columns are images. It imports nothing of ours, and `datasets` only when it is run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Of its environment; it reads them when it is imported."""


def main(argv: Sequence[str]) -> int:
    """Read the shards `<split>-*.tar` of each split here."""
    from datasets import Image, load_dataset

    cache, *splits = argv
    files = {split: f"{split}-*.tar" for split in splits}
    loaded = load_dataset("webdataset", data_files=files, cache_dir=cache)
    found = {
        split: {
            "rows": len(loaded[split]),
            "images": [
                name for name, kind in loaded[split].features.items() if isinstance(kind, Image)
            ],
        }
        for split in splits
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

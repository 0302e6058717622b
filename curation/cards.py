"""The dataset card of an export: README.md with the front matter that Hugging Face reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from audit.taxonomy import LEVELS, TYPES

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_SPLITS = {"train": "train", "val": "validation"}  # names of splits, ours -> the hub's

UNMEASURED = (
    "Nobody has measured how much risky content is left among the records labelled safe; run "
    "`curate estimate` on the catalog, and export again."
)


def readme(content: Mapping[str, Any]) -> str:
    """The whole card.

    content   the manifest without its files, see curation.manifest
    """
    front = yaml.safe_dump(_front(content), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n".join(_body(content)) + "\n"


def residual(content: Mapping[str, Any]) -> str:
    """The sentence on the risk that is left."""
    said = content["residual"]
    return str(said["sentence"]) if said else UNMEASURED


def _front(content: Mapping[str, Any]) -> dict[str, Any]:
    counts, written = content["counts"], content["written"]
    tags = ["safety", "shardwarden"]
    if "wds" in written["formats"]:
        tags.append("webdataset")
    if counts["risky"]:
        tags.append("not-for-all-audiences")
    front: dict[str, Any] = {
        "license": "unknown",
        "pretty_name": _plain(content["name"]),
        "task_categories": ["image-text-to-text", "image-classification"],
        "size_categories": [
            next((name for most, name in _SIZES if counts["records"] < most), "n>1B")
        ],
        "tags": tags,
    }
    splits = sorted(counts["by_split"])
    # The hub reads all that a card offers with one builder, so tars and jsonl cannot both be in it.
    if "wds" in written["formats"]:
        configs = [_config("default", "shards/{}-*.tar", splits)]
    else:
        configs = [_config(n, f"jsonl/{n}-{{}}.jsonl", splits) for n in written["formats"]]
    return {**front, "configs": configs}


def _config(name: str, pattern: str, splits: Sequence[str]) -> dict[str, Any]:
    files = [{"split": _SPLITS[one], "path": pattern.format(one)} for one in splits]
    return {"config_name": name, "data_files": files}


def _body(content: Mapping[str, Any]) -> Iterator[str]:
    counts, catalog, scorer = content["counts"], content["catalog"], content["scorer"]
    written = content["written"]
    yield f"# {_plain(content['name'])}"
    yield ""
    yield (
        f"{counts['records']:,} records on {counts['images']:,} images for alignment stage "
        f"{'I' if content['stage'] == 1 else 'II'} of PSA-VLM (arXiv 2411.11543): "
        f"{counts['risky']:,} risky, {counts['clean']:,} safe. Chosen from the "
        f"{catalog['images']:,} images of the catalog `{_plain(catalog['name'])}` by the policy "
        f"`{_plain(content['policy']['name'])}`, seed {content['seed']}, with Shardwarden "
        f"{content['shardwarden']}."
    )
    if counts["risky"]:
        yield ""
        yield (
            "**It holds risky images on purpose**, so that a model can learn to know them. Do not "
            "show it to people who have not agreed to see such images, and do not spread it."
        )
    yield from ("", "## Risk that is left", "", residual(content), "", "## Licence", "")
    yield (
        "Unknown. The images and captions come from others, whose terms hold for each of them; "
        "this export gives no right to any. Links are in the field `url` where they are known."
    )
    yield from ("", "## What is in it", "")
    yield "| type | " + " | ".join(f"level {name}" for name in LEVELS) + " |"
    yield "| --- |" + " ---: |" * len(LEVELS)
    for kind in TYPES:
        found = counts["by_type_and_level"][kind]
        yield f"| {kind} | " + " | ".join(f"{found[name]:,}" for name in LEVELS) + " |"
    yield ""
    yield "| action | reason | records |"
    yield "| --- | --- | ---: |"
    for action, reasons in sorted(counts["by_action_and_reason"].items()):
        for reason, number in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"| {action} | {_plain(reason)} | {number:,} |"
    yield ""
    yield from _told("Labels", counts["by_decided_by"])
    yield from _told("Splits", counts["by_split"])
    yield from _told("Picture and caption", counts["by_pair"])
    yield from _told("Conversations", counts["by_turns_from"])
    yield ""
    if written["hints"]:
        yield "The first question of a risky image ends with the hint for its type and level."
    else:
        yield "The hint for a risky image's type and level is in `safety.hint`, in no question."
    if content["lost"]:
        yield ""
        number = len(content["lost"])
        yield f"{number:,} images could not be had and are missing; `manifest.json` lists them."
    if "redact" in counts["by_action_and_reason"]:
        yield ""
        yield (
            "The policy wants some pictures made unrecognisable before they are used. Bytes are "
            "never altered here: `redact.txt` lists them."
        )
    yield from ("", "## Files", "", *_files(content), "", "## How the labels came about", "")
    yield (
        f"Types and levels were scored by `{_plain(scorer['name'])}` "
        f"(`{scorer['fingerprint'][:12]}`), and a person's label takes the place of the score "
        f"where there is one ({counts['by_decided_by'].get('human', 0):,} records). Scores are "
        "candidates and no verdicts: some labels are wrong. `lineage.parquet` has for every "
        "record its source shard, member, bytes, sha256, scores, decisions and the reason why it "
        "is here."
    )
    yield ""
    yield (
        f"Types are numbered {', '.join(f'{n} {name}' for n, name in enumerate(TYPES))}; levels "
        f"{', '.join(f'{n} {name}' for n, name in enumerate(LEVELS))}. A level is a rule on how to "
        "answer (0 answer, 1 with care, 2 with care or decline, 3 decline), never a degree of "
        "harm."
    )


def _files(content: Mapping[str, Any]) -> Iterator[str]:
    formats = content["written"]["formats"]
    if "wds" in formats:
        yield (
            "- `shards/*.tar`: WebDataset; the image's bytes are those of the source. Every image "
            f"is named `.{content['written']['image_suffix']}` so that readers see one column; "
            "`format` in the json says what it is."
        )
        yield "- `shards/*.parquet`, `shards/*_stats.json`: what img2dataset puts beside a tar"
    for name in formats:
        if name != "wds":
            yield f"- `jsonl/{name}-*.jsonl`: paths of images are relative to the file's folder"
    if any(name != "wds" for name in formats):
        yield "- `images/`: the images of the jsonl files, named by their sha256"
    yield "- `manifest.json`: counts, hashes, the sha256 of every file"
    yield "- `lineage.parquet`: where every record comes from"
    yield "- `croissant.json`: Croissant 1.0 with the vocabulary for responsible AI"


def _told(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    said = ", ".join(f"{_plain(name)} {number:,}" for name, number in sorted(counts.items()))
    yield f"- {title}: {said}"


def _plain(text: object) -> str:
    """A text of others as one line that Markdown takes for nothing but text."""
    return "".join(c if c.isprintable() and c not in "`|<[]" else " " for c in str(text))

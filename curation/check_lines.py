"""Checks of an export's jsonl files: each line as the trainers of its dialect take it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audit.steps import Show
from audit.streams import one_line
from curation.checked import Export, label, rows_of
from curation.records import IMAGE, SPLITS

SPLIT_MARK = "<split>"
"""Two pictures in one path, for the released loader (papers.md O15)."""


def check(export: Export, show: Show) -> None:
    """Check every jsonl file."""
    files = sorted((export.folder / "jsonl").glob("*.jsonl"))
    dialects = set()
    for path in files:
        dialect, _, split = path.stem.rpartition("-")
        if dialect not in DIALECTS or split not in SPLITS:
            export.report.fault("files", f"jsonl/{path.name}", "is of no dialect or split we know")
            continue
        dialects.add(dialect)
        _file(export, path, dialect, split, show)
    for dialect in dialects:
        for split in SPLITS:
            path = export.folder / "jsonl" / f"{dialect}-{split}.jsonl"
            if rows_of(export, split) and not path.is_file():
                export.report.fault("lineage", f"jsonl/{path.name}", "is missing")


def _file(export: Export, path: Path, dialect: str, split: str, show: Show) -> None:
    name, fault = f"jsonl/{path.name}", export.report.fault
    uids: Counter[str] = Counter()
    number = 0
    with path.open("rb") as file:
        for number, content in enumerate(file, 1):
            where = f"{name}, line {number}"
            show(number, None, f"lines of {name} read")
            row = export.by_line.get((split, number - 1), {})
            try:
                line = json.loads(content)
            except (ValueError, RecursionError) as error:
                fault("conversations", where, f"no JSON ({one_line(error):.120})")
                continue
            if not isinstance(line, dict):
                fault("conversations", where, "no JSON object")
                continue
            if not row:
                fault("lineage", where, "no record of the lineage is here")
            _line(export, where, line, dialect, row)
            uid = line.get("id")
            uids[uid if isinstance(uid, str) else where] += 1
            if uid is not None and row and uid != row["uid"]:
                fault("uids", where, f"is {uid!r:.80}, the lineage says {row['uid']!r:.80}")
    for uid, times in uids.items():
        if times > 1:
            fault("uids", f"{name}, {uid}", f"stands in {times} lines")
    if number != rows_of(export, split):
        fault("lineage", name, f"{number:,} lines, the lineage has {rows_of(export, split):,}")


def _line(
    export: Export, where: str, line: dict[str, Any], dialect: str, row: dict[str, Any]
) -> None:
    if dialect != "openai":
        label(export, where, line.get("safe_type"), line.get("safe_level"), row)
    for image in DIALECTS[dialect](export, where, line):
        _image(export, where, image, row)


def _psa_vlm(export: Export, where: str, line: dict[str, Any]) -> list[object]:
    wanted = {"safe_type", "safe_level", "image", "conversations"}
    if line.keys() != wanted:
        odd = ", ".join(sorted(line.keys() ^ wanted))
        export.report.fault("conversations", where, f"fields differ from the released ones: {odd}")
    conversation(export, where, line.get("conversations"), "USER", "ASSISTANT")
    return [line.get("image")]


def _llava(export: Export, where: str, line: dict[str, Any]) -> list[object]:
    conversation(export, where, line.get("conversations"), "human", "gpt")
    return [line.get("image")]


def _sharegpt(export: Export, where: str, line: dict[str, Any]) -> list[object]:
    conversation(export, where, line.get("conversations"), "human", "gpt")
    images = line.get("images")
    if not isinstance(images, list) or len(images) != 1:
        export.report.fault("conversations", where, "one <image> wants one path in `images`")
        return []
    return images


def _openai(export: Export, where: str, line: dict[str, Any]) -> list[object]:
    report = export.report
    report.counted["conversations"] += 1
    messages = line.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        report.fault("conversations", where, "no `messages`")
        return []
    _roles(export, where, [m.get("role") for m in messages], "user", "assistant")
    images: list[object] = []
    for number, message in enumerate(messages):
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "image_url":
                images.append((part.get("image_url") or {}).get("url"))
                if number:
                    report.fault("conversations", where, "a picture behind the first message")
            elif kind != "text" or not isinstance(part.get("text"), str) or not part["text"]:
                report.fault("conversations", where, f"message {number} has a part without text")
            elif IMAGE in part["text"]:
                report.fault("conversations", where, f"{IMAGE} as text, which openai does not know")
    if len(images) != 1:
        report.fault("conversations", where, f"{len(images)} pictures, one is wanted")
    return images


DIALECTS: Mapping[str, Callable[[Export, str, dict[str, Any]], list[object]]] = {
    "psa-vlm": _psa_vlm,
    "llava": _llava,
    "sharegpt": _sharegpt,
    "openai": _openai,
}


def conversation(export: Export, where: str, turns: object, user: str, assistant: str) -> None:
    """A list of {"from", "value"}: roles in turn, and `<image>` once, in what is said first."""
    report = export.report
    report.counted["conversations"] += 1
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        report.fault("conversations", where, "no `conversations`")
        return
    _roles(export, where, [turn.get("from") for turn in turns], user, assistant)
    texts = [turn.get("value") for turn in turns]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        report.fault("conversations", where, "a turn without text")
        return
    found = [str(text).count(IMAGE) for text in texts]
    if found[:1] != [1] or sum(found) != 1:
        report.fault(
            "conversations",
            where,
            f"{IMAGE} stands {found[0] if found else 0} times in the first turn and "
            f"{sum(found[1:])} times behind it; it stands once, in the first",
        )


def _roles(export: Export, where: str, roles: list[Any], user: str, assistant: str) -> None:
    if not roles or roles != [user, assistant] * (len(roles) // 2):
        shown = ", ".join(str(role) for role in roles[:4])
        export.report.fault(
            "conversations", where, f"roles go {user}, {assistant}, ...; found {shown or 'none'}"
        )


def _image(export: Export, where: str, path: object, row: dict[str, Any]) -> None:
    """The picture that a line names: relative to the folder of the jsonl."""
    fault = export.report.fault
    if not isinstance(path, str) or not path:
        fault("images", where, "names no picture")
        return
    if SPLIT_MARK in path:
        fault("images", where, f"{SPLIT_MARK} in a path means two pictures to the released loader")
        return
    root = export.folder.resolve()
    target = (root / "jsonl" / path).resolve()
    if not target.is_relative_to(root):
        fault("images", where, f"names {path!r:.120}, which is outside the export")
        return
    try:
        data = target.read_bytes()
    except OSError as error:
        fault("images", where, f"{path!r:.120} cannot be read ({error.strerror})")
        return
    digest = hashlib.sha256(data).hexdigest()
    if row and digest != row["sha256"]:
        fault("images", where, "is another image than the lineage names (sha256)")
    export.open(data, digest, where)

"""Thresholds -> a policy file, without touching anything else that stands in it.

The places of keys and values come from the YAML parser, and only these characters are replaced or
inserted: comments, order and other keys stay as somebody wrote them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from audit.errors import UsageError
from audit.fitted import naming
from audit.yamlfile import YamlFile

Edit = tuple[int, int, str]
"""Characters from, to (exclusive), and what takes their place."""


def write_thresholds(path: Path, thresholds: Mapping[str, float], scorer: str) -> None:
    """Set `thresholds: {types: {NAME: VALUE}}` in a policy file; make the file when it is absent.

    thresholds  name of a type -> 0..1; types that are not named keep theirs
    scorer      fingerprint, said in a comment line; `audit.fitted` finds it
    raises      UsageError when the file is not YAML, or is none that can be edited or written; it
                is then as it was
    """
    wanted = {"thresholds": {"types": dict(thresholds)}}
    path = path.resolve()  # a link stays one
    replacement = path.with_name(f".{path.name}.new")
    line_end = "\n"
    if path.exists():
        if not path.is_file():  # taking the place of a device would be its end
            raise UsageError(f"{path}: no regular file; give another one to --write")
        before = YamlFile(path).content
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        line_end = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    else:
        before, root = None, None
        text = ""
    if root is None:
        text += "" if text.endswith("\n") or not text else "\n"
        text += _block(wanted, 0).removeprefix("\n") + "\n"
    elif isinstance(root, yaml.MappingNode):
        text = _edited(text, _edits(root, wanted, text))
    text = naming(text, scorer)
    try:
        replacement.write_text(text, encoding="utf-8", newline=line_end)
        if YamlFile(replacement).content != _merged(before, wanted):
            raise UsageError("")
        if path.exists():
            shutil.copymode(path, replacement)
        replacement.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    except UsageError:
        raise UsageError(
            f"{path}: thresholds cannot be put into it line by line; write them as a block, "
            f"`thresholds:` and below it `types:`: {wanted['thresholds']['types']}"
        ) from None
    finally:
        with suppress(OSError):
            replacement.unlink()


def _edits(node: yaml.MappingNode, wanted: Mapping[str, Any], text: str) -> list[Edit]:
    """What to change so that a mapping says what is wanted."""
    edits: list[Edit] = []
    there = {key.value: value for key, value in node.value}
    new = {key: value for key, value in wanted.items() if key not in there}
    for key, value in wanted.items():
        old = there.get(key)
        if isinstance(old, yaml.MappingNode) and isinstance(value, dict):
            edits += _edits(old, value, text)
        elif old is not None:
            blank = "" if old.end_mark.index > old.start_mark.index else " "
            edits.append((old.start_mark.index, old.end_mark.index, blank + _flow(value)))
    if new and node.flow_style:
        at = node.end_mark.index - 1
        inside = _flow(new)[1:-1]
        edits.append((at, at, f", {inside}" if node.value else inside))
    elif new:
        at = _end_of_line(text, _last(node).end_mark.index)
        edits.append((at, at, _block(new, node.start_mark.column)))
    return edits


def _edited(text: str, edits: list[Edit]) -> str:
    for start, end, said in sorted(edits, reverse=True):
        text = text[:start] + said + text[end:]
    return text


def _last(node: yaml.Node) -> yaml.Node:
    """The piece of a node that stands last: end marks of block mappings lie beyond it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _end_of_line(text: str, at: int) -> int:
    if at and text[at - 1] == "\n":  # a block of text ends where the next line begins
        return at - 1
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _block(value: Mapping[str, Any], indent: int) -> str:
    lines = ""
    for key, inner in value.items():
        lines += f"\n{' ' * indent}{key}:"
        lines += _block(inner, indent + 2) if isinstance(inner, dict) else f" {inner}"
    return lines


def _flow(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"


def _merged(before: object, wanted: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(before) if isinstance(before, dict) else {}
    for key, value in wanted.items():
        out[key] = _merged(out.get(key), value) if isinstance(value, dict) else value
    return out

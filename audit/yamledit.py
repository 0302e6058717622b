"""Values put into a YAML file without touching anything else that stands in it.

The places of keys and values come from the YAML parser, and only these characters are replaced or
inserted: comments, order and other keys stay as somebody wrote them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from audit.errors import UsageError
from audit.yamlfile import YamlFile

Edit = tuple[int, int, str]
"""Characters from, to (exclusive), and what takes their place."""

_PLAIN = re.compile(r"[a-zA-Z][\w-]*")
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")  # YAML takes these otherwise


class NotLineByLine(UsageError):
    """The file is written in a way in which single values cannot be replaced."""


def rewrite(
    path: Path,
    wanted: Mapping[str, Any],
    *,
    comment: Callable[[str], str] = str,
    only_if: Callable[[bytes], bool] | None = None,
) -> None:
    """Set values in a YAML file, named by nested mappings; make the file when it is absent.

    wanted    key -> value or further mapping; None writes `null`
    comment   the text of the file -> with comment lines changed
    only_if   asked about the bytes of the file as it is before it is replaced; False: refuse
    raises    UsageError when the file is not YAML, was refused, or cannot be written,
              NotLineByLine when values cannot be put into it; it is then as it was
    """
    path = path.resolve()  # a link stays one
    replacement = path.with_name(f".{path.name}.new")
    line_end = "\n"
    if path.exists():
        if not path.is_file():  # taking the place of a device would be its end
            raise UsageError(f"{path}: no regular file; give another one")
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
    text = comment(text)
    try:
        replacement.write_text(text, encoding="utf-8", newline=line_end)
        if not _says(replacement, merged(before, wanted)):
            raise NotLineByLine(f"{path}: values cannot be put into it line by line")
        if path.exists():
            shutil.copymode(path, replacement)
        if only_if is not None and not only_if(path.read_bytes() if path.exists() else b""):
            raise UsageError(f"{path}: was changed by somebody else meanwhile; look at it again")
        replacement.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            replacement.unlink()


def _says(path: Path, expected: Mapping[str, Any]) -> bool:
    try:
        return YamlFile(path).content == expected
    except UsageError:
        return False


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
        lines += f"\n{' ' * indent}{_scalar(key)}:"
        lines += _block(inner, indent + 2) if isinstance(inner, dict) else f" {_flow(inner)}"
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A key or a value on one line; quoted unless it is plain for certain."""
    if isinstance(value, str) and not (_PLAIN.fullmatch(value) and value.lower() not in _WORDS):
        return json.dumps(value, ensure_ascii=False)
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def merged(before: object, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Wanted values laid over what a file says."""
    out = dict(before) if isinstance(before, dict) else {}
    for key, value in wanted.items():
        out[key] = merged(out.get(key), value) if isinstance(value, dict) else value
    return out

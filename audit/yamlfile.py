"""A YAML file read strictly: every complaint is one line naming the file and the place in it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml

from audit.errors import UsageError


class YamlFile:
    """A YAML file being read; `content` is what it says, unchecked.

    The methods take a piece of the content and the dotted place it came from, check it and give
    it back typed; all raise UsageError.
    """

    def __init__(self, path: Path) -> None:
        """Parse the file; UsageError when it cannot be read, is not UTF-8 or not valid YAML."""
        self.path = path
        try:
            loader = _StrictLoader(path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            self.content: object = None if node is None else loader.construct_document(node)
            self._lines = dict(_places(node, ""))
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: not UTF-8 at byte {error.start}; save it again") from error
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise UsageError(f"{path}{line}: not valid YAML: {error.problem}") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            # Unreadable characters, impossible dates (a ValueError), endless nesting.
            reason = str(error).split("\n", 1)[0]
            raise UsageError(f"{path}: not valid YAML: {reason}") from error

    def error(self, where: str, problem: str, *, at: str = "") -> UsageError:
        """The error to raise for a problem at a place; an empty place is the whole file.

        at  the place whose line to name, when it is another; where the file has no such place,
            the line is that of the nearest one around it
        """
        number = self._line(at or where)
        file = f"{self.path}, line {number}" if number else f"{self.path}"
        line = f"{file}: {where}: {problem}" if where else f"{file}: {problem}"
        # Keys and values are quoted from the file: no line breaks or terminal codes get through.
        return UsageError("".join(c if c.isprintable() else "?" for c in line))

    def _line(self, where: str) -> int | None:
        """Line of a place, 1-based; None for the whole file."""
        while where and where not in self._lines:
            where = where[: max(where.rfind("."), where.rfind("["), 0)]
        return self._lines.get(where) if where else None

    def mapping(
        self,
        value: object,
        where: str,
        *,
        required: Collection[str] = (),
        optional: Collection[str] = (),
    ) -> dict[str, Any]:
        """The value as a mapping with these keys and no others; any keys when none are given."""
        if not isinstance(value, dict):
            raise self.error(where, f"must be a mapping, found {_short(value)}")
        for key in value:
            if not isinstance(key, str):
                raise self.error(where, f"key {key!r} is not text; put it in quotes")
            if (required or optional) and key not in (*required, *optional):
                known = ", ".join((*required, *optional))
                at = f"{where}.{key}" if where else key
                raise self.error(where, f"unknown key '{key}'; known: {known}", at=at)
        for key in required:
            if key not in value:
                raise self.error(where, f"key '{key}' is missing")
        return value

    def text(self, value: object, where: str, longest: int = 2000) -> str:
        """The value as one line, at most `longest` characters long; line breaks become blanks."""
        if not isinstance(value, str) or not value.strip():
            raise self.error(where, f"must be text, found {_short(value)}")
        line = " ".join(value.split())
        if len(line) > longest:
            raise self.error(where, f"has {len(line)} characters; shorten it to {longest}")
        return line

    def texts(self, value: object, where: str, longest: int = 2000) -> tuple[str, ...]:
        """The value as a list of texts, none of them twice."""
        if not isinstance(value, list):
            raise self.error(where, f"must be a list of texts, found {_short(value)}")
        lines = tuple(self.text(v, f"{where}[{i}]", longest) for i, v in enumerate(value))
        for i, line in enumerate(lines):
            if line in lines[:i]:
                raise self.error(where, f"'{line}' appears twice")
        return lines

    def choice(self, value: object, where: str, known: Collection[str]) -> str:
        """The value as one of the known ones."""
        if not isinstance(value, str) or value not in known:
            raise self.error(where, f"unknown value {_short(value)}; known: {', '.join(known)}")
        return value

    def choices(self, value: object, where: str, known: Collection[str]) -> tuple[str, ...]:
        """The value as a list of known ones, none of them twice."""
        return tuple(self.choice(v, where, known) for v in self.texts(value, where))


def _places(node: yaml.Node | None, where: str) -> Iterator[tuple[str, int]]:
    """Every dotted place with its line; that of a key is where the key stands."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                place = f"{where}.{key.value}" if where else key.value
                yield place, key.start_mark.line + 1
                yield from _places(value, place)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield f"{where}[{i}]", item.start_mark.line + 1
            yield from _places(item, f"{where}[{i}]")


def _short(value: object) -> str:
    """A value as Python shows it, cut to fit an error line; 'nothing' for an empty YAML value."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML: a repeated key is an error (the first would be lost), and so is an alias."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases (*name) are refused", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"key '{key.value}' appears twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)

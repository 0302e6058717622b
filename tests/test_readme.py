"""README and CONTRIBUTING: the commands they show exist, and so do the files they point to.

Convention: a command stands in a ```console block on a line that begins with "$ "; lines without
it are output. A command that goes on ends with a backslash.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md")

each_document = pytest.mark.parametrize("name", DOCUMENTS)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> Iterator[list[str]]:
    """The words of every command a document shows, without comments and redirections."""
    for block in re.findall(r"^```console\n(.*?)^```", text_of(name), re.M | re.S):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            if line.startswith("$ "):
                for single in re.split(r"\s(?:&&|\|)\s", line[2:]):
                    yield shlex.split(single, comments=True)


@each_document
def test_every_command_shown_exists_with_its_options(
    name: str, helps: dict[str, dict[str, str]]
) -> None:
    for words in commands(name):
        if words[0] not in helps or len(words) == 1 or words[1].startswith("-"):
            continue
        known_commands = helps[words[0]]
        assert words[1] in known_commands, f"{name} shows `{' '.join(words)}`"
        known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", known_commands[words[1]]))
        options = {word.split("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
        assert options <= known, f"{name} shows `{' '.join(words)}`: no {options - known}"


@each_document
def test_every_make_target_shown_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.M))
    for words in commands(name):
        if words[0] == "make":
            shown = {word for word in words[1:] if "=" not in word}
            assert shown <= targets, f"{name} shows `{' '.join(words)}`"


@each_document
def test_every_file_linked_to_exists(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(name)):
        if "://" not in target:
            assert (ROOT / target).exists(), f"{name} links to {target}"


def test_the_readme_shows_how_to_see_it_work_and_how_to_test_it() -> None:
    shown = [words[:2] for words in commands("README.md")]
    assert ["make", "demo"] in shown
    assert ["make", "test"] in shown
    assert any(words[:2] == ["audit", "scan"] for words in shown)


def test_a_console_block_has_at_least_one_command() -> None:
    for name in DOCUMENTS:
        for block in re.findall(r"^```console\n(.*?)^```", text_of(name), re.M | re.S):
            assert re.search(r"^\$ ", block, re.M), f"{name}: no line begins with '$ ':\n{block}"


def test_the_changelog_has_an_entry_for_this_version() -> None:
    from audit import __version__

    assert f"\n## {__version__}" in text_of("CHANGELOG.md")


def test_the_figures_shown_are_those_on_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    from audit.cli import main

    assert main(["scorers"]) == 0
    printed = capsys.readouterr().out
    assert f"```console\n$ audit scorers\n{printed}```" in text_of("README.md")

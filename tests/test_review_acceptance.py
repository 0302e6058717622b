"""Every promise of the review screen is held by tests that are there."""

from __future__ import annotations

import ast

import pytest

from tests.promises import PROMISES, TESTS, holders


def test_all_thirty_four_are_here() -> None:
    assert list(PROMISES) == list(range(1, 35))
    assert all(held for _, *held in PROMISES.values())


@pytest.mark.parametrize(("file", "name"), sorted(holders()))
def test_a_test_that_holds_a_promise_exists(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

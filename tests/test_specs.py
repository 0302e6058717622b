"""What a reviewer may ask for, and how an address says so."""

from __future__ import annotations

from typing import Any

import pytest

from audit.errors import UsageError
from audit.specs import Spec


def test_an_address_says_only_what_is_not_as_usual() -> None:
    assert Spec().address() == ""
    assert Spec(types=("illegal", "insults"), low=0.5).address(state="open") == (
        "type=illegal&type=insults&low=0.5&state=open"
    )
    assert Spec(words="a b&c", collapse=True).address() == "words=a+b%26c&stack=true"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"types": ("x",)}, "unknown type 'x'; known: politics"),
        ({"levels": ("severe",)}, "unknown level 'severe'; known: none"),
        ({"order": "row_id; DROP TABLE x"}, "unknown order"),
        ({"scope": "queue"}, "unknown scope"),
        ({"way": "up"}, "unknown way 'up'; known: like"),
        ({"low": float("nan")}, "not between 0 and 1"),
        ({"least": 2.0}, "not between 0 and 1"),
        ({"low": 0.9, "high": 0.1}, "is empty; swap"),
        ({"words": "x" * 2_001}, "2,001 characters; give 2,000 at most"),
        ({"uid": "\ud800"}, "not Unicode text"),
        ({"given": "5"}, "no way is named"),
        ({"way": "like"}, "one row"),
        ({"way": "like", "given": "1,2"}, "one row"),
        ({"way": "like", "given": str(2**63)}, "is no row_id"),
        ({"way": "rows", "given": "1,-2"}, "'-2' is no row_id"),
        ({"way": "rows", "given": ","}, "0 row_ids"),
        ({"way": "rows", "given": "1," * 1_001}, "give 1 to 1,000"),
        ({"way": "near", "given": "nice"}, "unknown type 'nice'"),
        ({"way": "sql", "given": " "}, "give a condition"),
        ({"way": "box", "given": "1,2,3"}, "four numbers"),
        ({"way": "box", "given": "1,2,inf,4"}, "four numbers"),
        ({"way": "box", "given": "3,0,1,1"}, "x0 <= x1"),
        ({"way": "cluster", "given": "../x"}, "is no id of a cluster"),
        ({"way": "picture", "given": "ab"}, "is no sha256"),
        ({"way": "sample", "given": "../../x"}, "is no id of a sample"),
    ],
)
def test_what_there_is_not_is_refused_in_one_line(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError, match=line) as refused:
        Spec(**fields)
    assert "\n" not in str(refused.value)

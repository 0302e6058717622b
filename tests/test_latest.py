"""What is kept of what was made: the latest used."""

from __future__ import annotations

from audit.latest import Latest


def test_beyond_its_number_the_one_used_longest_ago_goes() -> None:
    kept: Latest[str, int] = Latest(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1  # used: b goes before it
    kept.put("c", 3)
    assert kept.items() == [("a", 1), ("c", 3)]
    kept.put("a", 4)
    assert kept.items() == [("c", 3), ("a", 4)]
    assert (kept.pop("c"), kept.pop("c"), kept.get("b")) == (3, None, None)

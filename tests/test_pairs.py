"""The five combinations of picture and caption."""

from __future__ import annotations

import numpy as np
import pytest

from audit.pairs import COMBINATIONS, combine, joined, picture_risk

NO = float("nan")


@pytest.mark.parametrize(
    ("picture", "caption", "pair", "expected"),
    [
        (0.9, 0.9, 0.1, "unsafe_unsafe"),
        (0.9, 0.1, 0.9, "unsafe_safe"),
        (0.1, 0.9, 0.9, "safe_unsafe"),
        (0.1, 0.1, 0.9, "safe_safe_unsafe"),
        (0.1, 0.1, 0.1, "safe_safe"),
        (0.1, 0.1, NO, "safe_safe"),
        (0.5, 0.6, NO, "unsafe_unsafe"),  # at the threshold is unsafe
        (NO, 0.9, 0.9, None),
        (0.9, NO, NO, None),
    ],
)
def test_each_sample_is_one_of_five(
    picture: float, caption: float, pair: float, expected: str | None
) -> None:
    columns = [np.array([value], np.float32) for value in (picture, caption, pair)]
    assert combine(*columns, picture_at=0.5, text_at=0.6) == [expected]
    assert expected is None or expected in COMBINATIONS


def test_words_decide_about_a_page_of_text_and_only_add_elsewhere() -> None:
    looks = np.array([0.9, 0.9, 0.1, 0.9, NO], np.float32)
    words = np.array([0.1, 0.1, 0.8, NO, 0.8], np.float32)
    page = np.array([True, False, False, True, True])
    risk = picture_risk(looks, words, page)
    np.testing.assert_allclose(risk, [0.1, 0.9, 0.8, 0.9, NO])


@pytest.mark.parametrize(
    ("caption", "text", "concepts", "expected"),
    [
        ("fill it in", "Steps to  win", (), "Steps to win fill it in"),
        ("how to use it", None, ("licence_plate",), "Picture of licence plate. how to use it"),
        ("how to use it", "", (), None),
        ("  ", "Steps", (), None),
        (None, "Steps", (), None),
    ],
)
def test_the_pair_is_read_together_when_both_say_something(
    caption: str | None, text: str | None, concepts: tuple[str, ...], expected: str | None
) -> None:
    assert joined(caption, text, concepts) == expected

"""The fuzzer's law holds for its corpus and for a short walk; the long one is `tests/fuzz`."""

from __future__ import annotations

import random
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[1] / "fuzz"
# The fuzzer is a program beside the tests, not a module of a package.
fuzzer: dict[str, Any] = runpy.run_path(str(FUZZ / "fuzz_filter.py"), run_name="fuzzer")
check = fuzzer["check"]


@pytest.mark.parametrize("path", sorted((FUZZ / "corpus").iterdir()), ids=lambda path: path.name)
def test_the_corpus_breaks_no_law(path: Path) -> None:
    check(fuzzer["decoded"](path.read_bytes()))


@given(text=st.text(st.characters(), max_size=200))
def test_arbitrary_text_breaks_no_law(text: str) -> None:
    check(text)


@given(text=st.text(st.sampled_from("ab.'\"()[]=<>!-/*\n 0_,%;`NOTINAD"), max_size=40))
def test_text_of_the_language_s_characters_breaks_no_law(text: str) -> None:
    check(text)


def test_mutated_filters_break_no_law() -> None:
    draw = random.Random(11)
    pool = fuzzer["seeds"]()
    texts = [fuzzer["mutated"](draw.choice(pool), pool, draw) for _ in range(1_000)]
    assert sum(map(check, texts)) > 50

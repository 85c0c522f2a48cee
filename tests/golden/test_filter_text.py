"""What people see of the filter language: reports of mistakes, and normal forms.

The files hold blocks with an empty line between them: a filter on the first line, then what it
gives, to the letter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spanduck_sql.errors import FilterError
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text


def blocks(name: str) -> list[Any]:
    text = (Path(__file__).parent / name).read_text("utf-8")
    pairs = [block.split("\n", 1) for block in text.strip("\n").split("\n\n")]
    return [pytest.param(dsl, expected, id=dsl) for dsl, expected in pairs]


@pytest.mark.parametrize(("dsl", "report"), blocks("filter_reports.txt"))
def test_a_mistake_is_reported_with_a_caret_and_a_hint(dsl: str, report: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(dsl)
    assert str(caught.value) == report


@pytest.mark.parametrize(("dsl", "normal"), blocks("filter_normal_forms.txt"))
def test_a_filter_has_a_normal_form(dsl: str, normal: str) -> None:
    assert to_text(parse(dsl)) == normal
    assert to_text(parse(normal)) == normal

"""The copy of the documentation, where its code is, and what is changed in it."""

from __future__ import annotations

import ast
import keyword
import re
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.documentation.conftest import Documentation, Reader

THREE_WORDS = re.compile(r"(\w+) \w+ \w+ ")


def is_code(line: str) -> bool:
    """Tell code from prose by what it looks like, without the index."""
    if line.startswith("#"):
        return True
    if line.startswith("- ") or line.endswith("|"):
        return False
    if line[0].isupper():
        return line.endswith(("(", ","))
    words = THREE_WORDS.match(line)
    return words is None or keyword.iskeyword(words[1])


def test_every_line_of_code_is_in_one_block_and_no_other_line_is(
    documentation: Documentation,
) -> None:
    covered = Counter(number for block in documentation.blocks.values() for number in block.numbers)
    code = [number for number, line in enumerate(documentation.text, 1) if is_code(line)]
    assert sorted(covered) == code
    assert set(covered.values()) == {1}


def test_every_block_is_python(documentation: Documentation) -> None:
    for block in documentation.blocks.values():
        source = block.source(documentation.text)
        assert ast.parse(source).body
        opening = [
            number
            for number, line in zip(block.numbers, source.splitlines(), strict=True)
            if line.endswith(":")
        ]
        assert [opens for opens, _ in block.bodies] == opening


def test_every_text_that_is_adapted_is_in_the_documentation(documentation: Documentation) -> None:
    for adaptation in documentation.adaptations:
        named = adaptation.blocks or tuple(documentation.blocks)
        sources = [documentation.blocks[name].source(documentation.text) for name in named]
        for old in adaptation.edits:
            assert any(old in source for source in sources), old
        if adaptation.blocks:
            assert all(any(old in source for old in adaptation.edits) for source in sources)


def test_without_an_adaptation_its_example_fails(
    reader: Reader,
    make_spans: Callable[..., pd.DataFrame],
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader.client.log(make_spans(3))
    reader.names["pd"] = pd
    tried = 0
    for adaptation in reader.documentation.adaptations:
        error = adaptation.otherwise.get(reader.client.name)
        if error is None:
            continue
        blocks = [*adaptation.otherwise.get("after", []), adaptation.otherwise["block"]]
        with pytest.raises(Exception) as caught:  # noqa: PT011 - its class is compared
            reader.run(*blocks, without=adaptation)
        assert caught.type.__name__ == error, adaptation.reason
        tried += 1
    assert tried == {"vendor": 12, "spanduck": 9, "vendor 8.30": 2}[reader.client.name]

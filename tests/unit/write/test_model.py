from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spanduck._write.model import parse_model, read_model
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '/* spanduck\nkind = "eval"   # a comment\nproject = "my-llm-app"\n*/\nSELECT 1\n'


def said(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        parse_model(text, name="latency.sql")
    return str(caught.value)


def test_a_model_says_what_it_writes_where() -> None:
    model = parse_model(GOOD, name="latency.sql")
    assert (model.kind, model.project, model.space) == ("eval", "my-llm-app", None)
    assert model.sql == GOOD


def test_a_model_may_name_its_space_and_begin_with_blank_lines() -> None:
    text = '\n\n/*spanduck\nkind="eval"\nproject="p"\nspace = "s"\n*/ SELECT 1'
    assert parse_model(text, name="m").space == "s"


def test_a_byte_order_mark_is_no_part_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "m.sql"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_model(path).sql == GOOD


@pytest.mark.parametrize(
    ("text", "start", "also"),
    [
        ("SELECT 1", "latency.sql:1: the model has no leading", 'kind = "eval"'),
        ("-- x\n" + GOOD, "latency.sql:1: the model has no leading", ""),
        ("/* other */ SELECT 1", "latency.sql:1:", ""),
        ("/* spanduck\nkind = 'eval'\nSELECT 1", "latency.sql:1: the comment", "no end"),
        ('/* spanduck\nproject = "p"\n*/', "latency.sql:1: the model names no kind", ""),
        ('\n/* spanduck\nkind = "eval"\n*/', "latency.sql:2: the model names no project", ""),
        (
            '/* spanduck\nkind = "eval"\nprojct = "p"\n*/',
            "latency.sql:3: unknown key 'projct'",
            "Did you mean 'project'?",
        ),
        ('/* spanduck\nkind = "evl"\nproject = "p"\n*/', "latency.sql:2:", "Did you mean 'eval'?"),
        ('/* spanduck\nkind = "eval"\nproject = 7\n*/', "latency.sql:3: project is 7", ""),
        ('/* spanduck\nkind = "eval"\nproject = " "\n*/', "latency.sql:3: project is ' '", ""),
        ('/* spanduck\n[kind]\nx = 1\nproject = "p"\n*/', "latency.sql:", ""),
        ("/* spanduck\nkind = eval\n*/", "latency.sql:2: the leading comment is no TOML", ""),
        ('/* spanduck\nkind = "eval\n*/', "latency.sql:2: the leading comment is no TOML", ""),
    ],
)
def test_a_bad_model_is_told_with_file_and_line(text: str, start: str, also: str) -> None:
    message = said(text)
    assert message.startswith(start)
    assert also in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"cannot read the model .*absent\.sql"):
        read_model(tmp_path / "absent.sql")
    (tmp_path / "latin.sql").write_bytes(b"/* spanduck\n\xe9 */")
    with pytest.raises(ValidationError, match=r"latin\.sql:2: not UTF-8"):
        read_model(tmp_path / "latin.sql")

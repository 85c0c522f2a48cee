"""`docs/filter-language.md` shows the tables of the language and what the command prints.

`SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes both anew.
"""

from __future__ import annotations

import os
import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.docs.pages import DOCS, TABLE, table
from typer.testing import CliRunner

import spanduck
from spanduck.cli import app
from spanduck.server.filters import DOCUMENTS_LIMIT
from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.binding import bind
from spanduck_sql.language.fields import (
    ANNOTATION_SUFFIXES,
    ATTRIBUTE_FIELDS,
    CORE_FIELDS,
    EVALUATION_SUFFIXES,
    NAMESPACES,
    FieldType,
    field_type,
)
from spanduck_sql.language.parser import MAX_NESTING, parse
from spanduck_sql.language.reference import (
    CONDITIONS,
    LITERALS_BY_TYPE,
    MISTAKES,
    OPERATORS,
    READINGS,
    Mark,
    Operator,
    undocumented,
)
from spanduck_sql.language.tokens import MAX_TEXT
from spanduck_sql.pushdown import MAX_FILTER_BYTES
from spanduck_sql.schema import ANNOTATION_NOTES
from spanduck_sql.translate import filter_to_sql, sql_to_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

PAGE = DOCS / "filter-language.md"
CONSOLE = re.compile(r"(?P<fence>```console\n)(?P<body>.*?)(?P<end>```)", re.DOTALL)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def fields() -> str:
    rows = [[code(field.name), LITERALS_BY_TYPE[field.type], field.about] for field in CORE_FIELDS]
    return table(["field", "takes", "what it is"], *rows)


def attributes() -> str:
    by_type: dict[FieldType, list[str]] = {}
    for field in ATTRIBUTE_FIELDS:
        by_type.setdefault(field.type, []).append(code(field.name.removeprefix("attributes.")))
    order = [kind for kind in FieldType if kind in by_type]
    rows = [[LITERALS_BY_TYPE[kind], ", ".join(by_type[kind])] for kind in order]
    return table(["takes", "attributes, each after `attributes.`"], *rows)


def results() -> str:
    shapes = {
        "eval.<Name>.": EVALUATION_SUFFIXES,
        "trace_eval.<Name>.": EVALUATION_SUFFIXES,
        "session_eval.<Name>.": EVALUATION_SUFFIXES,
        "annotation.<Name>.": ANNOTATION_SUFFIXES,
    }
    rows = [
        [
            code(prefix),
            ", ".join(f"`{name}` ({LITERALS_BY_TYPE[kind]})" for name, kind in ends.items()),
        ]
        for prefix, ends in shapes.items()
    ]
    notes = field_type(ANNOTATION_NOTES)
    assert notes is not None
    rows.append([code(ANNOTATION_NOTES), LITERALS_BY_TYPE[notes]])
    return table(["begins with", "ends in"], *rows)


def operators() -> str:
    rows = [
        [
            ", ".join(code(way) for way in operator.syntax.split(", "))
            if "(" not in operator.syntax
            else code(operator.syntax),
            operator.meaning,
            operator.mark,
            code(operator.example),
            code(filter_to_sql(operator.example).sql),
        ]
        for operator in OPERATORS
    ]
    return table(["written", "matches when", "mark", "example", "in DuckDB"], *rows)


def readings() -> str:
    rows = [[item.field, item.literal, item.rule, code(item.example)] for item in READINGS]
    return table(["field", "compared with", "how", "example"], *rows)


def mistakes() -> str:
    rows = [[code(item.code), item.when, code(item.examples[0])] for item in MISTAKES]
    return table(["code", "what is wrong", "example"], *rows)


def conditions() -> str:
    rows = []
    for condition in CONDITIONS:
        split = sql_to_filter(condition.sql)
        reasons = "; ".join(reason for _, reason in split.not_pushed)
        if sql_to_filter(condition.sql, mode="conservative").filter_text != split.filter_text:
            reasons = 'not with `pushdown = "conservative"`'
        sent = code(split.filter_text) or ("(the window)" if split.window.is_bounded else "nothing")
        rows.append([code(condition.sql), sent, condition.note or reasons])
    return table(["condition in SQL", "sent", ""], *rows)


def limits() -> str:
    return table(
        ["", "limit"],
        ["length of a filter", f"{MAX_TEXT:,} characters"],
        ["nesting of parentheses and NOT", f"{MAX_NESTING}"],
        ["length of a filter that spanduck makes", f"{MAX_FILTER_BYTES:,} bytes"],
        ["conditions on JSON documents, at the embedded server", f"{DOCUMENTS_LIMIT:,}"],
    )


TABLES: dict[str, Callable[[], str]] = {
    "fields": fields,
    "attributes": attributes,
    "results": results,
    "operators": operators,
    "readings": readings,
    "mistakes": mistakes,
    "conditions": conditions,
    "limits": limits,
}


def printed(body: str) -> str:
    """Each command of a console block with what it prints now, stderr included."""
    runner = CliRunner()
    shown = []
    for line in body.splitlines():
        if line.startswith("$ spanduck "):
            done = runner.invoke(app, shlex.split(line)[2:], env={"COLUMNS": "400"})
            assert done.exit_code == int("error: " in done.output), done.output
            shown.append(f"{line}\n{done.output.rstrip()}\n")
    return "\n".join(shown)


def test_the_page_shows_the_tables_and_what_the_command_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {found["name"] for found in TABLE.finditer(text)} == TABLES.keys()
    real = TABLE.sub(lambda found: found["head"] + TABLES[found["name"]]() + found["foot"], text)
    real = CONSOLE.sub(lambda found: found["fence"] + printed(found["body"]) + found["end"], real)
    if os.environ.get("SPANDUCK_UPDATE_DOCS"):
        PAGE.write_text(real, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == real


def test_the_page_shows_the_caret_of_every_kind_of_mistake() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {code for code in FilterErrorCode if f"error: [{code}]" in text} == set(FilterErrorCode)


def test_the_page_names_every_namespace() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMESPACES if f"`{name}" not in text] == []


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_operator_of_ours_is_told_and_a_documented_one_is_not(operator: Operator) -> None:
    told = undocumented(parse(operator.example))
    assert operator in told or operator.mark is not Mark.OURS or operator.name == "literal first"
    assert all(item.mark is Mark.OURS for item in told)


@pytest.mark.parametrize("example", [item.example for item in READINGS])
def test_an_example_of_how_values_are_read_is_a_filter(example: str) -> None:
    bind(parse(example), None, text=example)


@pytest.mark.parametrize(
    ("code", "example"), [(item.code, text) for item in MISTAKES for text in item.examples]
)
def test_an_example_of_a_mistake_is_that_mistake(code: FilterErrorCode, example: str) -> None:
    with pytest.raises(FilterError) as caught:
        bind(parse(example), None, text=example)
    assert caught.value.code == code
    assert len(str(caught.value)) < 500


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a server with a few spans."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    rows = [
        {
            "context.trace_id": f"trace-{n:08}",
            "context.span_id": f"span-{n:09}",
            "name": "answer" if n % 2 else "search",
            "start_time": start,
            "end_time": start + timedelta(milliseconds=700 * n),
            "status_code": "ERROR" if n % 3 == 0 else "OK",
        }
        for n in range(9)
    ]
    with spanduck.serve(tmp_path_factory.mktemp("store")) as server:
        with spanduck.SpansClient(settings=server.settings) as client:
            client.log(project_name="my-llm-app", dataframe=pa.Table.from_pylist(rows))
        yield spanduck.connect(settings=server.settings)


def test_the_statements_of_the_page_run(con: duckdb.DuckDBPyConnection) -> None:
    statements = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert statements
    for statement in statements:
        assert con.sql(statement).fetchall(), statement

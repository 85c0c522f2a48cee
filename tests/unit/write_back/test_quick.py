"""The engine's numbers of a model are those that the private database keeps of its values."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from spanduck._write_back.ledger import Ledger
from spanduck._write_back.quick import with_quick_numbers
from spanduck._write_back.shape import model_shape
from spanduck._write_back.values import values_of

SCORES = ["i / 7", "i", "CAST(i AS FLOAT) / 3", "i % 2 = 0", "CAST(i AS UBIGINT)", "-0.0::DOUBLE"]
LEVELS = ["'trace'", "if(i % 3 = 0, NULL, 'session')", "if(i % 2 = 0, 'span', 'trace')"]
TEXTS = ["'label ' || i", "if(i % 2 = 0, NULL, 'é\n' || i)", "'x'::ENUM('x', 'y')", "NULL::VARCHAR"]


def kept_and_told(
    sql: str, kind: str
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]] | None]:
    """The numbers that the database keeps, value by value, and those that come with the query."""
    with duckdb.connect() as con, Ledger() as ledger:
        query = con.sql(sql)
        shape = model_shape(query.columns, [str(type_) for type_ in query.types], kind=kind)
        (batch,) = query.to_arrow_reader(2_048)
        ledger.add(values_of(batch, shape, first_row=0))
        ledger.settle()
        queue = ledger.compare(full=False, only_failed=False, limit=None)
        ids = pa.chunked_array([pa.array(range(queue.new), pa.int64())])
        kept = ledger.entries(ids).sort_by("value_id").select(["quick_key", "quick_value"])
        numbered = with_quick_numbers(query, shape)
        if numbered is None:
            return _rows(kept), None
        (batch,) = numbered.to_arrow_reader(2_048)
        told = values_of(batch, shape, first_row=0, quick_from=len(query.columns))
        return _rows(kept), _rows(told.select(["quick_key", "quick_value"]))


def _rows(table: pa.Table) -> list[tuple[int, ...]]:
    return list(zip(*table.to_pydict().values(), strict=True))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("text", TEXTS)
def test_long_values(score: str, text: str) -> None:
    for level in LEVELS:
        kept, told = kept_and_told(
            f"""SELECT 'span ' || i AS span_id, 'Q' AS name, {level} AS level, {text} AS label,
                {score} AS score, {text} AS explanation FROM range(12) AS t(i)""",
            "eval",
        )
        assert len(kept) == 12
        assert told == kept


def test_wide_values() -> None:
    kept, told = kept_and_told(
        """SELECT 'span ' || i AS span_id, 'l' || i AS "eval.A.label", i AS "trace_eval.B b.score",
            if(i = 3, NULL, 'x') AS "session_eval.C.label" FROM range(5) AS t(i)""",
        "eval",
    )
    assert len(kept) == 14
    assert told == kept


def test_annotations() -> None:
    kept, told = kept_and_told(
        """SELECT 'span ' || i AS span_id, 'A' AS name, 'l' AS label, 1 AS score, 't' || i AS text
        FROM range(5) AS t(i)""",
        "annotation",
    )
    assert len(kept) == 5
    assert told == kept


@pytest.mark.parametrize(
    "columns",
    [
        "'0.5' AS score",
        "1.5::DECIMAL(3, 1) AS score",
        "1::HUGEINT AS score",
        "1 AS score, 1 AS label",
    ],
)
def test_types_that_are_read_elsewhere_have_no_numbers(columns: str) -> None:
    _, told = kept_and_told(f"SELECT 'a' AS span_id, 'Q' AS name, {columns}", "eval")
    assert told is None


@pytest.mark.parametrize("macro", ["hash(x) AS md5(x)", "hash(a, b, c) AS 'none'"])
def test_a_macro_of_the_session_does_not_stand_for_the_engines_function(macro: str) -> None:
    sql = """SELECT 'it''s' AS span_id, 1 AS "eval.A.score", 'x' AS "eval.it's ""B"".label" """
    with duckdb.connect() as con:
        query = con.sql(sql)
        shape = model_shape(query.columns, [str(type_) for type_ in query.types], kind="eval")
        numbered = with_quick_numbers(query, shape)
        assert numbered is not None
        told = numbered.fetchall()
        con.execute(f"CREATE MACRO {macro}")
        numbered = with_quick_numbers(con.sql(sql), shape)
        assert numbered is not None
        assert numbered.fetchall() == told
        a_key = "SELECT system.main.hash('it''s', 'span', 'A')"
        assert told[0][3] == con.sql(a_key).fetchall()[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'span ' || i AS span_id, 'Q' AS name, 'x' AS label FROM range(200_000) AS t(i) ORDER BY hash(i)",
        """PIVOT (
            SELECT 'span ' || (i // 2) AS span_id, 'eval.' || if(i % 2 = 0, 'A', 'B') || '.label' AS c
            FROM range(100) AS t(i)
        ) ON c USING any_value('x') GROUP BY span_id ORDER BY span_id""",
    ],
    ids=["order", "pivot"],
)
def test_the_rows_stay_as_they_are(sql: str) -> None:
    with duckdb.connect() as con:
        query = con.sql(sql)
        shape = model_shape(query.columns, [str(type_) for type_ in query.types], kind="eval")
        numbered = with_quick_numbers(query, shape)
        assert numbered is not None
        assert numbered.to_arrow_table().select(query.columns) == query.to_arrow_table()

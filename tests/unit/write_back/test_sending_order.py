"""What a call carries has a row a span, however the model's rows lie."""

from __future__ import annotations

import duckdb
import pytest

from spanduck._write_back.ledger import Ledger
from spanduck._write_back.shape import model_shape
from spanduck._write_back.values import values_of
from spanduck._write_back.wire_calls import calls

WIDE = """
SELECT 's' || i AS span_id, 'x' AS "eval.Q.label", i::DOUBLE AS "eval.R.score", 'z' AS "eval.S.label"
FROM range({rows}) AS t(i)
"""
SCATTERED = """
SELECT 's' || s AS span_id, 'N' || n AS name, 'x' AS label
FROM range(3) AS n(n), range({rows}) AS s(s) ORDER BY n, s
"""


@pytest.mark.parametrize("rows", [1, 3, 50, 1_000, 60_000])
@pytest.mark.parametrize("model", [WIDE, SCATTERED], ids=["wide", "scattered"])
def test_a_span_is_one_row_of_one_call(rows: int, model: str) -> None:
    with Ledger() as ledger, duckdb.connect() as con:
        query = con.sql(model.format(rows=rows))
        types = [str(type_) for type_ in query.types]
        shape = model_shape(query.columns, types, kind="eval")
        first = 0
        for batch in query.to_arrow_reader(2_048):
            ledger.add(values_of(batch, shape, first_row=first))
            first += len(batch)
        ledger.settle()
        ledger.compare(full=False, only_failed=False, limit=None)
        seen: set[str] = set()
        sent = values = 0
        for call in calls(ledger.outbox, project="p", batch_rows=1_000, now_ms=1):
            sent, values = sent + call.rows, values + call.values
            seen.update(call.span_ids.unique().to_pylist())
        assert (sent, len(seen), values) == (rows, rows, 3 * rows)

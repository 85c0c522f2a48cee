"""A filter of ten conditions from text to SQL, against what sqlglot needs to write the same tree."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

Figures: TypeAlias = Any

FILTER = """
    status_code = 'ERROR' AND latency_ms > 1000 AND span_kind IN ('LLM', 'AGENT', 'TOOL')
    AND name LIKE 'Chat%' AND (attributes.llm.model_name = 'gpt-4o' OR eval.Quality.score < 0.5)
    AND event.attributes CONTAINS 'Timeout' AND start_time >= '2024-05-01T10:00:00Z'
    AND parent_id IS NULL AND attributes.metadata.tier != 'free'
"""
COLUMNS = {
    name: Column(name, kind)
    for name, kind in {
        "status_code": StoredKind.TEXT,
        "latency_ms": StoredKind.DOUBLE,
        "attributes.openinference.span.kind": StoredKind.TEXT,
        "name": StoredKind.TEXT,
        "attributes.llm.model_name": StoredKind.TEXT,
        "eval.Quality.score": StoredKind.DOUBLE,
        "event.attributes": StoredKind.TEXT,
        "start_time": StoredKind.TIMESTAMP,
        "parent_id": StoredKind.TEXT,
        "attributes.metadata": StoredKind.JSON,
    }.items()
}
LIMIT = 6


def built(columns: dict[str, Column] | None) -> exp.Expr:
    return condition(bind(parse(FILTER), columns, text=FILTER), portable=columns is None)


@pytest.mark.parametrize("columns", [COLUMNS, None], ids=["stored", "open"])
def test_ten_conditions_are_read_and_written_in_6_times_the_time_of_writing(
    figures: Figures, columns: dict[str, Column] | None
) -> None:
    tree = built(columns)

    def seconds(work: Callable[[], str]) -> float:
        start = time.perf_counter()
        for _ in range(20):
            work()
        return (time.perf_counter() - start) / 20

    pairs = [
        (seconds(lambda: built(columns).sql("duckdb")), seconds(lambda: tree.sql("duckdb")))
        for _ in range(60)
    ]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    spent = statistics.median(ours for ours, _ in pairs)
    what = "ten conditions, text to SQL" + ("" if columns else ", any column")
    figures.tell(f"{what}: time", 1_000 * spent, "ms")
    figures.tell(f"{what}: against writing alone", ratio, "x", limit=f"<= {LIMIT}")
    assert ratio <= LIMIT

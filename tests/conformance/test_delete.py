"""Deleting spans by id, through every client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds six spans."""
    client.log(make_spans(6))
    return client


def test_spans_are_deleted(logged: Client) -> None:
    told = logged.kind.told_of_deletion(span_ids(1, 4), [])
    assert logged.delete(span_ids(1, 4)) == told
    assert sorted(logged.rows_by_id()) == span_ids(0, 2, 3, 5)


def test_ids_that_are_not_there_are_not_deleted(logged: Client) -> None:
    ids = [*span_ids(1), "no-such-span-é", *span_ids(2)]
    told = logged.kind.told_of_deletion
    assert logged.delete(ids) == told(span_ids(1, 2), ["no-such-span-é"])
    assert logged.delete(ids) == told([], ids)
    assert sorted(logged.rows_by_id()) == span_ids(0, 3, 4, 5)


def test_a_window_bounds_the_delete(logged: Client, noon: datetime) -> None:
    window = {
        "start_time": noon + timedelta(seconds=1),
        "end_time": noon + timedelta(seconds=4),
    }
    told = logged.kind.told_of_deletion(span_ids(1, 2, 3), span_ids(0, 4, 5))
    assert logged.delete(span_ids(*range(6)), **window) == told


def test_evaluations_go_with_their_spans(logged: Client, make_spans: MakeSpans) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(0, 1), "eval.Quality.label": ["good", "bad"]})
    logged.update_evaluations(rows)
    logged.delete(span_ids(0))
    assert logged.update_evaluations(rows) == (1, set(span_ids(0)))
    logged.log(make_spans(6))
    labels = {id_: row["eval.Quality.label"] for id_, row in logged.rows_by_id().items()}
    assert labels[span_ids(0)[0]] is None
    assert labels[span_ids(1)[0]] == "bad"


def test_an_empty_list_is_refused_before_anything_is_sent(logged: Client) -> None:
    with pytest.raises(Exception, match="empty"):
        logged.delete([])

"""Metadata that is written back is what the next export shows, through every client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]

UNICODE = "naïve 東京 🦆"


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds four spans, the first with metadata."""
    given = [{"kept": 1, "old": "x"}, None, None, None]
    client.log(make_spans(4, **{"attributes.metadata": given}))
    return client


def metadata(client: Client) -> list[Any]:
    rows = sorted(client.rows_by_id().items())
    texts = [row.get("attributes.metadata") for _, row in rows]
    return [None if text is None else json.loads(text) for text in texts]


def test_field_columns_set_keys(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 2),
            "attributes.metadata.customer_id": ["cust-456", "cust-789"],
            "attributes.metadata.region": ["us-west", UNICODE],
            "attributes.metadata.a.b": [1, 2],
        }
    )
    assert logged.update_metadata(rows) == (2, 0, {})
    assert metadata(logged) == [
        {"kept": 1, "old": "x", "customer_id": "cust-456", "region": "us-west", "a.b": 1},
        None,
        {"customer_id": "cust-789", "region": UNICODE, "a.b": 2},
        None,
    ]


@pytest.mark.parametrize("form", ["dictionary", "text"])
def test_patch_documents_set_keys(logged: Client, form: str) -> None:
    patches: list[Any] = [{"tag": "important", "old": None}, {"other": [1, {"a": 2}]}]
    if form == "text":
        patches = [json.dumps(patch) for patch in patches]
    rows = pd.DataFrame({"context.span_id": span_ids(0, 1), "patch_document": patches})
    assert logged.update_metadata(rows) == (2, 0, {})
    assert metadata(logged)[:2] == [
        {"kept": 1, "old": None, "tag": "important"},
        {"other": '[1,{"a":2}]'},
    ]


def test_a_patch_wins_over_field_columns_key_by_key(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(1, 2),
            "attributes.metadata.tag": ["field", "field"],
            "attributes.metadata.only": ["f", "g"],
            "my_patch_col": [{"tag": "patch", "priority": "high"}, None],
        }
    )
    assert logged.update_metadata(rows, patch_document_column_name="my_patch_col") == (2, 0, {})
    assert metadata(logged)[1:3] == [
        {"tag": "patch", "only": "f", "priority": "high"},
        {"tag": "field", "only": "g"},
    ]


def test_every_type_is_stored_as_documented(logged: Client) -> None:
    values = {
        "text": UNICODE,
        "integer": 7,
        "double": 0.125,
        "yes": True,
        "no": False,
        "nothing": None,
        "list": ["a", 1],
        "dict": {"x": {"y": 1}},
    }
    expected = {
        **values,
        "yes": "True",
        "no": "False",
        "list": '["a",1]',
        "dict": '{"x":{"y":1}}',
    }
    by_patch = pd.DataFrame({"context.span_id": span_ids(1), "patch_document": [values]})
    assert logged.update_metadata(by_patch) == (1, 0, {})
    # An all-missing column is refused by both, so another row has a value.
    columns = {f"attributes.metadata.{name}": [value, "v"] for name, value in values.items()}
    by_field = pd.DataFrame({"context.span_id": span_ids(2, 3), **columns}, dtype=object)
    assert logged.update_metadata(by_field) == (2, 0, {})
    assert metadata(logged)[1:3] == [expected, expected]


def test_a_missing_number_becomes_null(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(1, 2), "attributes.metadata.n": [1.5, None]})
    logged.update_metadata(rows)
    assert metadata(logged)[1:3] == [{"n": 1.5}, {"n": None}]


def test_unknown_ids_are_named_and_the_rest_is_written(logged: Client) -> None:
    ids = [*span_ids(1), "no-such-span-é", *span_ids(2)]
    rows = pd.DataFrame({"context.span_id": ids, "attributes.metadata.n": [1, 2, 3]})
    updated, failed, errors = logged.update_metadata(rows)
    assert (updated, failed, set(errors)) == (2, 1, {"no-such-span-é"})
    assert errors["no-such-span-é"].startswith("segment_not_found")
    assert metadata(logged)[1:3] == [{"n": 1}, {"n": 3}]


def test_what_is_written_can_be_filtered_at_once(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(1, 3), "attributes.metadata.tag": ["a", "b"]})
    logged.update_metadata(rows)
    assert sorted(logged.rows_by_id(where="attributes.metadata.tag = 'b'")) == span_ids(3)


@pytest.mark.parametrize(
    "columns",
    [
        {"context.span_id": ["a"]},
        {"attributes.metadata.a": ["x"]},
        {"context.span_id": [], "attributes.metadata.a": []},
        {"context.span_id": [" "], "attributes.metadata.a": ["x"]},
        {"context.span_id": [None], "attributes.metadata.a": ["x"]},
        {"context.span_id": ["a", "b"], "attributes.metadata.a": [None, None]},
        {"context.span_id": ["a"], "patch_document": ["[1]"]},
        {"context.span_id": ["a"], "patch_document": ["{"]},
        {"context.span_id": ["a"], "patch_document": [{"at": pd.Timestamp("2026-01-01")}]},
        {"context.span_id": ["a"], "attributes.metadata.a": [pd.Timestamp("2026-01-01")]},
        {"context.span_id": ["a"], "patch_document": [{"a": "x" * 1_000_001}]},
        {"context.span_id": ["a"], "patch_document": [{"a": [[[[[[[[[1]]]]]]]]]}]},
    ],
    ids=range(12),
)
def test_what_both_refuse_is_not_sent(logged: Client, columns: dict[str, Any]) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - each client has its own
        logged.update_metadata(pd.DataFrame(columns))
    assert metadata(logged)[1:] == [None, None, None]

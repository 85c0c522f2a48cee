"""The documentation's examples of metadata, and its tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.documentation.conftest import Documentation, Reader

    MakeSpans = Callable[..., pd.DataFrame]

FIRST, SECOND = "span-0000000001", "span-0000000002"
UNKNOWN = "span-unknown-1"

# By the text of the documentation's table: what is given, and what the service holds then.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "str": (["naïve 🦆", ""], ["naïve 🦆", ""]),
    "int / float": ([7, -0.5], [7, -0.5]),
    "bool": ([True, False], ["True", "False"]),
    "None": ([None], [None]),
    "dict / list": ([{"a": {"b": 1}}, [1, "x", None]], ['{"a":{"b":1}}', '[1,"x",null]']),
}


@pytest.fixture
def filled(reader: Reader, make_spans: MakeSpans) -> Reader:
    """Somebody whose project holds three spans, each with metadata."""
    given = [{"kept": "x", "region": "old"}] * 3
    reader.client.log(make_spans(3, **{"attributes.metadata": given}))
    # From a block before, as in most of the examples.
    reader.names["pd"] = pd
    return reader


def metadata(reader: Reader) -> dict[str, Any]:
    """Return what the examples' two spans hold beside what they held before."""
    held = {id_: json.loads(row["attributes.metadata"]) for id_, row in reader.spans().items()}
    assert held.pop("span-0000000000") == {"kept": "x", "region": "old"}
    assert {document.pop("kept") for document in held.values()} == {"x"}
    return held


def counts(reader: Reader) -> list[int]:
    # The vendor's are text.
    response = reader.names["response"]
    return [int(response[name]) for name in ("spans_processed", "spans_updated")]


def table(documentation: Documentation, title: str) -> dict[str, str]:
    """Return the rows of the table under a heading; the last cell ends in a bar, as the rows do."""
    start = documentation.text.index(title)
    rows = {}
    for line in documentation.text[start + 1 :]:
        if not line.startswith("|"):
            if not line.endswith("|"):
                break
            key, _, meaning = line.removesuffix(" |").partition(" | ")
            rows[key] = meaning
    return rows


def test_fields_are_set_by_columns(filled: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    filled.run("metadata by fields")
    assert capsys.readouterr().out == "Updated: 2, Failed: 0\n"
    assert metadata(filled) == {
        FIRST: {"customer_id": "cust-456", "experiment_version": "v2", "region": "us-west"},
        # A row that has no value for a column of the frame sets it to null.
        SECOND: {"customer_id": "cust-789", "experiment_version": None, "region": "eu-central"},
    }


def test_fields_are_set_by_patches(filled: Reader) -> None:
    filled.run("metadata by patches")
    assert counts(filled) == [2, 2]
    assert metadata(filled) == {
        FIRST: {"region": "old", "tag": "important", "priority": "high"},
        SECOND: {"region": "old", "tag": "standard"},
    }


def test_patches_may_be_in_a_column_of_another_name(filled: Reader) -> None:
    # In place of the frame of the block before, whose values are held already.
    filled.names["metadata_df"] = pd.DataFrame(
        {"context.span_id": [FIRST], "patch_document": [{"tag": "other"}]}
    )
    filled.run("metadata by a named column")
    assert counts(filled) == [1, 1]
    assert metadata(filled) == {FIRST: {"region": "old", "tag": "other"}, SECOND: {"region": "old"}}


def test_a_patch_comes_after_the_columns(filled: Reader) -> None:
    filled.run("metadata by both")
    assert metadata(filled)[FIRST] == {"region": "old", "tag": "important", "priority": "high"}
    frame = filled.names["metadata_df"].assign(patch_document=[{"tag": "of the patch"}])
    filled.names["response"] = filled.client.spans.update_metadata(
        space_id=filled.client.space, project_name=filled.client.project, dataframe=frame
    )
    assert metadata(filled)[FIRST]["tag"] == "of the patch"


@pytest.mark.parametrize("kind", VALUES)
def test_values_are_stored_as_the_table_says(filled: Reader, kind: str) -> None:
    given, stored = VALUES[kind]
    rows = pd.DataFrame(
        {
            "context.span_id": [FIRST] * len(given),
            "patch_document": [{f"key {n}": value} for n, value in enumerate(given)],
        }
    )
    client = filled.client
    client.spans.update_metadata(space_id=client.space, project_name=client.project, dataframe=rows)
    assert metadata(filled)[FIRST] == {
        "region": "old",
        **{f"key {n}": value for n, value in enumerate(stored)},
    }


def test_the_table_of_types_is_the_one_tested(documentation: Documentation) -> None:
    assert table(documentation, "Type Handling") == {
        "str": "string",
        "int / float": "number",
        "bool": 'string ("True" / "False")',
        "None": "JSON null (field is set to null, not removed)",
        "dict / list": "JSON string",
    }
    assert list(table(documentation, "Type Handling")) == list(VALUES)


def test_none_in_a_column_is_null_and_removes_nothing(filled: Reader) -> None:
    rows = pd.DataFrame(
        {"context.span_id": [FIRST, SECOND], "attributes.metadata.region": [None, "new"]}
    )
    client = filled.client
    client.spans.update_metadata(space_id=client.space, project_name=client.project, dataframe=rows)
    assert metadata(filled) == {FIRST: {"region": None}, SECOND: {"region": "new"}}


def test_the_response_tells_what_failed(
    filled: Reader, documentation: Documentation, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.names["metadata_df"] = pd.DataFrame(
        {"context.span_id": [FIRST, UNKNOWN], "attributes.metadata.region": ["new", "new"]}
    )
    filled.run("metadata response")
    *counted, failed = capsys.readouterr().out.splitlines()
    assert counted == ["Processed: 2", "Updated: 1", "Failed: 1"]
    assert failed.startswith(f" span {UNKNOWN}: ")
    assert set(filled.names["response"]) >= set(table(documentation, "Response Structure"))
    assert metadata(filled) == {FIRST: {"region": "new"}, SECOND: {"region": "old"}}

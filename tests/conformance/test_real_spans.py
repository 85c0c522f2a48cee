"""Spans written by other people's programs come back unchanged.

How the two files become upload columns is told in `real_spans_mapping.md`.
"""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.conformance.clients import CLIENTS
from tests.conformance.environments import absent

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

# A null list of dictionaries is sent as an empty list.
LISTS_OF_DICTIONARIES = {
    "events",
    "attributes.llm.input_messages",
    "attributes.llm.output_messages",
    "attributes.embedding.embeddings",
}
# Sent beside `attributes.openinference.span.kind`, or renamed to it.
SPAN_KINDS = ("span_kind", "attributes.openinference.span.kind")


@pytest.fixture(scope="module")
def real_data() -> Path:
    named = os.environ.get("SPANDUCK_REAL_DATA")
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
    folder = Path(named) if named else beside
    if not (folder / "spans_data.parquet").is_file():
        absent(
            "real-spans",
            f"there is no spans_data.parquet in {folder};"
            " set SPANDUCK_REAL_DATA to the folder that holds it",
        )
    return folder


def parquet_spans(folder: Path) -> pd.DataFrame:
    table = pq.read_table(folder / "spans_data.parquet")
    columns = [name for name in table.column_names if not name.startswith("__index_level_")]
    frame: pd.DataFrame = table.select(columns).replace_schema_metadata(None).to_pandas()
    return frame


def with_integer_times(spans: pd.DataFrame) -> pd.DataFrame:
    return spans.assign(
        **{
            name: spans[name].map(lambda moment: moment.value)
            for name in ("start_time", "end_time")
        }
    )


def nanoseconds(moment: list[int]) -> int:
    return moment[0] * 1_000_000_000 + moment[1]


def iso_text(moment: list[int]) -> str:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (epoch + timedelta(seconds=moment[0], microseconds=moment[1] // 1_000)).isoformat()


def vercel_spans(folder: Path) -> pd.DataFrame:
    spans = json.loads((folder / "vercel-ai-sdk-spans.json").read_text(encoding="utf-8"))
    rows = [vercel_row(span) for span in spans]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: [row.get(name) for row in rows] for name in columns})


def vercel_row(span: dict[str, Any]) -> dict[str, Any]:
    attributes = span["attributes"]
    operation = attributes["ai.operationId"]
    inner_kind = "LLM" if ".do" in operation else "CHAIN"
    return {
        "context.trace_id": span["spanContext"]["traceId"],
        "context.span_id": span["spanContext"]["spanId"],
        "parent_id": span.get("parentSpanId"),
        "name": span["name"],
        "start_time": nanoseconds(span["startTime"]),
        "end_time": nanoseconds(span["endTime"]),
        "status_code": ("UNSET", "OK", "ERROR")[span["status"]["code"]],
        "status_message": span["status"].get("message"),
        "span_kind": "EMBEDDING" if "embed" in operation.lower() else inner_kind,
        "events": [
            {
                "name": event["name"],
                "timestamp": iso_text(event["time"]),
                "attributes": event["attributes"],
            }
            for event in span["events"]
        ],
        **vercel_attributes(attributes),
    }


def vercel_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    def first(*names: str) -> Any:
        return next((attributes[name] for name in names if name in attributes), None)

    prefix = "ai.telemetry.metadata."
    return {
        "attributes.llm.model_name": first("ai.model.id"),
        "attributes.llm.token_count.prompt": first("ai.usage.promptTokens", "ai.usage.inputTokens"),
        "attributes.llm.token_count.completion": first(
            "ai.usage.completionTokens", "ai.usage.outputTokens"
        ),
        "attributes.llm.token_count.total": first("ai.usage.totalTokens"),
        "attributes.input.value": first("ai.prompt", "ai.value"),
        "attributes.output.value": first("ai.response.text", "ai.response.object"),
        "attributes.llm.input_messages": [
            {
                "message.role": message["role"],
                "message.content": message["content"]
                if isinstance(message["content"], str)
                else json.dumps(message["content"]),
            }
            for message in json.loads(attributes.get("ai.prompt.messages", "[]"))
        ],
        "attributes.embedding.embeddings": [
            {"embedding.text": text, "embedding.vector": json.loads(vector)}
            for text, vector in zip(
                attributes.get("ai.values", []), attributes.get("ai.embeddings", []), strict=True
            )
        ],
        "attributes.metadata": {
            key.removeprefix(prefix): value
            for key, value in attributes.items()
            if key.startswith(prefix)
        },
        **{
            f"attributes.{key}": value
            for key, value in attributes.items()
            if not key.startswith(prefix)
        },
    }


SOURCES: dict[str, Callable[[Path], pd.DataFrame]] = {
    "parquet": lambda folder: with_integer_times(parquet_spans(folder)),
    "vercel": vercel_spans,
}


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def assert_same(sent: Any, got: Any, where: str) -> None:
    """Compare by value, undoing JSON text wherever a dictionary or list was sent."""
    if isinstance(sent, np.ndarray):
        sent = sent.tolist()
    if isinstance(sent, (dict, list)) and isinstance(got, str):
        got = json.loads(got)
    if is_missing(sent):
        assert got is None, where
    elif isinstance(sent, dict):
        assert set(got) == set(sent), where
        for key, value in sent.items():
            assert_same(value, got[key], f"{where}[{key!r}]")
    elif isinstance(sent, list):
        assert len(got) == len(sent), where
        for position, value in enumerate(sent):
            assert_same(value, got[position], f"{where}[{position}]")
    elif isinstance(sent, str):
        assert got == sent, where
    else:
        assert isinstance(got, (int, float)), where
        assert got == sent, where


@pytest.mark.parametrize("exporter", CLIENTS)
@pytest.mark.parametrize("uploader", CLIENTS)
@pytest.mark.parametrize("source", SOURCES)
def test_real_spans_come_back_unchanged(
    real_data: Path, connect: Callable[..., Client], source: str, uploader: str, exporter: str
) -> None:
    spans = SOURCES[source](real_data)
    sender = connect(uploader)
    sender.log(spans)
    window = {
        name: datetime.fromtimestamp(spans["start_time"].min() // 1_000_000_000 + shift, UTC)
        for name, shift in (("start_time", 0), ("end_time", 86_400))
    }
    rows = connect(exporter, project=sender.project).rows_by_id(**window)
    assert sorted(rows) == sorted(spans["context.span_id"])
    for sent in spans.to_dict("records"):
        got = rows[sent["context.span_id"]]
        kind = next(sent[name] for name in reversed(SPAN_KINDS) if name in sent)
        assert got["attributes.openinference.span.kind"] == kind
        assert type(got["start_time"]) is type(got["end_time"]) is int
        for name, value in cast("dict[str, Any]", sent).items():
            if name in SPAN_KINDS:
                continue
            if name in LISTS_OF_DICTIONARIES and is_missing(value):
                assert not got[name], name
            else:
                assert_same(value, got[name], f"{sent['context.span_id']} {name}")


def test_an_all_null_column_of_real_spans_is_null(real_data: Path, client: Client) -> None:
    spans = with_integer_times(parquet_spans(real_data))
    assert spans["parent_id"].isna().all()
    client.log(spans)
    start = datetime(2025, 10, 28, tzinfo=UTC)
    table = client.export(start_time=start, end_time=start + timedelta(days=1))
    assert table["parent_id"].null_count == len(spans)


def test_timestamps_become_nanoseconds(real_data: Path, client: Client) -> None:
    spans = parquet_spans(real_data)
    client.log(spans)
    start = datetime(2025, 10, 28, tzinfo=UTC)
    rows = client.rows_by_id(start_time=start, end_time=start + timedelta(days=1))
    for sent in spans.to_dict("records"):
        for name in ("start_time", "end_time"):
            got = rows[sent["context.span_id"]][name]
            assert abs(got - sent[name].value) <= client.kind.time_error_ns


@pytest.mark.parametrize("exporter", CLIENTS)
def test_the_frame_has_objects_for_messages_and_variables(
    real_data: Path, connect: Callable[..., Client], exporter: str
) -> None:
    spans = with_integer_times(parquet_spans(real_data))
    sender = connect("vendor")
    sender.log(spans)
    start = datetime(2025, 10, 28, tzinfo=UTC)
    frame = connect(exporter, project=sender.project).export_to_df(
        start_time=start, end_time=start + timedelta(days=1)
    )
    sent_by_id = {row["context.span_id"]: row for row in spans.to_dict("records")}
    assert len(frame) == len(spans)
    for row in frame.to_dict("records"):
        sent = sent_by_id[row["context.span_id"]]
        for name in (
            "attributes.llm.input_messages",
            "attributes.llm.output_messages",
            "attributes.llm.prompt_template.variables",
        ):
            assert not isinstance(row[name], str)
            assert_same(sent[name], row[name], name)

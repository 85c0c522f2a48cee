"""The documentation's examples of listing, filtering and exporting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conformance.documentation.conftest import Reader

    MakeSpans = Callable[..., pd.DataFrame]

DAY_NS = 24 * 60 * 60 * 1_000_000_000


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


def with_an_old_span(spans: pd.DataFrame) -> pd.DataFrame:
    """Return spans of which the last is before the window of the examples."""
    ages = [0] * (len(spans) - 1) + [20 * DAY_NS]
    return spans.assign(
        start_time=spans["start_time"] - ages,
        end_time=spans["end_time"] - ages,
    )


def test_listed_spans_are_printed_newest_first(
    reader: Reader, make_spans: MakeSpans, capsys: pytest.CaptureFixture[str]
) -> None:
    reader.client.log(with_an_old_span(make_spans(4)))
    reader.run("list")
    assert capsys.readouterr().out.splitlines() == [
        "span-0000000002 step 2",
        "span-0000000001 step 1",
        "span-0000000000 step 0",
    ]


@pytest.mark.parametrize(
    ("block", "numbers"),
    [
        ("filter by status", [2, 1]),
        ("filter by evaluation", [3, 1]),
        ("filter by annotation", [4, 0]),
        ("filter by latency", [4, 2]),
        ("combined filter", [1]),
    ],
)
def test_filters_give_the_spans_they_name(
    reader: Reader, make_spans: MakeSpans, block: str, numbers: list[int]
) -> None:
    spans = make_spans(5)
    spans["status_code"] = ["OK", "ERROR", "ERROR", "OK", "UNSET"]
    latencies_ms = [1, 999, 1_001, 1_000, 5_000]
    spans["end_time"] = spans["start_time"] + [ms * 1_000_000 for ms in latencies_ms]
    evaluations = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 1, 2, 3),
            "eval.Correctness.label": ["incorrect", "correct", "Correct", "correct"],
        }
    )
    annotations = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 1, 4),
            "annotation.Quality.label": ["good", "bad", "good"],
        }
    )
    client = reader.client
    client.log(spans, evaluations)
    client.spans.update_annotations(
        space_id=client.space, project_name=client.project, dataframe=annotations
    )
    reader.run(block)
    found = [span.context.span_id for span in reader.names["resp"].spans]
    assert found == span_ids(*numbers)


def test_exports_hold_the_spans_of_the_window(
    reader: Reader,
    make_spans: MakeSpans,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The example writes into the working directory.
    monkeypatch.chdir(tmp_path)
    reader.client.log(with_an_old_span(make_spans(4)))
    reader.run("export")
    assert capsys.readouterr().out == "Exported 3 spans\n"
    frame: Any = reader.names["df"]
    assert sorted(frame["context.span_id"]) == span_ids(0, 1, 2)
    assert sorted(frame["name"]) == ["step 0", "step 1", "step 2"]
    reader.run("export to parquet")
    table = pq.read_table(tmp_path / "spans_export.parquet")
    assert sorted(table["context.span_id"].to_pylist()) == span_ids(0, 1, 2)
    assert set(frame.columns) <= set(table.column_names)

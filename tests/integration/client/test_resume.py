"""Uploads that break off between calls, and go on where they did."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from tests.integration.faulty_proxy import FaultyProxy

from spanduck import SpansClient
from spanduck._upload import parts
from spanduck.exceptions import (
    Error,
    IncompleteUploadError,
    OutcomeUnknownError,
    RejectedError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck.embedded import EmbeddedServer

ROWS = 450
CALLS = 5
FAULTS = ("refused", "lost on the way", "answer lost")


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(server.rest_port) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer, proxy: FaultyProxy) -> Iterator[SpansClient]:
    settings: dict[str, Any] = {
        name.removeprefix("ARIZE_").lower(): value for name, value in server.environment().items()
    }
    with SpansClient(**{**settings, "api_port": proxy.server_port}) as client:
        yield client


@pytest.fixture(autouse=True)
def _small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 100)


@pytest.fixture(scope="module")
def spans() -> pa.Table:
    start = int(datetime.now(UTC).timestamp()) * 10**9 - 10**12
    return pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(ROWS)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(ROWS)],
            "name": [f"operation {number % 7}" for number in range(ROWS)],
            "start_time": pa.array([start + number for number in range(ROWS)], pa.int64()),
            "end_time": pa.array([start + 10**9] * ROWS, pa.int64()),
        }
    )


@pytest.fixture(scope="module")
def evaluations() -> pa.Table:
    ids = [f"span-{number:012d}" for number in range(0, ROWS, 3)]
    numbers = [float(number) for number in range(len(ids))]
    return pa.table({"context.span_id": [*ids, "nowhere"], "eval.Q.score": [*numbers, 1.0]})


def stored(client: SpansClient, project: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.export(project_name=project).read_all().to_pylist()
    return sorted(rows, key=lambda row: str(row["context.span_id"]))


@pytest.fixture
def upload(
    client: SpansClient, spans: pa.Table, evaluations: pa.Table
) -> Callable[..., tuple[Any, list[str]]]:
    """Upload all rows, and return what came of it and what was warned of."""

    def log(project: str, **options: Any) -> tuple[Any, list[str]]:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            response = client.log(
                project_name=project, dataframe=spans, evals_dataframe=evaluations, **options
            )
        return response, [str(warning.message) for warning in told]

    return log


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", range(1, CALLS))
def test_what_breaks_off_and_goes_on_comes_to_the_same(
    client: SpansClient, proxy: FaultyProxy, upload: Any, *, at: int, fault: str, validate: bool
) -> None:
    project = f"{fault} at {at} {validate}"
    _, warned = upload("undisturbed")
    proxy.fail(fault, at=at)
    with pytest.raises(IncompleteUploadError) as caught:
        upload(project, validate=validate)
    error = caught.value
    assert (error.rows_stored, error.calls) == (at * 100, at)
    assert error.failed_rows == min(100, ROWS - at * 100)
    cause = RejectedError if fault == "refused" else OutcomeUnknownError
    assert isinstance(error.__cause__, cause)
    assert error.retryable == (fault != "refused")
    assert error.status == (400 if fault == "refused" else None)
    assert f"rows {at * 100:,} to {at * 100 + error.failed_rows - 1:,}" in error.message
    assert f"skip_rows={at * 100}." in error.next_step
    response, warned_again = upload(project, validate=validate, skip_rows=error.rows_stored)
    assert (response.spans, response.calls) == (ROWS - at * 100, CALLS - at)
    assert warned_again == warned
    assert stored(client, project) == stored(client, "undisturbed")


def test_a_refused_row_is_told_by_its_place_in_the_data_and_can_be_mended(
    client: SpansClient, spans: pa.Table
) -> None:
    ids = spans["context.span_id"].to_pylist()
    wrong = spans.set_column(0, "context.span_id", pa.array([*ids[:320], None, *ids[321:]]))
    with pytest.raises(IncompleteUploadError, match=r"row 20 has no context\.span_id") as caught:
        client.log(project_name="mended", dataframe=wrong, validate=False)
    error = caught.value
    assert error.message.startswith(
        "rows 300 to 399 are not stored (the service counts from the first of these): "
    )
    assert error.advice == "Mend what the service refuses, and keep the rows in their order."
    assert error.next_step == (
        f"The 300 rows before are stored. {error.advice}"
        " To go on, call log with the mended data and skip_rows=300."
    )
    assert not error.retryable
    options: dict[str, Any] = {
        "project_name": "mended",
        "validate": False,
        "skip_rows": error.rows_stored,
    }
    # The same data again, and then the mended one.
    with pytest.raises(IncompleteUploadError) as again:
        client.log(dataframe=wrong, **options)
    assert (again.value.message, again.value.next_step) == (error.message, error.next_step)
    assert client.log(dataframe=spans, **options).spans == 150
    assert [row["context.span_id"] for row in stored(client, "mended")] == ids


def test_where_no_row_is_refused_none_is_to_be_mended(proxy: FaultyProxy, upload: Any) -> None:
    proxy.fail("answer lost", at=1)
    with pytest.raises(IncompleteUploadError) as caught:
        upload("nothing to mend")
    assert "counts" not in caught.value.message
    assert caught.value.next_step == (
        "The 100 rows before are stored. To go on, call log with the same data and skip_rows=100."
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_first_call_that_fails_keeps_its_own_error(
    proxy: FaultyProxy, upload: Any, fault: str
) -> None:
    proxy.fail(fault, at=0)
    with pytest.raises(Error) as caught:
        upload(f"first {fault}")
    assert type(caught.value) is (RejectedError if fault == "refused" else OutcomeUnknownError)


def test_it_may_break_off_and_go_on_again_and_again(
    client: SpansClient, proxy: FaultyProxy, upload: Any
) -> None:
    upload("undisturbed")
    progress: list[int] = []
    proxy.fail("refused", at=1)
    with pytest.raises(IncompleteUploadError):
        upload("again", on_stored=progress.append)
    proxy.fail("answer lost", at=0)
    with pytest.raises(IncompleteUploadError) as caught:
        upload("again", on_stored=progress.append, skip_rows=progress[-1])
    assert (caught.value.rows_stored, caught.value.calls) == (100, 0)
    upload("again", on_stored=progress.append, skip_rows=progress[-1])
    assert progress == [100, 200, 300, 400, 450]
    assert stored(client, "again") == stored(client, "undisturbed")


def test_ctrl_c_and_a_source_that_breaks_tell_how_to_go_on(
    client: SpansClient, spans: pa.Table
) -> None:
    def interrupted(rows: int) -> None:
        if rows == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        client.log(project_name="interrupted", dataframe=spans, on_stored=interrupted)
    assert stopped.value.__notes__ == [
        "The 200 rows before are stored. To go on, call log with the same data and skip_rows=200."
    ]

    def batches() -> Iterator[pa.RecordBatch]:
        yield from spans.slice(0, 20_000).to_batches() * 60
        raise OSError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(spans.schema, batches())
    with pytest.raises(OSError, match="the disk is gone") as broken:
        client.log(project_name="broken", dataframe=reader, validate=False)
    assert "skip_rows=" in broken.value.__notes__[0]


def test_rows_are_numbered_as_in_the_whole_data(client: SpansClient, spans: pa.Table) -> None:
    names = [*(["x"] * 399), "x" * 51, *(["x"] * 50)]
    wrong = spans.set_column(2, "name", pa.array(names))
    with pytest.raises(ValidationError, match="name, row 399") as caught:
        client.log(project_name="numbered", dataframe=wrong, skip_rows=300)
    assert caught.value.row_index == 399
    assert client.log(project_name="numbered", dataframe=wrong, skip_rows=400).spans == 50


def test_where_all_rows_are_stored_no_call_is_made(client: SpansClient, spans: pa.Table) -> None:
    response = client.log(project_name="complete", dataframe=spans, skip_rows=ROWS)
    assert (response.status_code, response.spans, response.calls) == (200, 0, 0)


@pytest.mark.parametrize(("skipped", "said"), [(451, "has 450 rows, fewer than"), (-1, "is -1")])
def test_rows_that_are_not_there_cannot_be_skipped(
    client: SpansClient, spans: pa.Table, skipped: int, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        client.log(project_name="too-far", dataframe=spans, skip_rows=skipped)


def test_a_relation_goes_on_as_well(
    client: SpansClient, proxy: FaultyProxy, spans: pa.Table, upload: Any
) -> None:
    upload("undisturbed")
    with duckdb.connect() as con:
        con.register("given", spans)
        proxy.fail("lost on the way", at=2)
        with pytest.raises(IncompleteUploadError) as caught:
            client.log(project_name="relation", dataframe=con.sql("FROM given"))
        client.log(
            project_name="relation",
            dataframe=con.sql("FROM given"),
            skip_rows=caught.value.rows_stored,
        )
    assert [row["context.span_id"] for row in stored(client, "relation")] == [
        row["context.span_id"] for row in stored(client, "undisturbed")
    ]

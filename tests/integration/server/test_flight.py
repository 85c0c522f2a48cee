from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a test of the wire
import pytest

from spanduck._wire import ExportCommand, flight_headers


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC)


def test_a_window_includes_its_start_and_excludes_its_end(caller: Any, tools: Any) -> None:
    # On whole seconds, so that both bounds fall on a span.
    base = (time.time_ns() // 10**9 - 100) * 10**9
    table = tools.spans(10)
    starts = pa.array([base + n * 10**9 for n in range(10)], pa.int64())
    caller.upload(table.set_column(4, "start_time", starts), "window")
    start, end = _moment(base + 2 * 10**9), _moment(base + 5 * 10**9)
    both = caller.export("window", start_time=start, end_time=end)
    assert sorted(both["start_time"].to_pylist()) == [base + n * 10**9 for n in (2, 3, 4)]
    assert caller.export("window", start_time=start).num_rows == 8
    assert caller.export("window", end_time=end).num_rows == 5
    assert caller.export("window", start_time=end + timedelta(days=1)).num_rows == 0
    with pytest.raises(pa.ArrowInvalid, match="is not before endTime"):
        caller.info("window", start_time=end, end_time=start)


def test_only_projected_columns_are_sent_and_time_in_any_case(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3, **{"attributes.a": ["x"] * 3, "eval.Q.score": [1] * 3}), "cols")
    asked = ("eval.Q.score", "name", "attributes.unknown", "name", "time")
    table = caller.export("cols", projected_columns=asked)
    assert table.column_names == ["time", "eval.Q.score", "name"]
    assert table["eval.Q.score"].to_pylist() == [1.0] * 3
    assert caller.export("cols", projected_columns=("nothing",)).column_names == ["time"]


@pytest.mark.parametrize(
    ("size", "largest"), [(None, 4_000), (1_000, 1_000), (7, 7), (9_999, 5_000)]
)
def test_the_chunk_size_bounds_the_rows_of_a_batch(
    caller: Any, tools: Any, size: int | None, largest: int
) -> None:
    project = f"chunks {size}"
    caller.upload(tools.spans(12_000), project)
    table = caller.export(project, stream_chunk_size=size)
    rows = [batch.num_rows for batch in table.to_batches()]
    assert sum(rows) == 12_000
    assert max(rows) == largest


def test_a_chunk_size_of_nothing_is_refused(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "chunks 0")
    with pytest.raises(pa.ArrowInvalid, match="streamChunkSize is 0"):
        caller.info("chunks 0", stream_chunk_size=0)


def test_a_ticket_reads_the_moment_it_was_given_out(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(5, **{"attributes.a": ["old"] * 5}), "moment")
    info = caller.info("moment")
    caller.upload(tools.spans(20, **{"attributes.b": ["new"] * 20}), "moment")
    before = caller.read(info)
    assert before.num_rows == 5
    assert set(before["attributes.a"].to_pylist()) == {"old"}
    assert "attributes.b" not in before.column_names
    assert caller.export("moment").num_rows == 20


def test_a_ticket_is_good_once(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "once")
    info = caller.info("once")
    caller.read(info)
    with pytest.raises(pa.ArrowKeyError, match="no snapshot that is still held"):
        caller.read(info)


def test_of_too_many_tickets_the_oldest_is_dropped(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "many")
    infos = [caller.info("many") for _ in range(65)]
    assert caller.status()["held_snapshots"] == 64
    with pytest.raises(pa.ArrowKeyError):
        caller.read(infos[0])
    assert caller.read(infos[1]).num_rows == 1
    assert caller.read(infos[-1]).num_rows == 1


def test_project_and_space_go_by_name_or_id(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "named")
    listed = caller.rest.get("/v2/projects", params={"name": "named"}).json()["projects"]
    assert caller.export(listed[0]["id"]).num_rows == 1
    command = ExportCommand(space=caller.server.space, project="named")
    descriptor = fl.FlightDescriptor.for_command(command.to_json())
    assert caller.flight.get_flight_info(descriptor, caller.options).total_records == 1


def test_an_unknown_project_is_refused_with_near_matches(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "my-llm-app")
    with pytest.raises(pa.ArrowKeyError, match="Did you mean 'my-llm-app'") as raised:
        caller.info("my-lm-app")
    assert "no project 'my-lm-app'" in str(raised.value)


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ({"similarity_search": True}, "similaritySearchParams"),
        ({"environment": "PRODUCTION"}, "'PRODUCTION'"),
    ],
)
def test_what_the_server_cannot_evaluate_is_refused(
    caller: Any, tools: Any, command: dict[str, Any], named: str
) -> None:
    caller.upload(tools.spans(1), "refusals")
    with pytest.raises(pa.ArrowNotImplementedError) as raised:
        caller.info("refusals", **command)
    assert named in str(raised.value)


def test_a_command_that_is_none_is_refused(caller: Any) -> None:
    for descriptor in (
        fl.FlightDescriptor.for_command(b"garbage"),
        fl.FlightDescriptor.for_path("a"),
    ):
        with pytest.raises(pa.ArrowInvalid):
            caller.flight.get_flight_info(descriptor, caller.options)


def test_a_missing_or_wrong_key_is_refused(caller: Any, tools: Any) -> None:
    descriptor = fl.FlightDescriptor.for_command(
        ExportCommand(space=caller.server.space_id, project="p").to_json()
    )
    with pytest.raises(fl.FlightUnauthenticatedError, match="no API key"):
        caller.flight.get_flight_info(descriptor)
    wrong = fl.FlightCallOptions(headers=flight_headers("wrong"))
    with pytest.raises(fl.FlightUnauthenticatedError, match="is wrong") as raised:
        caller.flight.get_flight_info(descriptor, wrong)
    assert caller.server.api_key not in str(raised.value)


def test_a_dropped_or_cancelled_stream_is_closed_at_the_server(caller: Any, tools: Any) -> None:
    caller.upload(
        tools.spans(30_000, **{"attributes.input.value": [f"{n}-" * 500 for n in range(30_000)]}),
        "dropped",
    )
    cancelled = caller.flight.do_get(caller.info("dropped").endpoints[0].ticket, caller.options)
    cancelled.read_chunk()
    dropped = caller.flight.do_get(caller.info("dropped").endpoints[0].ticket, caller.options)
    dropped.read_chunk()
    caller.wait_for_open_streams(2)
    cancelled.cancel()
    caller.wait_for_open_streams(1)
    dropped.cancel()
    del dropped
    caller.wait_for_open_streams(0)


def test_a_stream_whose_client_is_gone_is_closed_at_the_server(caller: Any, tools: Any) -> None:
    caller.upload(
        tools.spans(30_000, **{"attributes.input.value": [f"{n}-" * 500 for n in range(30_000)]}),
        "gone",
    )
    other = tools.Caller(caller.server)
    reader = other.flight.do_get(other.info("gone").endpoints[0].ticket, other.options)
    reader.read_chunk()
    caller.wait_for_open_streams(1)
    del reader
    other.close()
    caller.wait_for_open_streams(0)


def test_reads_go_on_while_a_write_runs(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1_000), "busy")
    content = tools.body(tools.spans(60_000, **{"attributes.a": ["x" * 1_000] * 60_000}), "busy")
    counts: set[int] = set()
    done = threading.Event()

    def write() -> None:
        try:
            assert caller.post(content, rows=60_000).status_code == 200
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        table = caller.export("busy", projected_columns=("context.span_id",))
        counts.add(table.num_rows)
        reads += 1
    writer.join()
    assert reads > 1
    assert counts <= {1_000, 60_000}
    assert caller.export("busy", projected_columns=("name",)).num_rows == 60_000

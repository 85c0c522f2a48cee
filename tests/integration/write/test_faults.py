"""A service that refuses, breaks or talks nonsense in the middle of a write-back."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.flight as fl  # noqa: TID251 - a service that misbehaves as told
import pytest

from spanduck import WriteBackReport, write_back
from spanduck._wire import UpdateResult
from spanduck.exceptions import AuthenticationError, UnavailableError, WriteBackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Three calls: 32 evaluations, 32 more, and 6.
MODEL = """
SELECT 'span-' || s AS span_id, 'N' || n AS name, 'x' AS label
FROM range(70) AS n(n), range(10) AS s(s)
"""
ALL = 700
GOOD = UpdateResult(records_updated=10).to_bytes()


class FaultyService(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Answers each put as the next of `answers` says: a payload, an error, or None for no result."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.answers: list[bytes | Exception | None] = []
        self.rows: list[int] = []

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        answer = self.answers.pop(0) if self.answers else GOOD
        if isinstance(answer, Exception):
            raise answer
        self.rows.append(reader.read_all().num_rows)
        if answer is not None:
            writer.write(answer)


@pytest.fixture
def faulty() -> Iterator[FaultyService]:
    with FaultyService() as service:
        yield service


@pytest.fixture
def run(
    settings: dict[str, Any], new_project: Callable[[str], str]
) -> Iterator[Callable[[int], WriteBackReport]]:
    """Run the model with REST at the embedded server and Flight at a port."""
    project = new_project("faults")
    reports = []

    def write(port: int) -> WriteBackReport:
        given = {**settings, "flight_port": port, "connect_timeout_s": 1.0, "write_timeout_s": 5.0}
        with duckdb.connect() as con:
            report = write_back(con, MODEL, project=project, **given)
        reports.append(report)
        assert report.values == sum(report.counts().values()) == ALL
        return report

    yield write
    for report in reports:
        report.close()


def failures(report: WriteBackReport) -> dict[tuple[str, str], int]:
    """Number of values not accepted, by status and code."""
    outcomes = report.outcomes().read_all()
    counted = outcomes.group_by(["status", "error_code"]).aggregate([([], "count_all")])
    return {(row["status"], row["error_code"]): row["count_all"] for row in counted.to_pylist()}


def reasons(report: WriteBackReport) -> set[str]:
    return set(report.outcomes().read_all().column("reason").to_pylist())


def test_a_call_that_is_refused_keeps_its_reason_and_the_others_are_written(
    run: Any, faulty: FaultyService
) -> None:
    faulty.answers = [GOOD, fl.FlightServerError("label 'x' is not to our taste"), GOOD]
    report = run(faulty.port)
    assert failures(report) == {("rejected", "refused"): 320}
    assert (report.accepted, report.calls) == (380, 3)
    assert all("label 'x' is not to our taste" in reason for reason in reasons(report))
    with pytest.raises(WriteBackError, match="320 rejected"):
        report.raise_for_status()


def test_a_key_that_is_withdrawn_ends_the_run(run: Any, faulty: FaultyService) -> None:
    faulty.answers = [GOOD, fl.FlightUnauthenticatedError("the key was withdrawn")]
    report = run(faulty.port)
    assert failures(report) == {("rejected", "refused"): 320, ("rejected", "not_sent"): 60}
    assert (report.accepted, report.calls, len(faulty.rows)) == (320, 2, 1)


def test_a_key_that_is_refused_at_once_is_raised(run: Any, faulty: FaultyService) -> None:
    faulty.answers = [fl.FlightUnauthenticatedError("no such key")]
    with pytest.raises(AuthenticationError):
        run(faulty.port)


def test_nobody_at_the_port_is_raised(run: Any) -> None:
    with pytest.raises(UnavailableError):
        run(1)


@pytest.mark.parametrize("answer", [None, b"\xff\xff nonsense"], ids=["nothing", "nonsense"])
def test_without_a_readable_result_the_outcome_is_unknown(
    run: Any, faulty: FaultyService, answer: bytes | None
) -> None:
    faulty.answers = [GOOD, answer]
    report = run(faulty.port)
    assert failures(report) == {("rejected", "outcome_unknown"): 320}
    assert report.accepted == 380


def test_unmatched_ids_that_are_strange_are_counted_once(run: Any, faulty: FaultyService) -> None:
    ids = ("span-3", "span-3", "span-never-sent", "")
    faulty.answers = [UpdateResult(8, ids).to_bytes()]
    report = run(faulty.port)
    assert failures(report) == {("unmatched", "unknown_span"): 32}
    assert report.unmatched == 32


DYING = """
import os, sys
import pyarrow.flight as fl

class Dying(fl.FlightServerBase):
    calls = 0
    def do_put(self, context, descriptor, reader, writer):
        self.calls += 1
        reader.read_chunk()
        if self.calls == 2:
            os._exit(1)
        reader.read_all()
        writer.write(b"")

server = Dying("grpc+tcp://127.0.0.1:0")
print(server.port, flush=True)
server.serve()
"""


def test_a_service_that_dies_in_the_middle_leaves_one_call_unknown(run: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DYING], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        try:
            report = run(int(service.stdout.readline()))
        finally:
            service.kill()
    assert failures(report) == {("rejected", "outcome_unknown"): 320, ("rejected", "not_sent"): 60}
    assert (report.accepted, report.calls) == (320, 3)

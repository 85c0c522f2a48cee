"""A service that refuses, breaks or talks nonsense in the middle of a write-back."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import SpansClient, WriteBackReport, write_back
from spanduck._wire import MetadataResult, UpdateResult
from spanduck.exceptions import AuthenticationError, UnavailableError, WriteBackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPANS = 100
SELECT = "SELECT printf('span-%012d', n) AS span_id, {columns} FROM range({spans}) AS spans(n)"
LABELS = "'Quality' AS name, 'label ' || n AS label"
WORDS = "the label is not to our taste"
TEN_CALLS = {"batch_rows": 1}
"""Of ten rows each."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.duckdb"


@pytest.fixture
def project(request: pytest.FixtureRequest, new_project: Callable[[str], str]) -> str:
    return new_project(request.node.name[:90])


@pytest.fixture
def run(
    relay: Any, settings: dict[str, Any], project: str, state: Path
) -> Callable[..., WriteBackReport]:
    """Run a model through the relay; its report lives as long as the test."""

    def write(
        columns: str = LABELS, *, kind: str = "eval", spans: int = SPANS, **given: Any
    ) -> WriteBackReport:
        given = {**settings, "flight_port": relay.port, **TEN_CALLS, "in_flight": 1, **given}
        sql = SELECT.format(columns=columns, spans=spans)
        with duckdb.connect() as con:
            report: WriteBackReport = write_back(
                con, sql, kind=kind, project=project, state=state, **given
            )
        assert report.values == sum(report.counts().values())
        return report

    return write


@pytest.fixture
def labels(
    stored: Callable[[str], dict[tuple[str, str], Any]], project: str
) -> Callable[[], list[str]]:
    """The labels that the service holds, in the order of the spans."""

    def read() -> list[str]:
        held = stored(project)
        return [held[place] for place in sorted(held)]

    return read


def expected(spans: int = SPANS) -> list[str]:
    return [f"label {n}" for n in range(spans)]


def rows(state: Path, text: str) -> list[Any]:
    with duckdb.connect(state, read_only=True) as con:
        return con.execute(text).fetchall()


def pending(state: Path) -> int:
    return int(rows(state, "SELECT count(*) FROM spanduck_state.pending")[0][0])


def failures(report: WriteBackReport) -> dict[tuple[str, str], int]:
    """Number of values not accepted, by status and code."""
    outcomes = report.outcomes().read_all().to_pylist()
    return dict(Counter((row["status"], row["error_code"]) for row in outcomes))


def span_ids(report: WriteBackReport) -> list[str]:
    ids: list[str] = report.outcomes().read_all().column("span_id").to_pylist()
    return ids


def reasons(report: WriteBackReport) -> set[str]:
    return set(report.outcomes().read_all().column("reason").to_pylist())


def test_of_a_call_that_is_refused_only_the_rows_at_fault_are_rejected(
    relay: Any, run: Callable[..., WriteBackReport], labels: Callable[[], list[str]]
) -> None:
    relay.plan.bad = tuple(f"span-{n:012d}" for n in (17, 18, 63))
    with run(in_flight=4) as report:
        assert failures(report) == {("rejected", "refused"): 3}
        assert span_ids(report) == list(relay.plan.bad)
        assert all(reason.endswith(WORDS) for reason in reasons(report))
        # Ten, of which two are cut: at most eight more for each row that is found.
        assert report.calls <= 10 + 3 * 8
        with pytest.raises(WriteBackError, match="3 rejected"):
            report.raise_for_status()
    assert labels() == [label for n, label in enumerate(expected()) if n not in {17, 18, 63}]


def test_a_service_that_refuses_everything_is_not_asked_for_each_row(
    relay: Any, run: Callable[..., WriteBackReport]
) -> None:
    relay.plan.bad = tuple(f"span-{n:012d}" for n in range(150))
    with run(spans=150, batch_rows=15) as report:
        assert failures(report) == {("rejected", "refused"): 150}
        assert report.calls < 130
        assert any("not searched further" in reason for reason in reasons(report))


def test_a_key_that_is_withdrawn_ends_the_run(
    relay: Any, run: Callable[..., WriteBackReport], labels: Callable[[], list[str]]
) -> None:
    relay.plan.puts = deque([None, relay.fault("before", "UNAUTHENTICATED")])
    with run() as report:
        assert failures(report) == {("rejected", "refused"): 10, ("rejected", "not_sent"): 80}
        assert (report.accepted, report.calls) == (10, 2)
    with run() as report:
        assert (report.accepted, report.unchanged) == (90, 10)
    assert labels() == expected()


def test_a_key_that_is_refused_at_once_is_raised(
    relay: Any, run: Callable[..., WriteBackReport], state: Path
) -> None:
    relay.plan.puts = deque([relay.fault("before", "UNAUTHENTICATED")])
    with pytest.raises(AuthenticationError):
        run()
    assert pending(state) == 0
    assert rows(state, "SELECT status, accepted FROM spanduck_state.runs") == [("failed", 0)]


def test_nobody_at_the_port_is_raised(run: Callable[..., WriteBackReport], state: Path) -> None:
    with pytest.raises(UnavailableError):
        run(flight_port=1, connect_timeout_s=0.5)
    assert pending(state) == 0


@pytest.mark.parametrize(
    "how",
    ["none", "nonsense", "cut", "UNAVAILABLE", "INTERNAL", "CANCELLED", "drop", "silence"],
)
def test_what_arrived_without_an_answer_is_found_and_not_sent_again(
    relay: Any,
    run: Callable[..., WriteBackReport],
    labels: Callable[[], list[str]],
    state: Path,
    how: str,
) -> None:
    relay.plan.puts = deque([None, relay.fault("after", how)])
    with run(write_timeout_s=1.0) as report:
        assert (report.accepted, report.calls, relay.calls) == (SPANS, 10, 10)
        report.raise_for_status()
    assert labels() == expected()
    assert pending(state) == 0
    found = "SELECT count(*) FROM spanduck_state.changelog WHERE reason LIKE '%found at the%'"
    assert rows(state, found) == [(10,)]


@pytest.mark.parametrize("how", ["UNAVAILABLE", "INTERNAL", "CANCELLED", "drop", "silence"])
def test_what_has_not_arrived_is_sent_again(
    relay: Any,
    run: Callable[..., WriteBackReport],
    labels: Callable[[], list[str]],
    state: Path,
    how: str,
) -> None:
    relay.plan.puts = deque([None, relay.fault("middle", how)])
    with run(write_timeout_s=1.0) as report:
        assert (report.accepted, report.calls) == (SPANS, 11)
    assert labels() == expected()
    assert pending(state) == 0


@pytest.mark.parametrize("when", ["before", "middle"])
def test_a_service_that_is_too_busy_is_asked_again_with_the_whole_call(
    relay: Any,
    run: Callable[..., WriteBackReport],
    labels: Callable[[], list[str]],
    when: str,
) -> None:
    relay.plan.puts = deque([None, *[relay.fault(when, "RESOURCE_EXHAUSTED")] * 3])
    with run() as report:
        assert (report.accepted, report.calls, relay.calls) == (SPANS, 10, 13)
    assert labels() == expected()


def test_what_never_arrives_is_rejected_in_the_end(
    relay: Any, run: Callable[..., WriteBackReport], state: Path
) -> None:
    relay.plan.puts = deque(
        [None, relay.fault("middle", "drop"), *[None] * 8, *[relay.fault("middle", "drop")] * 2]
    )
    with run() as report:
        assert failures(report) == {("rejected", "not_arrived"): 10}
        assert "sent 3 times" in next(iter(reasons(report)))
    assert pending(state) == 0
    with run() as report:
        assert (report.accepted, report.unchanged) == (10, 90)


def test_what_nobody_can_tell_stays_pending_for_the_next_run(
    relay: Any,
    run: Callable[..., WriteBackReport],
    labels: Callable[[], list[str]],
    state: Path,
) -> None:
    relay.plan.puts = deque([None, relay.fault("after", "drop")])
    relay.plan.reads = deque([relay.fault("before", "INTERNAL")] * 4)
    with run() as report:
        assert failures(report) == {("rejected", "outcome_unknown"): 10}
        assert report.accepted == 90
    assert pending(state) == 10
    assert rows(state, "SELECT count(*) FROM spanduck_state.rejected") == [(10,)]
    relay.plan.reads.clear()
    with run() as report:
        assert (report.unchanged, report.calls) == (SPANS, 0)
    assert (pending(state), labels()) == (0, expected())
    assert rows(state, "SELECT count(*) FROM spanduck_state.rejected") == [(0,)]


def test_max_rejected_stops_a_run_and_the_next_one_sends_the_rest(
    relay: Any, run: Callable[..., WriteBackReport], labels: Callable[[], list[str]], state: Path
) -> None:
    relay.plan.bad = ("span-000000000011", "span-000000000023", "span-000000000029")
    with run(max_rejected=1) as report:
        assert report.is_stopped
        told = failures(report)
        assert told.pop(("rejected", "refused")) == 2
        assert told == {("rejected", "not_sent"): SPANS - report.accepted - 2}
        assert report.accepted < 30
        with pytest.raises(WriteBackError):
            report.raise_for_status()
    relay.plan.bad = ()
    with run(max_rejected=1) as again:
        assert (again.unchanged, again.accepted) == (report.accepted, SPANS - report.accepted)
    assert labels() == expected()
    ended = rows(state, "SELECT status FROM spanduck_state.runs ORDER BY started_at")
    assert ended == [("stopped",), ("done",)]


def test_unmatched_ids_that_are_strange_are_counted_once(
    relay: Any, run: Callable[..., WriteBackReport]
) -> None:
    ids = ("span-000000000003", "span-000000000003", "span-never-sent", "")
    relay.plan.answer = UpdateResult(8, ids).to_bytes()
    relay.plan.puts = deque([relay.fault("after", "answer")])
    with run() as report:
        assert failures(report) == {("unmatched", "unknown_span"): 1}
        assert span_ids(report) == ["span-000000000003"]


def test_spans_whose_metadata_the_service_does_not_take_have_its_reasons(
    relay: Any, run: Callable[..., WriteBackReport], state: Path
) -> None:
    errors = (
        ("span-000000000003", "document too large"),
        ("span-000000000004", "segment_not_found: who is that"),
        ("span-000000000003", "and said twice"),
    )
    relay.plan.answer = MetadataResult(10, 8, 2, errors).to_bytes()
    relay.plan.puts = deque([relay.fault("after", "answer")])
    with run('n AS "attributes.metadata.order"', kind="metadata") as report:
        told = report.outcomes().read_all().select(["span_id", "error_code", "reason"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [
        ("span-000000000003", "refused", "document too large"),
        ("span-000000000004", "unknown_span", "the project has no span with this id"),
    ]
    kept = "SELECT span_id, status FROM spanduck_state.rejected ORDER BY span_id"
    assert rows(state, kept) == [
        ("span-000000000003", "rejected"),
        ("span-000000000004", "unmatched"),
    ]


def test_a_note_whose_acknowledgement_is_lost_is_not_added_twice(
    relay: Any, run: Callable[..., WriteBackReport], settings: dict[str, Any], project: str
) -> None:
    relay.plan.puts = deque([relay.fault("after", "drop"), relay.fault("middle", "drop")])
    columns = "'note ' || n AS \"annotation.notes\""
    with run(columns, kind="annotation", spans=20) as report:
        assert (report.accepted, report.calls) == (20, 3)
    with SpansClient(**settings) as client:
        exported = client.export(project_name=project).read_all()
    notes = [note for note in exported.column("annotation.notes").to_pylist() if note]
    assert sorted(map(len, notes)) == [1] * 20


def test_models_side_by_side_leave_each_other_s_calls_alone(
    relay: Any,
    run: Callable[..., WriteBackReport],
    settings: dict[str, Any],
    project: str,
    tmp_path: Path,
) -> None:
    database = tmp_path / "both.duckdb"
    other = "'Other' AS name, 'x' AS label"

    def run_other() -> None:
        # While a call of the first is stored, and not answered.
        with duckdb.connect(database) as con:
            sql = SELECT.format(columns=other, spans=10)
            write_back(con, sql, kind="eval", project=project, **settings).close()

    relay.plan.do = run_other
    relay.plan.puts = deque([relay.fault("before", "pause"), relay.fault("after", "pause")])
    with duckdb.connect(database) as con:
        given = {**settings, "flight_port": relay.port, **TEN_CALLS}
        sql = SELECT.format(columns=LABELS, spans=SPANS)
        with write_back(con, sql, kind="eval", project=project, **given) as report:
            assert (report.accepted, report.calls) == (SPANS, 10)
        twice = """
        SELECT span_id, name FROM spanduck_state.changelog
        GROUP BY ALL HAVING count(*) > 1
        """
        assert con.execute(twice).fetchall() == []
        assert con.execute("SELECT DISTINCT status FROM spanduck_state.runs").fetchall() == [
            ("done",)
        ]

"""What the state tells of runs, and what it saves sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck import SpansClient, write_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spanduck import WriteBackReport

MODEL = """
SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, 'x' AS label FROM range({}) AS t(i)
"""
LONG_LABELS = MODEL.replace("'x'", "repeat('x', 50 * i::INTEGER + 1)").format(5)


class World:
    """A project and a state of a test's own."""

    def __init__(self, settings: dict[str, Any], project: str, state: Path) -> None:
        self.settings, self.project, self.state = settings, project, state

    def run(self, sql: str, **more: Any) -> WriteBackReport:
        """Write back; the report is closed."""
        given = {"kind": "eval", "model": "m", "state": self.state, **self.settings, **more}
        given.setdefault("project", self.project)
        with duckdb.connect() as con:
            report: WriteBackReport = write_back(con, sql, **given)
            report.close()
            return report

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the state, as a user does: with nothing but DuckDB."""
        with duckdb.connect(self.state, read_only=True) as con:
            return con.execute(sql).fetchall()

    def put(self, span: int, column: str, value: Any) -> None:
        """Write a value past the state."""
        frame = pa.table({"context.span_id": [f"span-{span:012d}"], column: [value]})
        with SpansClient(**self.settings) as client:
            client.update_evaluations(project_name=self.project, dataframe=frame)


@pytest.fixture
def world(
    settings: dict[str, Any],
    new_project: Callable[[str], str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> World:
    return World(settings, new_project(request.node.name[:100]), tmp_path / "state.duckdb")


COUNTS = "accepted, unchanged, invalid, duplicate, rejected, unmatched"


def test_runs_add_up_and_the_changelog_has_every_value_that_was_not_unchanged(
    world: World,
) -> None:
    messy = f"""{MODEL.format(3)} UNION ALL SELECT * FROM (VALUES
        ('span-000000000000', 'Q', 'x'), (NULL, 'Q', 'x'), ('no-such-span', 'Q', 'x'),
        ('span-000000000009', 'Q', 'a'), ('span-000000000009', 'Q', 'b'))"""
    first = world.run(messy)
    second = world.run(messy.replace("'x' AS label", "if(i = 2, 'y', 'x') AS label"))
    told = world.ask(f'SELECT "values", {COUNTS}, "new", changed, "left" FROM spanduck_state.runs')
    assert told == [(8, 3, 0, 3, 1, 0, 1, 3, 0, 0), (8, 1, 2, 3, 1, 0, 1, 0, 1, 0)]
    assert told[0][0] == sum(told[0][1:7])
    log = f"""SELECT operation, status, error_code, count(*) FROM spanduck_state.changelog
        WHERE run_id = '{second.run_id}' GROUP BY ALL ORDER BY ALL"""
    assert world.ask(log) == [
        ("new", "unmatched", "unknown_span", 1),
        ("changed", "accepted", None, 1),
        (None, "invalid", "conflicting_duplicate", 2),
        (None, "invalid", "missing_span_id", 1),
        (None, "duplicate", "equal_duplicate", 1),
    ]
    (row,) = world.ask(
        f"""SELECT model, project, kind, span_id, level, name FROM spanduck_state.changelog
        WHERE run_id = '{second.run_id}' AND status = 'accepted'"""
    )
    assert row == ("m", world.project, "eval", "span-000000000002", "span", "Q")
    assert world.ask("SELECT count(*), count(DISTINCT span_id) FROM spanduck_state.accepted") == [
        (3, 3)
    ]
    assert world.ask("SELECT count(*) FROM spanduck_state.pending") == [(0,)]
    assert first.run_id != second.run_id


def test_the_second_run_sends_nothing_and_a_changed_label_is_one_value(world: World) -> None:
    assert world.run(MODEL.format(300)).accepted == 300
    again = world.run(MODEL.format(300))
    assert (again.unchanged, again.calls, again.bytes) == (300, 0, 0)
    changed = world.run(MODEL.format(300).replace("'x'", "if(i = 7, 'y', 'x')"))
    assert (changed.accepted, changed.changed, changed.unchanged, changed.calls) == (1, 1, 299, 1)


def test_models_that_say_other_fields_of_one_evaluation_do_not_undo_each_other(
    world: World,
) -> None:
    labels = "SELECT 'span-000000000001' AS span_id, 'x' AS \"eval.Q.label\""
    scores = "SELECT 'span-000000000001' AS span_id, 0.5 AS \"eval.Q.score\""
    assert world.run(labels, model="labels").new == 1
    assert world.run(scores, model="scores").changed == 1
    for _ in range(2):
        assert world.run(labels, model="labels").calls == 0
        assert world.run(scores, model="scores").calls == 0
    assert world.run(labels.replace("'x'", "NULL::VARCHAR"), model="labels").values == 0
    assert world.ask("SELECT label_hash IS NOT NULL, score FROM spanduck_state.accepted") == [
        (True, 0.5)
    ]


def test_everything_is_sent_again_when_asked_for(world: World) -> None:
    world.run(MODEL.format(3))
    again = world.run(MODEL.format(3), full=True)
    assert (again.accepted, again.changed, again.unchanged, again.calls) == (3, 3, 0, 1)
    assert world.ask("SELECT count(*) FROM spanduck_state.accepted") == [(3,)]


def test_a_limit_leaves_the_rest_for_later_runs(world: World) -> None:
    told = [world.run(MODEL.format(5), limit=2) for _ in range(4)]
    assert [(run.accepted, run.unchanged, run.left) for run in told] == [
        (2, 0, 3),
        (2, 2, 1),
        (1, 4, 0),
        (0, 5, 0),
    ]
    assert all(run.values == run.accepted + run.unchanged for run in told)
    assert world.ask('SELECT list("left" ORDER BY run) FROM spanduck_state.runs') == [
        ([3, 1, 0, 0],)
    ]


def test_refused_values_are_kept_with_their_tries_until_they_are_written(world: World) -> None:
    kept = """SELECT span_id, label, error_code, tries FROM spanduck_state.rejected
        ORDER BY span_id"""
    unknown = " UNION ALL SELECT 'no-such-span', 'Q', 'x'"
    world.run(LONG_LABELS + unknown)
    assert [(row[0][-2:], *row[2:]) for row in world.ask(kept)] == [
        ("an", "unknown_span", 1),
        ("02", "label_too_long", 1),
        ("03", "label_too_long", 1),
        ("04", "label_too_long", 1),
    ]
    assert world.ask(kept)[1][1] == "x" * 101
    world.run(LONG_LABELS + unknown)
    retried = world.run(LONG_LABELS + unknown, only_failed=True)
    assert (retried.unchanged, retried.invalid, retried.unmatched) == (2, 3, 1)
    assert [row[3] for row in world.ask(kept)] == [3, 3, 3, 3]
    mended = LONG_LABELS.replace("50 *", "40 *")
    report = world.run(mended, only_failed=True)
    # The label of the second span is another by now, but it had not failed.
    assert (report.accepted, report.left, report.invalid) == (1, 1, 2)
    assert [row[0][-2:] for row in world.ask(kept)] == ["03", "04"]
    world.run(mended.replace("40 *", "10 *"))
    assert world.ask(kept) == []


def test_an_invalid_value_is_kept_beside_a_valid_one_of_the_same_name(world: World) -> None:
    sql = """SELECT 'span-000000000001' AS span_id, 'Q' AS name, * FROM
        (VALUES (repeat('x', 101)), ('x')) AS t(label)"""
    for tries in (1, 2):
        assert world.run(sql).invalid == 1
        assert world.ask("SELECT label = 'x', tries FROM spanduck_state.rejected") == [
            (False, tries)
        ]


@pytest.mark.parametrize(
    ("limit", "stops"), [(0, True), (2, True), (3, False), (0.5, True), (0.6, False), ("59%", True)]
)
def test_too_many_invalid_values_stop_a_run_before_it_sends(
    world: World, limit: Any, *, stops: bool
) -> None:
    report = world.run(LONG_LABELS, max_invalid=limit)
    assert report.is_stopped == stops
    assert (report.calls, report.accepted, report.rejected) == ((0, 0, 2) if stops else (1, 2, 0))
    assert world.ask("SELECT status FROM spanduck_state.runs") == [
        ("stopped" if stops else "done",)
    ]
    if stops:
        (reason,) = world.ask(
            "SELECT DISTINCT reason FROM spanduck_state.rejected WHERE error_code = 'not_sent'"
        )[0]
        assert reason == "stopped: 3 of 5 values are invalid, more than max_invalid allows"
        assert world.run(LONG_LABELS).accepted == 2


@pytest.mark.parametrize(("limit", "stops"), [(0, True), (9, True), (0.2, True), (0.6, False)])
def test_too_many_refused_values_stop_a_run_while_it_sends(
    world: World, limit: Any, *, stops: bool
) -> None:
    # Two calls; half of the values of each are of no span.
    sql = """SELECT if(s < 10, printf('span-%012d', s), 'none-' || s) AS span_id, 'N' || n AS name,
        'x' AS label FROM range(40) AS n(n), range(20) AS s(s) ORDER BY s, n"""
    report = world.run(sql, max_rejected=limit, in_flight=1)
    assert report.is_stopped == stops
    assert report.values == 800 == sum(report.counts().values())
    assert report.calls == (1 if stops else 2)
    assert report.accepted == (320 if stops else 400)
    assert report.rejected == (160 if stops else 0)


def test_the_service_is_asked_when_the_state_may_be_wrong(world: World) -> None:
    world.run(MODEL.format(3))
    world.put(1, "eval.Q.label", "foreign")
    assert world.run(MODEL.format(3)).unchanged == 3
    report = world.run(MODEL.format(3), against="service")
    assert (report.changed, report.unchanged) == (1, 2)
    assert world.run(MODEL.format(3), against="service").calls == 0


def test_the_state_learns_what_the_service_holds(world: World) -> None:
    world.put(1, "eval.Q.label", "x")
    assert world.run(MODEL.format(2), against="service").unchanged == 1
    assert world.ask("SELECT count(*) FROM spanduck_state.accepted") == [(2,)]
    assert world.run(MODEL.format(2)).calls == 0


def test_a_project_made_anew_is_not_taken_for_the_old_one(world: World, new_project: Any) -> None:
    other = new_project(f"{world.project} too")
    assert world.run(MODEL.format(3)).accepted == 3
    assert world.run(MODEL.format(3), project=other).accepted == 3
    assert world.run(MODEL.format(3), project=other).calls == 0
    assert world.ask("SELECT count(DISTINCT project_id) FROM spanduck_state.accepted") == [(2,)]


def test_kinds_of_one_name_are_kept_apart(world: World) -> None:
    assert world.run(MODEL.format(3)).new == 3
    assert world.run(MODEL.format(3), kind="annotation").new == 3
    assert world.run(MODEL.format(3)).calls == 0
    assert world.ask(
        "SELECT kind, count(*) FROM spanduck_state.accepted GROUP BY ALL ORDER BY 1"
    ) == [
        ("annotation", 3),
        ("eval", 3),
    ]


def test_a_run_that_fails_is_told_as_failed(world: World) -> None:
    with pytest.raises(duckdb.Error):
        world.run("SELECT 's' AS span_id, 'Q' AS name, error('no') AS label")
    with pytest.raises(Exception, match="key"):
        world.run(MODEL.format(1), key="attributes.metadata.x")
    # Nothing was compared or sent, so these were no runs.
    assert world.run(MODEL.format(1)).accepted == 1
    assert world.ask("SELECT status FROM spanduck_state.runs") == [("done",)]

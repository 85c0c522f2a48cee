"""Whatever breaks between the writer and the service, running the model again finishes the work.

SPANDUCK_FAULT_SEEDS says how many scenarios are played, and SPANDUCK_FAULT_FIRST from which seed on;
SPANDUCK_FAULT_KILLS how often a writer and a server are killed in the module beside this one.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import spanduck
from spanduck import SpansClient, WriteBackReport, write_back
from spanduck.exceptions import CancelledError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEEDS = int(os.environ.get("SPANDUCK_FAULT_SEEDS", "12"))
FIRST = int(os.environ.get("SPANDUCK_FAULT_FIRST", "0"))
SPANS = 300
NOW = datetime.now(UTC)
MOST_FAULTS = 6
RUNS_WITHOUT_FAULTS = 3
STATUSES = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL", "CANCELLED", "drop", "do")
PUT_FAULTS = (
    *(("before", how) for how in (*STATUSES, "UNAUTHENTICATED")),
    *(("middle", how) for how in STATUSES),
    *(("after", how) for how in ("UNAVAILABLE", "INTERNAL", "CANCELLED", "drop", "do")),
    *(("after", how) for how in ("none", "cut", "nonsense", "silence")),
    ("after", "late"),
    ("before", "silence"),
)
READ_FAULTS = tuple(
    (when, how)
    for when in ("before", "middle")
    for how in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "drop")
)


class Model:
    """A label for each name of each span, in one of the shapes."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.shape = chance.choice(("eval", "eval wide", "annotation", "metadata"))
        spans = [f"span-{n:012d}" for n in chance.sample(range(SPANS), chance.randint(8, 30))]
        self.late = tuple(f"late-{n:012d}" for n in range(chance.choice((0, 0, 5))))
        self.spans = (*spans, *self.late)
        names = chance.choice((1, 1, 2, 5, 34))
        self._names = [f"N{number}" for number in range(names)]
        self.bad = tuple(chance.sample(spans, chance.choice((0, 0, 0, 1, 4))))
        self._labels = {(span, name): "v0" for span in self.spans for name in self._names}

    @property
    def kind(self) -> str:
        return self.shape.split(maxsplit=1)[0]

    @property
    def values(self) -> int:
        # A patch of several keys is one value.
        return len(self.spans) if self.kind == "metadata" else len(self._labels)

    def of(self, spans: tuple[str, ...]) -> int:
        """How many of the values are on some spans."""
        return self.values // len(self.spans) * len(spans)

    def change(self, version: int) -> None:
        share = self._chance.choice((0.05, 0.5))
        for place in self._labels:
            if self._chance.random() < share:
                self._labels[place] = f"v{version}"

    def column(self, name: str) -> str:
        if self.kind == "metadata":
            return f"attributes.metadata.{name}"
        return f"{self.kind}.{name}.label"

    def table(self) -> pa.Table:
        if self.shape in {"eval", "annotation"}:
            places = list(self._labels)
            self._chance.shuffle(places)
            return pa.table(
                {
                    "span_id": [span for span, _ in places],
                    "name": [name for _, name in places],
                    "label": [self._labels[place] for place in places],
                }
            )
        by_name = {
            self.column(name): [self._labels[span, name] for span in self.spans]
            for name in self._names
        }
        return pa.table({"span_id": list(self.spans), **by_name})

    def expected(self, spans: tuple[str, ...]) -> dict[tuple[str, str], str]:
        wanted = set(spans)
        return {place: label for place, label in self._labels.items() if place[0] in wanted}

    def held(self, exported: pa.Table) -> dict[tuple[str, str], str]:
        """What an export says of the same values."""
        held = {}
        for row in exported.to_pylist():
            metadata = json.loads(row.get("attributes.metadata") or "{}")
            for name in self._names:
                column = self.column(name)
                value = metadata.get(name) if self.kind == "metadata" else row.get(column)
                if value is not None:
                    held[row["context.span_id"], name] = value
        return held


class Scenario:
    """One model, its project, its state and what breaks."""

    def __init__(
        self, seed: int, relay: Any, settings: dict[str, Any], project: str, folder: Path
    ) -> None:
        self.chance = random.Random(seed)
        self.model = Model(self.chance)
        self._relay = relay
        self._settings = settings
        self._project = project
        self._state = folder / "state.duckdb"
        self._given: dict[str, Any] = {
            "batch_rows": self.chance.choice((1, 1, 2)),
            "in_flight": self.chance.choice((1, 2, 4)),
        }
        self.log: list[str] = [f"{self.model.shape} {self.model.values} values {self._given}"]
        self.con = spanduck.connect(
            **{**settings, "flight_port": relay.port},
            connect_timeout_s=2.0,
            write_timeout_s=1.0,
        )
        relay.plan.do = lambda: spanduck.cancel(self.con)

    def break_calls(self, *, may_be_late: bool) -> None:
        plan = self._relay.plan
        puts = [fault for fault in PUT_FAULTS if may_be_late or fault[1] != "late"]
        plan.puts = deque(self._faults(puts))
        plan.reads = deque(self._faults(READ_FAULTS) if self.chance.random() < 0.4 else ())
        plan.bad = self.model.bad

    def _faults(self, choices: Any) -> Iterator[Any]:
        for _ in range(self.chance.randint(1, MOST_FAULTS)):
            yield from [None] * self.chance.choice((0, 0, 1, 3))
            yield self._relay.fault(*self.chance.choice(choices))

    def run(self) -> WriteBackReport | None:
        """Run the model once; None when it was broken off."""
        began = time.monotonic()
        self.con.register("model", self.model.table())
        try:
            report: WriteBackReport = write_back(
                self.con,
                "SELECT * FROM model",
                kind=self.model.kind,
                project=self._project,
                model="m",
                state=self._state,
                **self._given,
            )
        except (ServiceError, CancelledError) as exc:
            self.log.append(
                f"{time.monotonic() - began:.2f}s {type(exc).__name__}: {exc}; faults {self._relay.made}"
            )
            return None
        self.log.append(
            f"{time.monotonic() - began:.2f}s {report.counts()} {report.calls} calls; faults {self._relay.made}"
        )
        assert report.values == sum(report.counts().values()) == self.model.values, self.log
        report.close()
        return report

    def run_until_clean(self) -> WriteBackReport:
        refused = self.model.of(self.model.bad) if self._relay.plan.bad else 0
        for _ in range(2 * MOST_FAULTS + RUNS_WITHOUT_FAULTS):
            report = self.run()
            self.log_late_spans()
            if report is not None and report.rejected == refused and not report.unmatched:
                return report
        raise AssertionError(self.log)

    def log_late_spans(self) -> None:
        if self.model.late and self.chance.random() < 0.7:
            ids = list(self.model.late)
            spans = pa.table(
                {
                    "context.span_id": ids,
                    "context.trace_id": ids,
                    "name": ids,
                    "start_time": [NOW] * len(ids),
                    "end_time": [NOW] * len(ids),
                }
            )
            with SpansClient(**self._settings) as client:
                client.log(project_name=self._project, dataframe=spans)
            self.model.late = ()

    def held(self) -> dict[tuple[str, str], str]:
        with SpansClient(**self._settings) as client:
            return self.model.held(client.export(project_name=self._project).read_all())

    def query(self, text: str) -> list[Any]:
        with duckdb.connect(self._state, read_only=True) as state:
            return state.execute(text).fetchall()

    def check(self) -> None:
        """The law, when a run has ended well."""
        good = tuple(set(self.model.spans) - set(self.model.bad))
        assert self.held() == self.model.expected(good), self.log
        assert self.query("SELECT * FROM spanduck_state.pending") == [], self.log
        twice = """
        SELECT span_id, level, name, count(*) FROM spanduck_state.changelog
        WHERE status = 'accepted' AND operation = 'new' GROUP BY ALL HAVING count(*) > 1
        """
        assert self.query(twice) == [], self.log
        known = """
        SELECT key_high, key_low FROM spanduck_state.accepted GROUP BY ALL HAVING count(*) > 1
        """
        assert self.query(known) == [], self.log
        counted = """
        SELECT status, accepted + unchanged + invalid + duplicate + rejected + unmatched,
            "new" + changed = accepted
        FROM spanduck_state.runs
        """
        told = self.query(counted)
        assert {status for status, _, _ in told} <= {"done", "failed", "interrupted"}, self.log
        done = {(values, is_sum) for status, values, is_sum in told if status == "done"}
        assert done == {(self.model.values, True)}, self.log
        # What a run that came to its end could not tell may have been found by a later one.
        logged = """
        SELECT r.status, r.accepted, r.rejected, count(*) FILTER (WHERE c.status = 'accepted')
        FROM spanduck_state.runs AS r LEFT JOIN spanduck_state.changelog AS c USING (run_id)
        GROUP BY r.run_id, r.status, r.accepted, r.rejected
        """
        for status, accepted, rejected, number in self.query(logged):
            most = accepted + rejected if status == "done" else accepted
            is_by_value = self.model.kind != "metadata"
            assert not is_by_value or accepted <= number <= most, self.log


@pytest.fixture
def scenario(
    relay: Any,
    settings: dict[str, Any],
    new_project: Callable[[str], str],
    tmp_path: Path,
) -> Iterator[Callable[[int], Scenario]]:
    made = []

    def make(seed: int) -> Scenario:
        made.append(Scenario(seed, relay, settings, new_project(f"seed {seed}"), tmp_path))
        return made[0]

    yield make
    for scenario in made:
        scenario.con.close()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_runs_until_one_ends_well_leave_what_the_model_says(
    scenario: Callable[[int], Scenario], relay: Any, seed: int
) -> None:
    case = scenario(seed)
    changes = case.chance.choice((0, 0, 1, 2))
    case.break_calls(may_be_late=not changes)
    for version in range(1, changes + 1):
        case.run()
        case.model.change(version)
        if case.chance.random() < 0.5:
            case.break_calls(may_be_late=False)
    case.run_until_clean()
    relay.release()
    case.check()
    relay.plan.bad, case.model.bad = (), ()
    case.run_until_clean()
    case.check()
    assert case.run_until_clean().calls == 0, case.log

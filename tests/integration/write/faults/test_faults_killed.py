"""A writer or a server that is killed in the middle of a run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck
from spanduck import write_back
from spanduck.exceptions import CancelledError, Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer

SEEDS = int(os.environ.get("SPANDUCK_FAULT_KILLS", "2"))
VALUES = 200
CALLS = 10
MODEL = """
SELECT printf('span-%012d', n) AS span_id, 'Quality' AS name, 'label ' || n AS label
FROM range(200) AS spans(n)
"""
# `say` is known to the writer, and called for one row.
SLOW_TO_BEGIN = """
SELECT 'span-000000000000' AS span_id, 'Quality' AS name, avg(n) AS score
FROM range(1_000_000_000_000) AS numbers(n)
WHERE n > 0 OR say()
"""
SLOW_TO_END = """
SELECT 'span-000000000000' AS span_id, 'Quality' AS name, CAST(NULL AS DOUBLE) AS score
FROM range(1_000_000_000_000) AS numbers(n)
WHERE n <> 100_000 OR say()
"""
WHENS = ("before", "middle", "after")
SOON_S = 5.0
"""Generous, for a machine that does much else; waiting for the calls would take a minute."""
WRITER = """
import sys
import duckdb
from spanduck import write_back

def say() -> bool:
    print("reading", flush=True)
    return True

sql, project, state = sys.argv[1:]
with duckdb.connect() as con:
    con.create_function("say", say, [], "BOOLEAN", side_effects=True)
    given = {"kind": "eval", "model": "m", "batch_rows": 2}
    write_back(con, sql, project=project, state=state, **given).close()
"""


class Work:
    """The model, its project and its state."""

    def __init__(
        self,
        project: str,
        state: Path,
        settings: dict[str, Any],
        stored: Callable[[str], dict[tuple[str, str], Any]],
    ) -> None:
        self.project = project
        self.state = state
        self._settings = settings
        self._stored = stored

    def run(self, con: duckdb.DuckDBPyConnection | None = None, **given: Any) -> tuple[int, int]:
        """Run the model in this process; returns how many calls it made, and what was rejected."""
        given = {"kind": "eval", "model": "m", "batch_rows": 2, **self._settings, **given}
        with con.cursor() if con is not None else duckdb.connect() as own:
            report = write_back(own, MODEL, project=self.project, state=self.state, **given)
        report.close()
        return report.calls, report.rejected

    def is_written(self) -> bool:
        """Whether the service holds what the model says."""
        return self._stored(self.project) == {
            (f"span-{n:012d}", "eval.Quality.label"): f"label {n}" for n in range(VALUES)
        }

    def is_settled(self) -> bool:
        """Whether nothing is pending, and each value was accepted once, as new."""
        pending = self._rows("SELECT count(*) FROM spanduck_state.pending")
        accepted = """
        SELECT count(*), count(DISTINCT span_id) FROM spanduck_state.changelog
        WHERE status = 'accepted' AND operation = 'new'
        """
        return pending == [(0,)] and self._rows(accepted) == [(VALUES, VALUES)]

    def statuses(self) -> list[str]:
        told = self._rows("SELECT status FROM spanduck_state.runs ORDER BY started_at")
        return [status for (status,) in told]

    def _rows(self, text: str) -> list[Any]:
        with duckdb.connect(self.state, read_only=True) as con:
            return con.execute(text).fetchall()


@pytest.fixture
def work(
    request: pytest.FixtureRequest,
    new_project: Callable[[str], str],
    stored: Callable[[str], dict[tuple[str, str], Any]],
    settings: dict[str, Any],
    tmp_path: Path,
) -> Work:
    project = new_project(request.node.name[:90])
    return Work(project, tmp_path / "state.duckdb", settings, stored)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where processes have their temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(relay: Any, settings: dict[str, Any], temporary: Path) -> dict[str, str]:
    """What leads a process to the relay."""
    given = {f"ARIZE_{name.upper()}": str(value) for name, value in settings.items()}
    own = {"ARIZE_FLIGHT_PORT": str(relay.port), "TMPDIR": str(temporary)}
    return {**os.environ, **given, **own}


@pytest.fixture
def start_writer(
    environment: dict[str, str], work: Work
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that runs the model, or another query, through the relay."""
    started = []

    def start(sql: str = MODEL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, sql, work.project, str(work.state)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_work_of_a_writer_that_is_killed_is_finished_by_the_next_run(
    relay: Any,
    start_writer: Callable[..., subprocess.Popen[str]],
    work: Work,
    temporary: Path,
    seed: int,
) -> None:
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 2))):
        fault = relay.fault(chance.choice(WHENS), "do")
        relay.plan.puts = deque([*[None] * chance.randint(0, 3), fault])
        writer = start_writer()
        relay.plan.do = writer.kill
        told = writer.communicate(timeout=60)[1]
        assert writer.returncode == -signal.SIGKILL, told
    work.run()
    assert work.is_written()
    assert work.is_settled()
    assert work.statuses()[-1] == "done"
    assert set(work.statuses()[:-1]) == {"interrupted"}
    assert work.run() == (0, 0)
    # Their folders are removed by the next process that has one itself.
    assert len(list(temporary.iterdir())) > 0
    last = start_writer()
    assert (last.communicate(timeout=60)[1], last.returncode) == ("", 0)
    assert list(temporary.iterdir()) == []


def test_ctrl_c_ends_a_writer_soon_with_calls_under_way(
    relay: Any,
    start_writer: Callable[..., subprocess.Popen[str]],
    work: Work,
    temporary: Path,
) -> None:
    pressed = []

    def press() -> None:
        pressed.append(time.monotonic())
        writer.send_signal(signal.SIGINT)

    relay.plan.do = press
    relay.plan.puts = deque(
        [None, None, relay.fault("after", "silence"), relay.fault("middle", "do")]
    )
    writer = start_writer()
    told = writer.communicate(timeout=60)[1]
    assert time.monotonic() - pressed[0] < SOON_S, told
    assert told.splitlines()[-1:] == ["KeyboardInterrupt"], told
    assert writer.returncode == -signal.SIGINT, told
    assert list(temporary.iterdir()) == []
    assert work.statuses() == ["interrupted"]
    work.run()
    assert work.is_written()
    assert work.is_settled()


@pytest.mark.parametrize("sql", [SLOW_TO_BEGIN, SLOW_TO_END], ids=["beginning", "end"])
def test_ctrl_c_ends_a_query_that_takes_long(
    start_writer: Callable[..., subprocess.Popen[str]], work: Work, temporary: Path, sql: str
) -> None:
    writer = start_writer(sql)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "reading\n"
    pressed = time.monotonic()
    writer.send_signal(signal.SIGINT)
    told = writer.communicate(timeout=60)[1]
    assert time.monotonic() - pressed < SOON_S, told
    assert told.splitlines()[-1:] == ["KeyboardInterrupt"], told
    assert list(temporary.iterdir()) == []
    # Nothing was compared or sent, so it was no run.
    assert work.statuses() == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_ctrl_c_between_two_calls_is_told_as_such(
    relay: Any,
    start_writer: Callable[..., subprocess.Popen[str]],
    work: Work,
    temporary: Path,
    seed: int,
) -> None:
    def press() -> None:
        writer.send_signal(signal.SIGINT)

    chance = random.Random(seed)
    relay.plan.do = press
    # The call goes on, and the writer is anywhere.
    fault = relay.fault(chance.choice(("before", "middle")), "pause")
    relay.plan.puts = deque([*[None] * chance.randint(0, CALLS - 2), fault])
    writer = start_writer()
    told = writer.communicate(timeout=60)[1]
    assert told.splitlines()[-1:] == ["KeyboardInterrupt"], told
    assert list(temporary.iterdir()) == []
    assert work.statuses() == ["interrupted"]
    work.run()
    assert work.is_written()
    assert work.is_settled()


def test_ctrl_c_ends_the_command_soon_and_the_same_command_finishes(
    relay: Any, environment: dict[str, str], work: Work, temporary: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.sql"
    model.write_text(f'/* spanduck\nkind = "eval"\nproject = "{work.project}"\n*/ {MODEL}')
    command = [sys.executable, "-m", "spanduck", "run", str(model), "--state", str(work.state)]
    pressed = []

    def press() -> None:
        pressed.append(time.monotonic())
        process.send_signal(signal.SIGINT)

    relay.plan.do = press
    relay.plan.puts = deque([relay.fault("after", "do")])
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        told = process.communicate(timeout=60)[1]
    assert time.monotonic() - pressed[0] < SOON_S
    assert (process.returncode, told) == (130, "interrupted\n")
    assert list(temporary.iterdir()) == []
    assert work.statuses() == ["interrupted"]
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert work.is_written()
    assert work.is_settled()


def test_cancel_ends_a_run_soon_with_calls_under_way(
    relay: Any,
    settings: dict[str, Any],
    work: Work,
) -> None:
    con = spanduck.connect(**{**settings, "flight_port": relay.port})
    cancelled: list[float] = []

    def cancel() -> None:
        cancelled.append(time.monotonic())
        assert spanduck.cancel(con) == 1

    relay.plan.do = cancel
    relay.plan.puts = deque(
        [None, None, relay.fault("after", "silence"), relay.fault("middle", "do")]
    )
    with pytest.raises(CancelledError, match="cancelled"):
        work.run(con, flight_port=relay.port)
    assert time.monotonic() - cancelled[0] < SOON_S
    assert spanduck.cancel(con) == 0
    assert work.statuses() == ["interrupted"]
    work.run()
    assert work.is_written()
    assert work.is_settled()
    con.close()


class Restarted:
    """A server of its own folder, which is killed and comes back on the same ports."""

    def __init__(self, folder: Path) -> None:
        self.server = spanduck.serve(folder)
        self._starting: threading.Thread | None = None

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self._starting = threading.Thread(target=self._start)
        self._starting.start()

    def wait(self) -> None:
        if self._starting is not None:
            self._starting.join()

    def close(self) -> None:
        self.wait()
        self.server.close()

    def _start(self) -> None:
        dead = self.server
        dead.close()
        self.server = spanduck.serve(
            dead.path,
            rest_port=dead.rest_port,
            flight_port=dead.flight_port,
            api_key=dead.api_key,
        )


class TestServerKilled:
    """With a server that no other test needs."""

    @pytest.fixture
    def restarted(self, tmp_path: Path) -> Iterator[Restarted]:
        restarted = Restarted(tmp_path / "store")
        yield restarted
        restarted.close()

    @pytest.fixture
    def server(self, restarted: Restarted) -> EmbeddedServer:
        return restarted.server

    @pytest.mark.parametrize("seed", range(SEEDS))
    def test_what_a_server_had_when_it_was_killed_is_not_sent_as_new_again(
        self,
        relay: Any,
        restarted: Restarted,
        work: Work,
        seed: int,
    ) -> None:
        chance = random.Random(seed)
        fault = relay.fault(chance.choice(WHENS), "do")
        relay.plan.puts = deque([*[None] * chance.randint(0, 5), fault])

        def kill() -> None:
            restarted.kill()
            relay.drop()

        relay.plan.do = kill
        for _ in range(4):
            try:
                _, rejected = work.run(flight_port=relay.port, connect_timeout_s=2.0)
            except Error:
                restarted.wait()
                continue
            restarted.wait()
            if not rejected:
                break
        assert work.is_written()
        assert work.is_settled()
        assert work.run() == (0, 0)

"""What the state makes of projects and spans that are gone, or are there again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck
from spanduck import SpansClient, write_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck import WriteBackReport
    from spanduck.embedded import EmbeddedServer

MODEL = """
SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, 'x' AS label FROM range(3) AS t(i)
"""
IS_ANOTHER = "'p' is another project than the one that earlier runs wrote to under this name"


class Service:
    """A server of its own folder, and a state."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.server = spanduck.serve(folder)
        self.state = state
        self.settings: dict[str, Any] = {
            name.removeprefix("ARIZE_").lower(): value
            for name, value in self.server.environment().items()
        }

    def rename(self, old: str, new: str) -> None:
        """Do away with a project's name, which nothing offers to."""
        stopped = self.server
        stopped.close()
        with duckdb.connect(stopped.path / "store.duckdb") as con:
            names = {"new": new, "old": old}
            con.execute("UPDATE projects SET name = $new WHERE name = $old", names)
        self.server = spanduck.serve(
            stopped.path,
            rest_port=stopped.rest_port,
            flight_port=stopped.flight_port,
            api_key=stopped.api_key,
        )

    def run(self, **given: Any) -> WriteBackReport:
        given = {"kind": "eval", "model": "m", "state": self.state, **self.settings, **given}
        with duckdb.connect() as con:
            report: WriteBackReport = write_back(con, MODEL, project="p", **given)
            report.close()
            return report

    def delete(self, *numbers: int) -> None:
        with SpansClient(**self.settings) as client:
            client.delete(project="p", span_ids=[f"span-{number:012d}" for number in numbers])

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.state, read_only=True) as con:
            return con.execute(text).fetchall()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "store", tmp_path / "state.duckdb")
    yield service
    service.server.close()


@pytest.fixture
def server(service: Service) -> EmbeddedServer:
    """What the fixtures of the package make projects at."""
    return service.server


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was written to stderr since it was asked last."""
    return lambda: capfd.readouterr().err


def test_a_project_made_anew_under_its_name_gets_every_value_again_and_that_is_told(
    service: Service,
    new_project: Callable[[str], str],
    stored: Callable[[str], dict[tuple[str, str], Any]],
    told: Callable[[], str],
) -> None:
    new_project("p")
    assert (service.run().new, IS_ANOTHER in told()) == (3, False)
    service.rename("p", "former")
    new_project("p")
    told()
    plan = service.run(dry_run=True)
    assert (plan.new, IS_ANOTHER in told()) == (3, True)
    assert (service.run().new, IS_ANOTHER in told()) == (3, True)
    assert len(stored("p")) == 3
    # It is known by now.
    assert (service.run().calls, told()) == (0, "")
    assert service.ask(
        "SELECT project, count(DISTINCT project_id), count(*)"
        " FROM spanduck_state.accepted GROUP BY project"
    ) == [("p", 2, 6)]


def test_another_project_of_the_space_is_not_taken_for_one_made_anew(
    service: Service, new_project: Callable[[str], str], told: Callable[[], str]
) -> None:
    new_project("other")
    new_project("p")
    with duckdb.connect() as con:
        given = {"kind": "eval", "state": service.state, **service.settings}
        write_back(con, MODEL, project="other", **given).close()
    told()
    assert (service.run().new, told()) == (3, "")


def test_spans_that_were_deleted_are_found_out_by_asking_the_service(
    service: Service, new_project: Callable[[str], str]
) -> None:
    new_project("p")
    service.run()
    service.delete(1)
    # The state says that it has been accepted, and the service is not asked.
    assert (service.run().unchanged, service.run().calls) == (3, 0)
    report = service.run(against="service")
    assert (report.unchanged, report.unmatched, report.accepted) == (2, 1, 0)
    # From now on the state knows, too.
    assert service.ask("SELECT count(*) FROM spanduck_state.accepted") == [(2,)]
    report = service.run()
    assert (report.unchanged, report.unmatched) == (2, 1)


def test_everything_sent_again_finds_deleted_spans_too(
    service: Service, new_project: Callable[[str], str]
) -> None:
    new_project("p")
    service.run()
    service.delete(0, 2)
    report = service.run(full=True)
    assert (report.accepted, report.unmatched) == (1, 2)
    report = service.run()
    assert (report.unchanged, report.unmatched) == (1, 2)


@pytest.mark.parametrize("given", [{"against": "service"}, {"full": True}])
def test_spans_that_were_uploaded_anew_get_their_values_again_when_asked_for(
    service: Service,
    new_project: Callable[[str], str],
    stored: Callable[[str], dict[tuple[str, str], Any]],
    given: dict[str, Any],
) -> None:
    new_project("p")
    service.run()
    service.delete(*range(300))
    new_project("p")
    assert (service.run().unchanged, stored("p")) == (3, {})
    assert service.run(**given).accepted == 3
    assert len(stored("p")) == 3
    assert service.run().calls == 0

"""`spanduck delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import pytest

import spanduck
from spanduck import _sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ids = Callable[[], list[str]]

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any


@pytest.fixture
def client(server: Any) -> Iterator[spanduck.SpansClient]:
    variables = server.environment().items()
    settings = {key.removeprefix("ARIZE_").lower(): value for key, value in variables}
    with spanduck.SpansClient(**settings) as made:
        yield made


@pytest.fixture
def project(client: spanduck.SpansClient) -> str:
    """A project of ten spans."""
    name = f"project {uuid4().hex[:8]}"
    client.log(project_name=name, dataframe=_sample.generate_table(10))
    return name


@pytest.fixture
def ids(client: spanduck.SpansClient, project: str) -> Callable[[], list[str]]:
    """Return the ids of the spans that are there, in the order of time."""

    def read() -> list[str]:
        table = client.export(project=project).read_all().sort_by("start_time")
        return [str(id_) for id_ in table["context.span_id"].to_pylist()]

    return read


def test_spans_are_deleted(command: Command, project: str, ids: Ids) -> None:
    before = ids()
    wanted = ("--span-id", before[0], "--span-id", before[2])
    done = command("delete", project, *wanted, "--yes")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "2 spans deleted" in done.stderr
    assert ids() == [before[1], *before[3:]]


def test_ids_that_were_not_there_are_printed(command: Command, project: str, ids: Ids) -> None:
    before = ids()
    given = f"{before[4]}\n\n  nowhere \n"
    done = command("delete", project, "--from-file", "-", "-y", given=given)
    assert (done.returncode, done.stdout) == (1, "nowhere\n")
    assert "1 span deleted, 1 not found" in done.stderr
    (command.folder / "ids.txt").write_text(f"{before[4]}\n{before[5]}\n", encoding="utf-8")
    done = command("delete", project, "--from-file", "ids.txt", "-y")
    assert (done.returncode, done.stdout) == (1, f"{before[4]}\n")


def test_only_spans_of_the_window_are_deleted(command: Command, project: str, ids: Ids) -> None:
    before = ids()
    done = command("delete", project, "--span-id", before[0], "--end", "2020-01-01", "-y")
    assert (done.returncode, done.stdout) == (1, f"{before[0]}\n")
    assert ids() == before


def test_nothing_is_deleted_unasked(command: Command, project: str, ids: Ids) -> None:
    before = ids()
    done = command("delete", project, "--span-id", before[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes" in done.stderr
    assert ids() == before


@pytest.mark.parametrize("arguments", [(), ("--from-file", "/no/such/file")])
def test_without_ids_it_is_bad_usage(
    command: Command, project: str, arguments: tuple[str, ...]
) -> None:
    assert command("delete", project, *arguments, "--yes").returncode == 2


def test_an_unknown_project_is_an_error(command: Command) -> None:
    done = command("delete", "no such project", "--span-id", "a", "--yes")
    assert done.returncode == 1
    assert "no such project" in done.stderr

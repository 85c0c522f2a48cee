"""The catalogue: spaces, projects, and which physical column holds which kind of which name.

Read inside the transaction that reads the data, so that both are of one moment. A project's
catalogue is immutable and carries a generation; a reader that remembers it asks the store for the
generation only.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import Project, Space, make_id
from spanduck.exceptions import did_you_mean
from spanduck.server.errors import NotFoundError
from spanduck.server.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection

_ID_ALPHABET: Final = string.ascii_letters + string.digits
_SELECT_SPACES: Final = "SELECT id, name, description, created_at FROM spaces ORDER BY number"
_SELECT_PROJECTS: Final = (
    "SELECT number, id, space_id, name, created_at, generation, row_bytes FROM projects"
)


class Place(StrEnum):
    """Where the values of a logical column lie."""

    CORE = "core"
    """In a column that every table of spans begins with."""
    ATTRIBUTE = "attribute"
    """In an added column of one of the project's tables of spans."""
    EVALUATION = "evaluation"
    """In the long table of evaluations."""
    ANNOTATION = "annotation"
    """In the long table of annotations, or in that of notes."""


class Role(StrEnum):
    """What a physical table is for; all but the first have rows of spans by `span_id`."""

    SPANS = "spans"
    EVALUATIONS = "evaluations"
    ANNOTATIONS = "annotations"
    NOTES = "notes"


@dataclass(frozen=True)
class ProjectRecord:
    """A project as the catalogue has it."""

    number: int
    id: str
    space_id: str
    name: str
    created_at: datetime
    generation: int
    row_bytes: int

    @property
    def on_wire(self) -> Project:
        """The project as REST shows it."""
        return Project(self.id, self.name, self.space_id, self.created_at)


@dataclass(frozen=True)
class StoredTable:
    """A physical table.

    Attributes:
        role: What it holds.
        number: Distinguishes the tables of a role; the last of the spans takes new ones.
        name: Its name in DuckDB.
        dead_rows: Rows deleted since it was last rewritten. As of when the catalogue was read.
    """

    role: Role
    number: int
    name: str
    dead_rows: int = 0


@dataclass(frozen=True)
class StoredColumn:
    """One kind of one logical column.

    Attributes:
        logical: The name on the wire.
        kind: The kind; None for a name that was only ever null, and for evaluations.
        place: Where its values lie.
        table: The number of the first table of spans that has it; later ones have it, too.
        physical: The column in those tables; of an annotation, the level that it is about.
        is_json: Every text so far was valid JSON, and none empty.
        is_exact_double: Every integer so far is exact as a double.
        may_be_nan: A double or a score so far was NaN; never unset, though the row may be gone.
    """

    logical: str
    kind: Kind | None
    place: Place
    table: int | None = None
    physical: str | None = None
    is_json: bool = True
    is_exact_double: bool = True
    may_be_nan: bool = False


@dataclass(frozen=True, eq=False)
class ProjectCatalogue:
    """Everything needed to read or write a project's rows, at one generation.

    Compared by identity: it is a key of plans, and hashing a thousand columns is no cheap look-up.
    """

    project: ProjectRecord
    tables: tuple[StoredTable, ...]
    columns: tuple[StoredColumn, ...]

    @cached_property
    def span_tables(self) -> tuple[StoredTable, ...]:
        """The tables of spans by number."""
        return tuple(table for table in self.tables if table.role is Role.SPANS)

    @cached_property
    def evaluations_table(self) -> str:
        """The name of the long table of evaluations."""
        return self._only(Role.EVALUATIONS)

    @cached_property
    def annotations_table(self) -> str:
        """The name of the long table of annotations."""
        return self._only(Role.ANNOTATIONS)

    @cached_property
    def notes_table(self) -> str:
        """The name of the table of spans' notes."""
        return self._only(Role.NOTES)

    @cached_property
    def by_logical(self) -> Mapping[str, Sequence[StoredColumn]]:
        """The kinds of each logical column, in first-seen order of names."""
        grouped: dict[str, list[StoredColumn]] = {}
        for column in self.columns:
            grouped.setdefault(column.logical, []).append(column)
        return grouped

    def _only(self, role: Role) -> str:
        return next(table.name for table in self.tables if table.role is role)


def new_id(kind: str, number: int) -> str:
    """Make the id of a space or project; the random end tells stores apart."""
    return make_id(kind, number, "".join(secrets.choice(_ID_ALPHABET) for _ in range(4)))


def now() -> datetime:
    """Return the time as the catalogue keeps it: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def spaces(cursor: DuckDBPyConnection) -> list[Space]:
    """Return every space, oldest first."""
    rows = cursor.execute(_SELECT_SPACES).fetchall()
    return [_space(row) for row in rows]


def find_space(cursor: DuckDBPyConnection, space: str) -> Space:
    """Find a space by id or, failing that, by name.

    Raises:
        NotFoundError: There is none; names the near matches.
    """
    known = spaces(cursor)
    for match in (*(s for s in known if s.id == space), *(s for s in known if s.name == space)):
        return match
    raise NotFoundError(
        f"there is no space {space!r}",
        next_step=did_you_mean(space, [s.name for s in known]),
    )


def projects(cursor: DuckDBPyConnection, space_id: str | None = None) -> list[ProjectRecord]:
    """Return the projects of a space, or of all, oldest first."""
    rows = cursor.execute(
        _SELECT_PROJECTS + " WHERE coalesce(space_id = $space, TRUE) ORDER BY number",
        {"space": space_id},
    ).fetchall()
    return [_project(row) for row in rows]


def find_project(cursor: DuckDBPyConnection, space_id: str, project: str) -> ProjectRecord:
    """Find a project of a space by name or, failing that, by id.

    Raises:
        NotFoundError: There is none; names the near matches.
    """
    found = look_up_project(cursor, space_id, project)
    if found is None:
        known = [record.name for record in projects(cursor, space_id)]
        raise NotFoundError(
            f"there is no project {project!r} in this space",
            next_step=did_you_mean(project, known) or "The first upload to a project creates it.",
        )
    return found


def look_up_project(
    cursor: DuckDBPyConnection, space_id: str, project: str
) -> ProjectRecord | None:
    """Find a project of a space by name or, failing that, by id; None when there is none."""
    rows = cursor.execute(
        _SELECT_PROJECTS + " WHERE space_id = $space AND (name = $project OR id = $project)",
        {"space": space_id, "project": project},
    ).fetchall()
    # By name first. Not in SQL: every bind of a query in a client comes through here.
    records = sorted(map(_project, rows), key=lambda record: record.name != project)
    return records[0] if records else None


def project_by_id(cursor: DuckDBPyConnection, project_id: str) -> ProjectRecord:
    """Find a project by id.

    Raises:
        NotFoundError: There is none.
    """
    rows = cursor.execute(_SELECT_PROJECTS + " WHERE id = ?", [project_id]).fetchall()
    if not rows:
        raise NotFoundError(f"there is no project with the id {project_id!r}")
    return _project(rows[0])


def load(cursor: DuckDBPyConnection, project: ProjectRecord) -> ProjectCatalogue:
    """Read a project's catalogue."""
    tables = cursor.execute(
        "SELECT role, number, name, dead_rows FROM tables WHERE project = ? ORDER BY role, number",
        [project.number],
    ).fetchall()
    columns = cursor.execute(
        "SELECT logical, kind, place, table_number, physical, is_json, is_exact_double,"
        " may_be_nan"
        " FROM columns WHERE project = ? ORDER BY position",
        [project.number],
    ).fetchall()
    return ProjectCatalogue(
        project,
        tuple(StoredTable(Role(role), number, name, dead) for role, number, name, dead in tables),
        tuple(
            StoredColumn(logical, None if kind is None else Kind(kind), Place(place), *rest)
            for logical, kind, place, *rest in columns
        ),
    )


class CatalogueCache:
    """The catalogues of projects as last read. Safe for use by any thread."""

    _LIMIT: Final = 64

    def __init__(self) -> None:
        self._by_key: dict[tuple[int, int], ProjectCatalogue] = {}

    def get(self, cursor: DuckDBPyConnection, project: ProjectRecord) -> ProjectCatalogue:
        """Return the catalogue of `project` at its generation, reading it when it is not known."""
        key = (project.number, project.generation)
        known = self._by_key.get(key)
        if known is None:
            known = load(cursor, project)
            # One assignment or deletion at a time is atomic; a lost race costs one more read.
            self._by_key[key] = known
            for stale in list(self._by_key)[: -self._LIMIT]:
                self._by_key.pop(stale, None)
        return known


# `Any`: a row of DuckDB.
def _space(row: Sequence[Any]) -> Space:
    space_id, name, description, created_at = row
    return Space(space_id, name, description, created_at.replace(tzinfo=UTC))


def _project(row: Sequence[Any]) -> ProjectRecord:
    number, project_id, space_id, name, created_at, *rest = row
    return ProjectRecord(number, project_id, space_id, name, created_at.replace(tzinfo=UTC), *rest)

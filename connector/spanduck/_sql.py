"""Statements rewritten for more pushdown, and run."""

from __future__ import annotations

import contextlib
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from spanduck._function.database import FUNCTION, attachment_of
from spanduck._scan import schema_cache
from spanduck.exceptions import Error
from spanduck_sql.statements import projects_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from spanduck._function.attachment import Attachment
    from spanduck_sql.rewrite import Rewritten, SpansCall

    Parameters = Iterable[Any] | Mapping[str, Any] | None

ResultT = TypeVar("ResultT")

# What conditions are read from: a macro of one of these names would make them mean something else.
_READ: Final = frozenset(
    {
        "contains",
        "starts_with",
        "ends_with",
        "prefix",
        "suffix",
        "strpos",
        "instr",
        "position",
        "like_escape",
        "not_like_escape",
        "ilike_escape",
        "not_ilike_escape",
        "~~",
        "!~~",
        "~~*",
        "!~~*",
        "^@",
    }
)
_FUNCTIONS: Final = """
    SELECT database_name, schema_name, lower(function_name), contains(macro_definition, $1)
    FROM duckdb_functions()
    WHERE NOT internal
"""
_COLLATION: Final = "SELECT current_setting('default_collation')"


def sql(con: DuckDBPyConnection, text: str, *, params: Parameters = None) -> DuckDBPyRelation:
    """Run SQL as `con.sql` does, with more of it done by the service.

    DuckDB offers a table function only plain comparisons. Here the statement is read first, and
    what its WHERE, ON and HAVING say of the rows of a `spans(...)` call with LIKE, `contains`,
    `starts_with`, `ends_with`, or around outer joins and in CTEs, is added to the call's
    `filter :=`. The rest of the statement stays as written, and so does its result: conditions are
    still applied by DuckDB. Queries, CREATE TABLE … AS, INSERT, COPY (…) TO, EXPLAIN, DESCRIBE and
    SUMMARIZE are rewritten, at any depth; views, macros and prepared statements are not. A session
    with a `default_collation`, or with macros named like the functions above, gets no rewriting.

    Cost: reading a statement takes milliseconds (the first one half a second, for sqlglot), and one
    look-up for each project whose columns are not remembered. Nothing is sent for a text without
    `spans(`. When a single statement names a column that is not known, the columns of its projects
    are asked for again and it is tried once more.

    Args:
        con: A connection of a database that spanduck is attached to.
        text: One statement or several. Names of Python variables are found where this is called.
        params: Values of `?`, `$1` or `$name`, as for `con.sql`.

    Returns:
        What `con.sql` returns. Of a query that is a relation, of which nothing is read until its
        rows are asked for; `to_arrow_reader()` streams them. Row order is DuckDB's.

    Raises:
        Error: Nothing is attached to the database of `con`.
        duckdb.Error: As DuckDB says; `spanduck.last_error(con)` is ours behind it.

    Example:
        spanduck.sql(con, "SELECT name FROM spans('my-llm-app') WHERE name LIKE 'chat%'").show()
    """
    frame = sys._getframe(1)  # noqa: SLF001 - where DuckDB is to look for the caller's variables
    names = {**frame.f_locals, "__con__": con, "__params__": params}

    def run(statement: str) -> DuckDBPyRelation:
        names["__text__"] = statement
        relation: DuckDBPyRelation = eval(_CALL, frame.f_globals, names)  # noqa: S307 - our own text
        return relation

    return run_rewritten(con, text, run)


# Evaluated as the caller's: DuckDB looks for tables among the variables of the innermost frame.
_CALL: Final = compile("__con__.sql(__text__, params=__params__)", "<spanduck.sql>", "eval")


def run_rewritten(con: DuckDBPyConnection, text: str, run: Callable[[str], ResultT]) -> ResultT:
    """Run a text after rewriting it, once more when a column is not known.

    Args:
        con: Where.
        text: One statement or several.
        run: Runs a text on `con`.

    Raises:
        Error: Nothing is attached to the database of `con`.
        duckdb.Error: As `run`.
    """
    attachment = attachment_of(con)
    changed = _text(con, text)
    try:
        return run(changed)
    except duckdb.BinderException:
        if len(con.extract_statements(text)) != 1:
            raise  # those before the failing one have been run, and must not be again
        projects = projects_read(text)
        is_stale = bool(projects) and _forget(attachment, projects)
        if changed == text and not is_stale:
            raise
    changed = _text(con, text)
    try:
        return run(changed)
    except duckdb.BinderException:
        if changed == text:
            raise
    # As written, so that DuckDB quotes what the user knows.
    return run(text)


def rewritten(con: DuckDBPyConnection, text: str) -> Rewritten:
    """Return a text with what its conditions allow in the filters of its `spans(...)` calls.

    Nothing of it is run. Asks for the columns of the projects of calls with a condition.

    Raises:
        Error: Nothing is attached to the database of `con`.
    """
    # Imported here: it needs sqlglot, which takes longer to import than most statements to run.
    from spanduck_sql.rewrite import rewrite  # noqa: PLC0415

    attachment = attachment_of(con)
    mode = attachment.settings.local.pushdown
    return rewrite(text, _Schemas(con, attachment).of, mode=mode)


def _text(con: DuckDBPyConnection, text: str) -> str:
    return rewritten(con, text).text if "spans" in text.lower() else text


class _Schemas:
    """The columns of the projects of one text, as its session sees them."""

    def __init__(self, con: DuckDBPyConnection, attachment: Attachment) -> None:
        self._con = con
        self._attachment = attachment

    def of(self, call: SpansCall) -> pa.Schema | None:
        """Return the columns of a call's project; None if the call may not be ours."""
        if not self._is_ours(call):
            return None
        attachment = self._attachment
        try:
            return schema_cache.project_schema(
                attachment.settings,
                attachment.flight,
                space=attachment.space(call.space),
                project=call.project,
            ).declared
        except Error:
            return None  # the statement will fail with it, and say so

    def _is_ours(self, call: SpansCall) -> bool:
        functions = self._functions
        if functions is None or any(name in _READ for _, _, name, _ in functions):
            return False
        homes = [
            is_ours
            for database, schema, name, is_ours in functions
            if name == "spans" and _may_be(call.qualifier, database, schema)
        ]
        return bool(homes) and all(homes)

    # None when the session cannot be asked, or compares texts in a way of its own.
    @cached_property
    def _functions(self) -> list[tuple[str, str, str, bool]] | None:
        # On the connection itself: others do not see its temporary macros.
        with contextlib.suppress(duckdb.Error):
            collation = self._con.sql(_COLLATION).fetchall()
            if collation == [("",)]:
                return self._con.sql(_FUNCTIONS, params=[FUNCTION]).fetchall()
        return None


def _may_be(qualifier: tuple[str, ...], database: str, schema: str) -> bool:
    parts = {part.lower() for part in qualifier}
    return parts <= {database.lower(), schema.lower()}


def _forget(attachment: Attachment, projects: Iterable[str]) -> bool:
    settings = attachment.settings
    try:
        space = attachment.space(None)
    except Error:
        return False
    for project in projects:
        service = settings.service.flight_location
        schema_cache.drop(service, space, project, home=settings.local.home)
    return True

"""What SQL statements say about spans, read from their text."""

from __future__ import annotations

from typing import Final

_FUNCTIONS: Final = frozenset({"spans", "evaluations", "annotations"})


def projects_read(text: str) -> list[str]:
    """Name the projects that a text reads, in the order it names them.

    Only those written as literals; a text that cannot be parsed reads none.
    """
    # At first use: it takes longer to import than most statements to run.
    from sqlglot import exp, parse  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        statements = parse(text, dialect="duckdb")
    except SqlglotError:
        return []
    projects: dict[str, None] = {}
    for statement in statements:
        for call in statement.find_all(exp.Anonymous) if statement else ():
            first = call.expressions[0] if call.expressions else None
            if call.name.lower() in _FUNCTIONS and isinstance(first, exp.Literal):
                projects[first.name] = None
    return list(projects)

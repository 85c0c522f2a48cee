"""The SQL files of the store."""

from __future__ import annotations

from importlib import resources


def script(name: str) -> str:
    """Return the text of one of the store's SQL files."""
    return (resources.files("spanduck_sql") / "store" / f"{name}.sql").read_text("utf-8")

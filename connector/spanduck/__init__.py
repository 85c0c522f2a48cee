"""LLM trace spans of Arize AX as a table in DuckDB, and SQL results written back as evaluations."""

from __future__ import annotations

from spanduck._version import __version__

__all__ = ["__version__"]

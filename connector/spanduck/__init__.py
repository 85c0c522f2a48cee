"""LLM trace spans of Arize AX as a table in DuckDB, and SQL results written back as evaluations.

::

    con = spanduck.connect()
    con.sql("SELECT name, latency_ms FROM spans('my-llm-app') ORDER BY latency_ms DESC LIMIT 5")

`connect` and `attach` put the table functions `spans(...)`, `projects()` and `evaluations(...)` on
a DuckDB connection, `sql` runs a statement with more of it done by the service, `SpansClient`
uploads and exports spans, `write_back` sends the rows of a query as evaluations, and `serve` runs
the embedded AX-compatible server. Errors derive from `Error`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from spanduck._version import __version__
from spanduck.exceptions import Error

if TYPE_CHECKING:
    from spanduck._sql import sql
    from spanduck._write_back import WriteBackReport, write_back
    from spanduck.client import SpansClient
    from spanduck.embedded import EmbeddedServer, serve
    from spanduck.table_function import attach, cancel, connect, detach, last_error, refresh

# Each name is imported at first use: `import spanduck` reads no environment, opens nothing, and
# does not pay for duckdb, pyarrow and pydantic.
_MODULE_BY_NAME: Final = {
    "EmbeddedServer": "spanduck.embedded",
    "SpansClient": "spanduck.client",
    "WriteBackReport": "spanduck._write_back",
    "attach": "spanduck.table_function",
    "cancel": "spanduck.table_function",
    "connect": "spanduck.table_function",
    "detach": "spanduck.table_function",
    "last_error": "spanduck.table_function",
    "refresh": "spanduck.table_function",
    "serve": "spanduck.embedded",
    "sql": "spanduck._sql",
    "write_back": "spanduck._write_back",
}

__all__ = [
    "EmbeddedServer",
    "Error",
    "SpansClient",
    "WriteBackReport",
    "__version__",
    "attach",
    "cancel",
    "connect",
    "detach",
    "last_error",
    "refresh",
    "serve",
    "sql",
    "write_back",
]


def __getattr__(name: str) -> object:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module 'spanduck' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

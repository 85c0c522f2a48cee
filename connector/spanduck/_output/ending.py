# ruff: noqa: PLC0415 - imports wait until there is a failure: `--help` does not wait for DuckDB
"""How a command ends: what went wrong is told, and the exit status says so."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


def stderr() -> Console:
    """Return where everything goes that is no data."""
    return Console(stderr=True)


def say(line: str) -> None:
    """Tell something in passing."""
    stderr().print(Text(line, style="dim"), soft_wrap=True)


class Ending:
    """How a command ends: failures told, exit status set.

    Attributes:
        connection: Whose last error tells more than what DuckDB says of it.
        is_failed: Whether something failed already while the command went on.
    """

    def __init__(self) -> None:
        self.connection: DuckDBPyConnection | None = None
        self.is_failed = False

    def tell(self, failure: BaseException) -> int:
        """Print a failure; returns the exit status it asks for."""
        from spanduck._output.failures import show_failure, underlying
        from spanduck.exceptions import ConfigError

        if self.connection is not None:
            from spanduck.table_function import last_error

            failure = underlying(failure, last_error(self.connection))
        show_failure(stderr(), failure)
        return MISUSED if isinstance(failure, ConfigError) else FAILED

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Tell a failure and go on."""
        from spanduck._output.failures import EXPECTED

        try:
            yield
        except BrokenPipeError:
            raise
        except EXPECTED as exc:
            self.tell(exc)
            self.is_failed = True


def _leave(status: int) -> NoReturn:
    """End at once: a scan may still be in a native call, which an orderly end would wait for."""
    sys.stderr.flush()
    os._exit(status)


@contextmanager
def ending_well() -> Iterator[Ending]:
    """Run a command's work, and end the command as its failures ask for."""
    ending = Ending()
    try:
        yield ending
    except KeyboardInterrupt:
        say("interrupted")
        _leave(INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads stdout has seen enough.
        _leave(0)
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as exc:
        from spanduck._output.failures import EXPECTED, is_interrupt

        if is_interrupt(exc):
            say("interrupted")
            _leave(INTERRUPTED)
        if not isinstance(exc, EXPECTED):
            raise
        raise typer.Exit(ending.tell(exc)) from None
    if ending.is_failed:
        raise typer.Exit(FAILED)

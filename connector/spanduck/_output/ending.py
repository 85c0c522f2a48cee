# ruff: noqa: PLC0415 - imports wait until there is a failure: `--help` does not wait for DuckDB
"""How a command ends: what went wrong is told, and the exit status says so."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from spanduck._output.consoles import say, stderr
from spanduck._temporary import remove_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from duckdb import DuckDBPyConnection

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


class Ending:
    """How a command ends: failures told, exit status set.

    Attributes:
        connection: Whose last error tells more than what DuckDB says of it.
        is_failed: Whether something failed already while the command went on.
        is_interrupted: Whether Ctrl-C came: an engine makes an error of its own of it.
    """

    def __init__(self) -> None:
        self.connection: DuckDBPyConnection | None = None
        self.is_failed = self.is_interrupted = False

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
            if self.is_interrupted:
                raise
            self.tell(exc)
            self.is_failed = True


def _leave(status: int) -> NoReturn:
    """End at once: a scan may still be in a native call, which an orderly end would wait for."""
    remove_all()
    sys.stderr.flush()
    os._exit(status)


def _fail(status: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python's own end would flush again, and make the status its own.
        _leave(status)
    raise typer.Exit(status)


@contextmanager
def _noting_ctrl_c(ending: Ending) -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or handler is not signal.default_int_handler:
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        ending.is_interrupted = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def ending_well() -> Iterator[Ending]:
    """Run a command's work, and end the command as its failures ask for."""
    ending = Ending()
    try:
        with _noting_ctrl_c(ending):
            yield ending
        # Here, where it is known what to make of a reader that is gone.
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        _leave(INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads stdout has seen enough.
        _leave(FAILED if ending.is_failed else 0)
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as exc:
        from spanduck._output.failures import EXPECTED

        if ending.is_interrupted:
            say("interrupted")
            _leave(INTERRUPTED)
        if not isinstance(exc, EXPECTED):
            raise
        _fail(ending.tell(exc))
    if ending.is_failed:
        _fail(FAILED)

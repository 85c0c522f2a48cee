"""What went wrong, told to a person: without traceback, with the next step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
from rich.text import Text

from spanduck.exceptions import ConfigError, Error, ValidationError

if TYPE_CHECKING:
    from rich.console import Console

EXPECTED: Final = (Error, duckdb.Error, pa.ArrowException, OSError)
"""Failures whose own text says what to do; anything else is a bug and keeps its traceback."""

# The mark that our errors carry through DuckDB, which wraps them in its own words.
_MARK: Final = re.compile(r"\[spanduck\.\w+\]")
_PROBLEMS: Final = 9


def underlying(failure: BaseException, last_error: BaseException | None) -> BaseException:
    """Give our own error where DuckDB or Arrow hands on its text, else the failure itself.

    Args:
        failure: What was raised.
        last_error: The last error of ours on that connection.
    """
    if isinstance(failure, Error) or last_error is None or not _MARK.search(str(failure)):
        return failure
    return last_error


def show_failure(console: Console, failure: BaseException) -> None:
    """Print a failure in a few lines."""
    text = Text.assemble(("error: ", "bold red"), _told(failure).strip())
    console.print(text, soft_wrap=True)
    if isinstance(failure, ConfigError):
        for place in failure.looked_in:
            console.print(Text(f"  looked in {place}", style="dim"), soft_wrap=True)
    if isinstance(failure, ValidationError):
        # Some messages list the problems themselves.
        further = [problem for problem in failure.problems[1:] if problem not in failure.message]
        for problem in further[:_PROBLEMS]:
            console.print(Text(f"  also: {problem}"), soft_wrap=True)
        if len(further) > _PROBLEMS:
            console.print(f"  and {len(further) - _PROBLEMS:,} more")


def _told(failure: BaseException) -> str:
    text = str(failure)
    if isinstance(failure, Error):
        return text
    mark = _MARK.search(text)
    if mark is not None:
        # The error itself is gone; its text is all there is, after whatever DuckDB put before it.
        return text[mark.end() :]
    if isinstance(failure, OSError) and failure.strerror and failure.filename:
        return f"{failure.filename}: {failure.strerror}"
    return text or type(failure).__name__

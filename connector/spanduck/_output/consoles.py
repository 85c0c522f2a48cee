"""Where output goes: data to stdout, everything else to stderr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path


class Done(NamedTuple):
    """What a command came to.

    Attributes:
        what: In a few words, as `20 rows`.
        hint: How to get what was left out; empty where nothing was.
    """

    what: str
    hint: str = ""


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Let the command end: whoever reads stdout has seen enough, which is no failure."""
        raise BrokenPipeError


def stdout() -> Console:
    """Return where data goes that is for people."""
    return _Stdout()


def stderr() -> Console:
    """Return where everything goes that is no data."""
    return Console(stderr=True)


def say(line: str) -> None:
    """Tell something in passing."""
    stderr().print(Text(line, style="dim"), soft_wrap=True)


def say_done(done: Done, began: float, output: Path | None = None) -> None:
    """Tell what a command came to, where it went and how long it took.

    Args:
        done: What it came to.
        began: When it began, by the monotonic clock.
        output: The file; None for stdout.
    """
    place = f" to {output}" if output else ""
    hint = f"; {done.hint}" if done.hint else ""
    say(f"{done.what}{place} in {time.monotonic() - began:.2f} s{hint}")

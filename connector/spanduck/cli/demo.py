"""`spanduck demo`."""

from pathlib import Path
from typing import Annotated

import typer

from spanduck._output.consoles import stdout
from spanduck._output.ending import ending_well


def demo(
    *,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep the store in this folder, for `spanduck query` after the demo.",
            metavar="DIR",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """See it work, on generated spans and a server of its own.

    Loads 20,000 spans, asks three questions in SQL, writes evaluations back and asks again. Takes
    seconds; needs no account and no network.
    """
    with ending_well():
        from spanduck._demo import run_demo

        run_demo(stdout(), keep=keep)

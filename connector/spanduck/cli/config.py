"""`spanduck config`."""

from typing import Annotated

import typer

from spanduck._output.ending import ending_well
from spanduck._output.formats import TextFormat
from spanduck.cli.options import TextOrJson


def config(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Reach the service instead: REST and Flight, the space and its projects.",
        ),
    ] = False,
    fmt: TextOrJson = TextFormat.text,
) -> None:
    """Show every setting and where its value comes from.

    Secrets are masked. With --check the exit status is 1 when something cannot be reached, and what
    to do about it is told.
    """
    with ending_well() as ending:
        from spanduck._config import load_settings
        from spanduck._output.check import check_service, tell_check
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.settings import tell_settings
        from spanduck.embedded import ensure_default

        settings = load_settings()
        if not check:
            tell_settings(settings, fmt)
            return
        checked = run_interruptibly(lambda: check_service(ensure_default(settings)), int)
        ending.is_failed = not checked.is_good
        tell_check(checked, fmt)

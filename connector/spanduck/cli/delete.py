"""`spanduck delete`."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from spanduck._output.consoles import say
from spanduck._output.ending import FAILED, ending_well
from spanduck.cli.options import ProjectArgument, Space, time_option


def delete(
    project: ProjectArgument,
    *,
    span_id: Annotated[
        list[str] | None,
        typer.Option("--span-id", help="Id of a span; may be repeated.", metavar="ID"),
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(help="File with a span id on each line, or - for stdin.", metavar="FILE"),
    ] = None,
    start: Annotated[
        datetime | None,
        time_option(
            help="Only spans that start then or later: ISO 8601, in UTC unless it says another"
            " zone.  [default: two years ago]"
        ),
    ] = None,
    end: Annotated[
        datetime | None, time_option(help="Only spans that start before.  [default: now]")
    ] = None,
    space: Space = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete spans by their ids, for good, with what was said of them.

    Ids that were not deleted are printed, one a line; exit status 1 when there are any.
    """
    with ending_well() as ending:
        from spanduck._output.deletes import given_ids, outcome
        from spanduck._output.reports import count
        from spanduck.client import SpansClient

        ids = given_ids(span_id or (), from_file)
        if not yes and not sys.stdin.isatty():
            raise typer.BadParameter("Nobody can be asked here. Add --yes.", param_hint="--yes")
        if not yes:
            question = f"Delete {count(len(ids), 'span')} of {project} for good?"
            if not typer.confirm(question, err=True):
                say("nothing is deleted")
                raise typer.Exit(FAILED)
        with SpansClient() as client:
            response = client.delete(
                project=project, span_ids=ids, space=space, start_time=start, end_time=end
            )
        ending.is_failed = bool(response.not_deleted_span_ids)
        say(outcome(response))
        for id_ in response.not_deleted_span_ids:
            typer.echo(id_)

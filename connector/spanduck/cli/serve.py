"""`spanduck serve`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from spanduck._output.ending import ending_well


def serve(
    path: Annotated[
        Path,
        typer.Option(
            help="Folder of the store; made when it is not there.", metavar="DIR", file_okay=False
        ),
    ] = Path(".spanduck"),
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    rest_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of REST; 0 takes a free one.")
    ] = 0,
    flight_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of Flight; 0 takes a free one.")
    ] = 0,
    api_key: Annotated[
        str | None,
        typer.Option(
            help="Key that every call must bring; else SPANDUCK_SERVE_API_KEY, else the file's,"
            " else a new one.",
            metavar="KEY",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File that holds the key.", metavar="FILE")
    ] = None,
    idle_exit: Annotated[
        float | None,
        typer.Option(min=0, help="End after so many seconds without a call.", metavar="S"),
    ] = None,
    strict_configs: Annotated[
        bool,
        typer.Option(
            "--strict-configs",
            help="Refuse annotations that fit no annotation config, as the service does.",
        ),
    ] = False,
) -> None:
    """Run an AX-compatible server on a folder of this machine.

    Prints one line of JSON once it accepts calls: ports, space and key. Ends at SIGINT or SIGTERM.
    """
    with ending_well():
        from spanduck.server import ServerOptions
        from spanduck.server import run as run_server
        from spanduck.server.options import find_api_key

        key = find_api_key(api_key, api_key_file)
        options = ServerOptions(
            path,
            host,
            rest_port,
            flight_port,
            idle_exit_s=idle_exit,
            strict_configs=strict_configs,
        )
        status = run_server(options if key is None else replace(options, api_key=key))
    raise typer.Exit(status)

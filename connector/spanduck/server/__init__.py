"""The embedded AX-compatible server: REST and Flight over one DuckDB store in a folder."""

from spanduck.server.options import ServerOptions

__all__ = ["ServerOptions", "run"]


def run(options: ServerOptions) -> int:
    """Serve until a signal, and return the exit status of the process.

    Prints one line of JSON on stdout once both ports answer, nothing else. Must be called on the
    main thread, which it keeps: it installs handlers for SIGINT and SIGTERM.

    Raises:
        StoreLockedError: Another server holds the folder.
        PortInUseError: Another program listens on one of the ports.
        StoreError: The folder holds no store that this version can read.
    """
    # The server is the bulk of the package's start-up; importing its options should not pay for it.
    from spanduck.server.app import serve  # noqa: PLC0415

    return serve(options)

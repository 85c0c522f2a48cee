"""What a server is started with."""

from __future__ import annotations

import argparse
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_VARIABLE: Final = "SPANDUCK_SERVE_API_KEY"

# Below so many dead rows a rewrite gains less than it costs.
MIN_DEAD_ROWS: Final = 20_000
# A rewrite keeps writers waiting, so it waits for a pause between them.
QUIET_S: Final = 5.0


@dataclass(frozen=True)
class ServerOptions:
    """What a server is started with.

    Attributes:
        path: The folder of the store.
        host: The address to listen on.
        rest_port: 0 for a free port.
        flight_port: 0 for a free port.
        api_key: What every call must carry. Made when empty; never shown.
        idle_exit_s: End after so many seconds without a call; None for never.
        stop_with_stdin: End when standard input closes, as it does when a parent process dies.
        strict_configs: Refuse annotations that fit no annotation config.
        min_dead_rows: Tables with fewer dead rows are never rewritten.
        rewrite_after_s: How long nothing must have been written before a table is rewritten.
    """

    path: Path
    host: str = "127.0.0.1"
    rest_port: int = 0
    flight_port: int = 0
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    idle_exit_s: float | None = None
    stop_with_stdin: bool = False
    strict_configs: bool = False
    min_dead_rows: int = MIN_DEAD_ROWS
    rewrite_after_s: float = QUIET_S


def parse_options(arguments: Sequence[str] | None = None) -> ServerOptions:
    """Read the command line of `python -m spanduck.server`.

    Raises:
        ConfigError: The key's file cannot be read or is empty.
    """
    parser = argparse.ArgumentParser(prog="spanduck serve", description="Serve a folder of spans.")
    parser.add_argument("--path", type=Path, required=True, help="folder of the store")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--rest-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--flight-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--api-key", help=f"else {KEY_VARIABLE}, else --api-key-file, else made")
    parser.add_argument("--api-key-file", type=Path, help="file that holds the key")
    parser.add_argument("--idle-exit", type=float, metavar="S", help="end after S idle seconds")
    parser.add_argument("--strict-configs", action="store_true", help="no unknown annotations")
    parser.add_argument("--stop-with-stdin", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--min-dead-rows", type=int, default=MIN_DEAD_ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--rewrite-after", type=float, default=QUIET_S, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    key = find_api_key(given.api_key, given.api_key_file)
    chosen = {} if key is None else {"api_key": key}
    return ServerOptions(
        path=given.path,
        host=given.host,
        rest_port=given.rest_port,
        flight_port=given.flight_port,
        idle_exit_s=given.idle_exit,
        stop_with_stdin=given.stop_with_stdin,
        strict_configs=given.strict_configs,
        min_dead_rows=given.min_dead_rows,
        rewrite_after_s=given.rewrite_after,
        **chosen,
    )


def find_api_key(argument: str | None, file: Path | None) -> str | None:
    """Return the key from the argument, the environment or the file; None when none is given.

    Raises:
        ConfigError: The file cannot be read or is empty.
    """
    key = argument or os.environ.get(KEY_VARIABLE)
    if key or file is None:
        return key or None
    try:
        text = file.read_text("utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"the key's file {file} cannot be read: {exc.strerror}") from exc
    if not text:
        raise ConfigError(f"the key's file {file} is empty")
    return text

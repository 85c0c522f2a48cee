"""Starts the embedded server as a child process, or finds the one that serves a folder already.

A process of its own, not threads: the store outlives the program that opened it first, and a busy
interpreter on one side does not slow the other.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from spanduck import exceptions
from spanduck._config import Settings, load_settings
from spanduck._folder import ServerAddress, is_locked, make_folder, read_address
from spanduck.exceptions import Error, StoreLockedError, UnavailableError

if TYPE_CHECKING:
    from types import TracebackType


_START_LIMIT_S: Final = 30.0
_STOP_LIMIT_S: Final = 20.0
_SHARED_LIMIT_S: Final = 10.0
_SHARED_IDLE_S: Final = 600
_POLL_S: Final = 0.05
_KEY_VARIABLE: Final = "SPANDUCK_SERVE_API_KEY"
_LOG: Final = "server.log"


class EmbeddedServer:
    """A running embedded server, a child of this process. A context manager; `close` is idempotent.

    Attributes:
        path: The folder of its store.
        host: The address it listens on.
        rest_port: Its REST port.
        flight_port: Its Flight port.
        space_id: The id of its space.
        space: The name of its space.
        api_key: The key every call must carry.
    """

    def __init__(
        self, path: Path, host: str, process: subprocess.Popen[bytes], ready: dict[str, Any]
    ) -> None:
        self.path = path
        self.host = host
        self.rest_port: int = ready["rest_port"]
        self.flight_port: int = ready["flight_port"]
        self.space_id: str = ready["space_id"]
        self.space: str = ready["space"]
        self.api_key: str = ready["api_key"]
        self._process = process

    def __repr__(self) -> str:
        return (
            f"EmbeddedServer(path={str(self.path)!r}, rest_port={self.rest_port},"
            f" flight_port={self.flight_port}, space={self.space!r})"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """Return the variables that point spanduck, and the vendor's SDK, at this server."""
        return {
            "ARIZE_API_KEY": self.api_key,
            "ARIZE_API_HOST": self.host,
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_PORT": str(self.rest_port),
            "ARIZE_FLIGHT_HOST": self.host,
            "ARIZE_FLIGHT_PORT": str(self.flight_port),
            "ARIZE_FLIGHT_SCHEME": "grpc+tcp",
            "ARIZE_SPACE": self.space,
        }

    @property
    def settings(self) -> Settings:
        """Settings that reach this server: `connect(settings=server.settings)`, and the like."""
        return _pointed_at(load_settings(), self, space=self.space)

    def close(self) -> None:
        """Stop the server and wait until its store is closed."""
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                # What it acknowledged is on the disk already.
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def serve(
    path: str | Path,
    *,
    host: str = "127.0.0.1",
    rest_port: int = 0,
    flight_port: int = 0,
    api_key: str | None = None,
    strict_configs: bool = False,
) -> EmbeddedServer:
    """Start the embedded server on a folder and return once it answers, in about a second.

    It ends with `close`, with the `with` block, or with this process, however that ends.

    Args:
        path: The folder of the store; created when absent.
        host: The address to listen on.
        rest_port: 0 for a free port.
        flight_port: 0 for a free port.
        api_key: What every call must carry; made when left out.
        strict_configs: Refuse annotations that fit no annotation config, as the service does.

    Raises:
        StoreLockedError: Another server holds the folder.
        PortInUseError: Another program listens on one of the ports.
        StoreError: The folder holds no store that this version can read.
        UnavailableError: The server did not start in time.
    """
    folder = Path(path)
    arguments = ["--host", host, "--rest-port", str(rest_port), "--flight-port", str(flight_port)]
    if strict_configs:
        arguments.append("--strict-configs")
    with tempfile.TemporaryFile() as log:
        process = _start(
            folder,
            [*arguments, "--stop-with-stdin"],
            api_key=api_key,
            stdin=subprocess.PIPE,
            log=log,
        )
        try:
            ready = _wait_until_ready(process, log)
        except BaseException:
            _abandon(process)
            raise
    return EmbeddedServer(folder, host, process, ready)


def ensure_default(settings: Settings) -> Settings:
    """Return settings that reach a server: these, or those of the shared server of the home folder.

    When no key is configured, joins the server that holds `settings.local.home`, or starts it: in a
    session of its own, so that Ctrl-C here does not reach it, ending by itself after ten minutes
    without a call. Says so on stderr, once, when it started one.

    Raises:
        UnavailableError: Whoever holds the folder does not answer within ten seconds.
        StoreError: The home is no folder, or holds no store that this version can read.
    """
    if settings.service.api_key is not None:
        return settings
    address = _join_or_start(Path(settings.local.home))
    return _pointed_at(settings, address, space=settings.service.space or address.space)


def _pointed_at(
    settings: Settings, server: EmbeddedServer | ServerAddress, *, space: str
) -> Settings:
    return settings.with_service(
        "embedded server",
        api_key=server.api_key,
        space=space,
        api_host=server.host,
        api_scheme="http",
        api_port=server.rest_port,
        flight_host=server.host,
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
        # Endpoint overrides would send the calls elsewhere.
        region=None,
        base_domain="",
        single_host="",
        single_port=0,
    )


def _join_or_start(home: Path) -> ServerAddress:
    deadline = time.monotonic() + _SHARED_LIMIT_S
    started: _Shared | None = None
    while True:
        address = read_address(home)
        if address is not None and is_locked(home) and _answers(address):
            if started is not None and started.is_at(address):
                started.tell(home)
            elif started is not None:
                # Slower than the one that has the lock. Left alone, it would take the folder over
                # if that one ended just now.
                _abandon(started.process)
            return address
        if started is None and not is_locked(home):
            # Of several processes that come here at once, one server gets the lock; the others end,
            # and this loop finds the address of the one.
            started = _Shared.start(home)
        elif started is not None and started.has_failed():
            started.raise_unless_locked()
            started = None
        if time.monotonic() >= deadline:
            raise UnavailableError(
                f"the server that holds {home} did not answer within {_SHARED_LIMIT_S:g} s",
                next_step=f"See {home / _LOG}, or stop the process that holds {home / 'lock'}.",
            )
        time.sleep(_POLL_S)


@dataclass
class _Shared:
    """A shared server this process has started, and may yet turn out not to be the one."""

    process: subprocess.Popen[bytes]
    api_key: str
    log: Path
    log_start: int

    @classmethod
    def start(cls, home: Path) -> _Shared:
        make_folder(home)
        log_path, api_key = home / _LOG, secrets.token_urlsafe(24)
        with log_path.open("ab") as log:
            process = _start(
                home,
                ["--idle-exit", str(_SHARED_IDLE_S)],
                api_key=api_key,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                log=log,
                own_session=True,
            )
            return cls(process, api_key, log_path, log.tell())

    def is_at(self, address: ServerAddress) -> bool:
        """Tell whether it is this one that serves; by the key, as a launcher has another pid."""
        return address.api_key == self.api_key

    def has_failed(self) -> bool:
        return self.process.poll() is not None

    def raise_unless_locked(self) -> None:
        """Raise what the server died of, unless another one was faster."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            error = _error_from(log.read(), self.process.returncode)
        if not isinstance(error, StoreLockedError):
            raise error

    def tell(self, home: Path) -> None:
        sys.stderr.write(
            f"spanduck: no API key is configured, so a local server was started on {home}"
            f" (it ends after {_SHARED_IDLE_S // 60} idle minutes)\n"
        )
        # The child outlives this process; nobody waits for it, so nobody should be warned of it.
        self.process.returncode = 0


def _start(
    folder: Path,
    arguments: list[str],
    *,
    api_key: str | None,
    stdin: int,
    log: IO[bytes],
    stdout: int = subprocess.PIPE,
    own_session: bool = False,
) -> subprocess.Popen[bytes]:
    # By the environment: arguments can be read by every user of the machine.
    environment = {**os.environ, _KEY_VARIABLE: api_key or secrets.token_urlsafe(24)}
    command = [sys.executable, "-m", "spanduck.server", "--path", str(folder.absolute())]
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [*command, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=log,
        env=environment,
        start_new_session=own_session,
    )


def _wait_until_ready(process: subprocess.Popen[bytes], log: IO[bytes]) -> dict[str, Any]:
    """Read the ready line of a child.

    Raises:
        Error: What the child said on stderr before it ended.
        UnavailableError: It said nothing in time.
    """
    lines: list[bytes] = []

    def read_line() -> None:
        if process.stdout is not None:
            lines.append(process.stdout.readline())

    reader = threading.Thread(target=read_line, daemon=True)
    reader.start()
    reader.join(_START_LIMIT_S)
    if not lines:
        raise UnavailableError(f"the embedded server did not start within {_START_LIMIT_S:g} s")
    if not lines[0].strip():
        status = process.wait(_STOP_LIMIT_S)
        log.seek(0)
        raise _error_from(log.read(), status)
    ready: dict[str, Any] = json.loads(lines[0])
    return ready


def _error_from(said: bytes, status: int | None) -> Error:
    """Return the error a child ended with, in the class that it named in brackets."""
    text = said.decode(errors="replace").strip()
    last = text.splitlines()[-1] if text else ""
    if last.startswith("[spanduck."):
        name, _, message = last.removeprefix("[spanduck.").partition("] ")
        kind = getattr(exceptions, name, None)
        if isinstance(kind, type) and issubclass(kind, Error):
            return kind(message)
    return UnavailableError(f"the embedded server ended with status {status}: {last}")


def _abandon(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _answers(address: ServerAddress) -> bool:
    """Tell whether both ports of a server accept connections."""
    try:
        for port in (address.rest_port, address.flight_port):
            socket.create_connection((address.host, port), timeout=1.0).close()
    except OSError:
        return False
    return True

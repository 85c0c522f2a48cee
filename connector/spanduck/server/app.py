"""One process: the folder's lock, the store, both endpoints, and how they begin and end."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Final

import uvicorn

from spanduck._folder import FolderLock, ServerAddress, remove_address, write_address
from spanduck._version import __version__
from spanduck.exceptions import PortInUseError, StoreError
from spanduck.server import catalogue
from spanduck.server.activity import Activity
from spanduck.server.flight import FlightEndpoint
from spanduck.server.rest import RestEndpoint
from spanduck.server.rewrite import Rewriter
from spanduck.server.snapshots import Snapshots
from spanduck.server.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from spanduck.server.options import ServerOptions

_log: Final = logging.getLogger("spanduck.server")
_TICK_S: Final = 1.0
_REST_STOP_S: Final = 5


def serve(options: ServerOptions) -> int:
    """Serve until a signal, the idle time or the end of stdin: see `spanduck.server.run`."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    sys.meta_path.insert(0, _NoPandas())
    stop = _stop_event(options)
    with ExitStack() as stack:
        # Ports first: nothing on the disk is touched when they are taken. Flight's is bound by gRPC
        # itself, which shares a port with another server without a word, so it is tried before.
        rest_socket = stack.enter_context(_listening(options.host, options.rest_port))
        _refuse_taken(options.host, options.flight_port)
        stack.enter_context(FolderLock(options.path))
        remove_address(options.path)
        store = stack.enter_context(Store.open(options.path, strict_configs=options.strict_configs))
        activity, snapshots = Activity(), Snapshots()
        rewriter = Rewriter(
            store, min_dead_rows=options.min_dead_rows, quiet_s=options.rewrite_after_s
        )
        stack.callback(rewriter.close)
        stack.callback(snapshots.close)
        flight = FlightEndpoint(store, activity, snapshots, rewriter, options)
        stack.callback(flight.shutdown)
        rest = RestEndpoint(store, activity, snapshots, rewriter, api_key=options.api_key)
        stack.enter_context(_serving(rest.app, rest_socket))
        address = _address(options, store, rest_socket.getsockname()[1], flight.port)
        write_address(options.path, address)
        stack.callback(remove_address, options.path)
        _say_ready(address)
        while not stop.wait(_TICK_S):
            snapshots.drop_old()
            if options.idle_exit_s is not None and activity.idle_s() >= options.idle_exit_s:
                break
    return 0


class _NoPandas(MetaPathFinder):
    """Makes `import pandas` fail in this process, which is the server's own.

    pyarrow imports it, where it can, the first time a Python value meets an array: a second and a
    hundred megabytes for nothing, in the middle of the first call.
    """

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def _stop_event(options: ServerOptions) -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if options.stop_with_stdin:

        def wait_for_end() -> None:
            # Unbuffered: a thread inside sys.stdin's lock makes the interpreter's exit abort.
            while os.read(0, 1024):
                pass
            stop.set()

        threading.Thread(target=wait_for_end, name="stdin", daemon=True).start()
    return stop


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    listener = _bound(host, port)
    try:
        listener.listen(128)
        yield listener
    finally:
        listener.close()


def _refuse_taken(host: str, port: int) -> None:
    if port:
        _bound(host, port).close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off for accepted connections; without
    # it every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        # Lets a port be taken again at once after its server ended; not one that is listened on.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"another program listens on port {port} of {host}",
                next_step="Choose another port, or 0 for a free one.",
                port=port,
            ) from exc
        raise StoreError(f"cannot listen on port {port} of {host}: {exc.strerror or exc}") from exc
    return listener


@contextmanager
def _serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Run REST in a thread with an event loop of its own; in the block it accepts calls."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_REST_STOP_S,
        # Uploads are large: parsing them in Python would cost as much as storing them.
        http="httptools",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="rest", daemon=True
    )
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise StoreError("the REST endpoint did not start; the log above says why")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _address(
    options: ServerOptions, store: Store, rest_port: int, flight_port: int
) -> ServerAddress:
    with store.reading() as cursor:
        space = catalogue.spaces(cursor)[0]
    return ServerAddress(
        rest_port=rest_port,
        flight_port=flight_port,
        host=options.host,
        space_id=space.id,
        space=space.name,
        api_key=options.api_key,
        pid=os.getpid(),
        version=__version__,
    )


def _say_ready(address: ServerAddress) -> None:
    line = {
        "rest_port": address.rest_port,
        "flight_port": address.flight_port,
        "space_id": address.space_id,
        "space": address.space,
        "api_key": address.api_key,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

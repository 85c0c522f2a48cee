"""Arrow Flight: exports in, write-backs out. The one place that knows Flight's errors.

Time-outs: a look-up has `read_timeout_s`, a write-back `write_timeout_s`, a connection
`connect_timeout_s`. An export has no total deadline; whoever reads it watches the time between
batches and cancels.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import flight  # noqa: TID251 - this is the client's half of it

from spanduck._transport.abandoning import AbandonedCalls, from_closing
from spanduck._transport.export_stream import ExportInfo, ExportStream
from spanduck._transport.flight_errors import TOO_BUSY, mask, translated
from spanduck._transport.retry import retrying
from spanduck._wire import WireError, extra_headers, flight_headers
from spanduck.exceptions import (
    CancelledError,
    ConfigError,
    OutcomeUnknownError,
    ServiceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._config import Settings
    from spanduck._wire import ExportCommand, WriteCommand

_RECONNECT: Final = (
    # The defaults (1 s, then up to 2 minutes) outlast a restart of the service.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class FlightTransport:
    """Calls to the Flight half of the service, over one channel. Safe to use from several threads.

    Nothing is contacted until the first call. A context manager; `close` is idempotent, and streams
    that are still open go on until they are closed themselves.

    Args:
        settings: Address, key, certificates and time-outs.
        cancel: Ends the repetitions of a look-up when it is set, for whom `get_info` is given no
            other. Who reads streams may look at it too.
    """

    def __init__(self, settings: Settings, *, cancel: threading.Event | None = None) -> None:
        self._settings = settings
        self.cancel = cancel
        self._lock = threading.Lock()
        self._client: Any = None
        self._closing = threading.Event()
        self._puts = AbandonedCalls()
        self._slots = threading.BoundedSemaphore(settings.local.max_exports)

    def get_info(
        self, command: ExportCommand, *, cancel: threading.Event | None = None
    ) -> ExportInfo:
        """Ask for an export: one call, repeated while the service is unavailable.

        Raises:
            UnavailableError: Nobody answered within `connect_timeout_s`, or not now.
            ServiceError: The service refuses; the subclass says why.
        """
        policy = retrying(
            total_s=self._settings.local.connect_timeout_s, cancel=cancel or self.cancel
        )
        return policy(self._get_info, command)

    def open_export(self, info: ExportInfo, *, project: str = "") -> ExportStream:
        """Redeem the ticket of `info`: one call, which waits for the stream's schema. Not repeated.

        Args:
            info: From `get_info`, at most a minute old.
            project: For messages.

        Raises:
            ConfigError: `max_exports` are open already. Waiting for one of them could be for ever:
                one statement may read several.
            ServiceError: As `get_info`.
        """
        if info.ticket is None:
            raise ServiceError(
                f"the service announced {info.total_records} rows of {project!r} and no way to them"
            )
        if not self._slots.acquire(blocking=False):
            limit = self._settings.local.max_exports
            raise ConfigError(
                f"{limit} exports are open already",
                next_step="Close readers that are no longer used, or raise SPANDUCK_MAX_EXPORTS.",
                setting="max_exports",
            )
        try:
            reader = self._connected().do_get(
                flight.Ticket(info.ticket), flight.FlightCallOptions(headers=self._headers())
            )
            return ExportStream(reader, project, self._slots, self._settings.service.key)
        except (pa.ArrowException, OSError, KeyError) as exc:
            self._slots.release()
            raise translated(
                exc,
                f"the export of {project!r}",
                where=self._settings.service.flight_location,
                is_read=True,
                secret=self._settings.service.key,
            ) from exc
        except BaseException:
            self._slots.release()
            raise

    def put(
        self,
        command: WriteCommand,
        schema: pa.Schema,
        batches: Iterator[pa.RecordBatch],
        *,
        timeout_s: float | None = None,
    ) -> bytes:
        """Send one write-back and return the payload of its one result.

        Repeated only while no batch was taken from `batches`: the service was not there, or said
        so.

        Args:
            command: What is written, and where.
            schema: Of the batches, with the metadata the service reads.
            batches: Taken one by one as they are sent. They should be ready: if taking one fails,
            the
                stream ends early, and services are known to keep what they have got by then
                (pyarrow has no way to cancel a put).
            timeout_s: Longest wait for the result; `write_timeout_s` by default.

        Raises:
            OutcomeUnknownError: The connection broke, the time ran out, or this was closed, after
                data was sent.
            CancelledError: This was closed before.
            UnavailableError: Nobody answers; or the service is too busy, with `status` 429, after
                data was sent: nothing is stored, and the caller may send it again.
            ServiceError: The service refuses; nothing of the call is stored.
        """
        source = _Counted(batches)

        def is_repeated(exc: BaseException) -> bool:
            # A batch that was taken does not come again: the second call would lack it.
            return isinstance(exc, ServiceError) and exc.retryable and not source.taken

        policy = retrying(
            total_s=self._settings.local.connect_timeout_s, cancel=self._closing, when=is_repeated
        )

        def closed() -> Exception:
            what = f"the write-back to {command.project!r}"
            return from_closing(what=what, bytes_sent=source.end())

        return self._puts.run(
            lambda: policy(self._put, command, schema, source, timeout_s),
            name="spanduck-write",
            when_abandoned=closed,
        )

    def close(self) -> None:
        """Close the channel, and wait no longer for writes that are under way. Idempotent."""
        with self._lock:
            client, self._client = self._client, None
            self._closing.set()
        self._puts.abandon()
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get_info(self, command: ExportCommand) -> ExportInfo:
        options = flight.FlightCallOptions(
            timeout=self._settings.local.read_timeout_s, headers=self._headers()
        )
        descriptor = flight.FlightDescriptor.for_command(command.to_json())
        try:
            info = self._connected().get_flight_info(descriptor, options)
            schema = info.schema
        except (pa.ArrowException, OSError, KeyError) as exc:
            raise translated(
                exc,
                f"the export of {command.project!r} in space {command.space!r}",
                where=self._settings.service.flight_location,
                has_filter=bool(command.filter_expression),
                is_read=True,
                secret=self._settings.service.key,
            ) from exc
        endpoints = info.endpoints
        return ExportInfo(
            schema=schema if schema is not None and len(schema) else None,
            total_records=info.total_records,
            ticket=endpoints[0].ticket.ticket if endpoints else None,
        )

    def _put(
        self, command: WriteCommand, schema: pa.Schema, source: _Counted, timeout_s: float | None
    ) -> bytes:
        limit_s = self._settings.local.write_timeout_s if timeout_s is None else timeout_s
        options = flight.FlightCallOptions(timeout=limit_s, headers=self._headers())
        descriptor = flight.FlightDescriptor.for_command(command.to_json())
        writer: Any = None
        try:
            writer, results = self._connected().do_put(descriptor, schema, options)
            for batch in source:
                writer.write_batch(batch)
            writer.done_writing()
            payload = results.read()
            writer.close()
        except (pa.ArrowException, OSError, KeyError) as exc:
            if source.has_failed:
                raise
            raise self._failed_put(exc, writer, command, is_started=source.taken > 0) from exc
        if payload is None:
            raise OutcomeUnknownError(
                f"the service ended the write-back to {command.project!r} without a result",
                next_step="Read the values back to see what it holds.",
            )
        return bytes(payload.to_pybytes())

    # `Any`: a Flight stream writer, which pyarrow does not type.
    def _failed_put(
        self, exc: BaseException, writer: Any, command: WriteCommand, *, is_started: bool
    ) -> Exception:
        cause = exc
        mask(exc, self._settings.service.key)
        if writer is not None:
            # A write fails with "stream closed"; the service's own words come with the close.
            try:
                writer.close()
            except (pa.ArrowException, OSError, KeyError) as told:
                cause = told
        error = translated(
            cause,
            f"the write-back to {command.project!r} in space {command.space!r}",
            where=self._settings.service.flight_location,
            secret=self._settings.service.key,
        )
        if is_started and isinstance(error, UnavailableError) and error.status != TOO_BUSY:
            return OutcomeUnknownError(
                f"{error.message}; data was already sent",
                next_step="Read the values back to see what the service holds.",
            )
        return error

    def _headers(self) -> list[tuple[bytes, bytes]]:
        service = self._settings.service
        try:
            return [*flight_headers(service.key), *extra_headers(service.default_headers)]
        except WireError as exc:
            raise ConfigError(exc.message, next_step=exc.next_step, setting=exc.what) from exc

    def _connected(self) -> Any:
        with self._lock:
            if self._closing.is_set():
                raise ConfigError("the client is closed", next_step="Open another one.")
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        service = self._settings.service
        location = service.flight_location
        connect_ms = int(self._settings.local.connect_timeout_s * 1000)
        # This is also how long gRPC waits for one connection to come about.
        options: list[tuple[str, int]] = [
            *_RECONNECT,
            ("grpc.min_reconnect_backoff_ms", connect_ms),
        ]
        if is_loopback(urlsplit(location).hostname or ""):
            # gRPC would send even these through the proxy that the environment names.
            options.append(("grpc.enable_http_proxy", 0))
        arguments: dict[str, Any] = {"generic_options": options}
        if "tls" in service.flight_scheme:
            arguments["disable_server_verification"] = not service.request_verify
            if service.ssl_ca_cert and service.request_verify:
                arguments["tls_root_certs"] = _root_certificates(service.ssl_ca_cert)
        try:
            return flight.FlightClient(location, **arguments)
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise ConfigError(
                f"{location!r} is no address of a Flight service: {exc}",
                next_step="Check flight_scheme, flight_host and flight_port; a host has no scheme.",
                setting="flight_host",
            ) from exc


class _Counted:
    """An iterator that knows whether anything was taken, and whether taking failed."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.taken = 0
        self.has_failed = False
        self._lock = threading.Lock()
        self._has_ended = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._next()) is not None:
            yield batch

    def end(self) -> int:
        """Give no more batches; return how many were taken."""
        with self._lock:
            self._has_ended = True
            return self.taken

    def _next(self) -> pa.RecordBatch | None:
        with self._lock:
            self.has_failed = True
            if self._has_ended:
                raise CancelledError("the write-back was ended")
            batch = next(self._batches, None)
            self.has_failed = False
            self.taken += batch is not None
            return batch


def is_loopback(host: str) -> bool:
    """Tell whether `host` names this machine without asking anybody."""
    if host.lower() == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _root_certificates(file_name: str) -> bytes:
    try:
        return Path(file_name).read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"the file of CA certificates {file_name!r} cannot be read: {exc.strerror}",
            next_step="Set ssl_ca_cert (ARIZE_SSL_CA_CERT) to a PEM file, or to nothing.",
            setting="ssl_ca_cert",
        ) from exc

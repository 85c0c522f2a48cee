"""The HTTP client behind REST calls: headers, proxies, certificates and time-outs."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

import httpx

from spanduck._transport.abandoning import from_closing
from spanduck._transport.rest_errors import from_status, from_transport
from spanduck._wire import WireError, extra_headers
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from spanduck._config import ServiceSettings, Settings

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1", "[::1]")


# Nothing of a call has left when one of these is raised.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_CONNECTED: Final = ("connect_tcp.complete", "start_tls.complete")


def _nothing_is_written() -> None:
    """Say of a read how much of what it writes was sent."""


class HttpClient:
    """HTTP calls to the service over kept connections. Safe for concurrent calls.

    Opens nothing before the first call. `close` may come at any time, and ends the calls that are
    under way.

    Args:
        settings: Address, key, certificates, proxy and time-outs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        # `Any`: network streams, which httpx does not name.
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self.closing = threading.Event()

    def close(self) -> None:
        """Close every connection; calling it again does nothing."""
        with self._lock:
            self.closing.set()
            client, self._client = self._client, None
            streams = list(self._streams)
        for stream in streams:
            _shut_down(stream)
        if client is not None:
            client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] | None = None,
        params: Mapping[str, str] | None = None,
        wait_s: float | None = None,
        written: Callable[[], int | None] = _nothing_is_written,
        is_once: bool = False,
    ) -> httpx.Response:
        """Make a call, once, and return its answer, which is a success and has been read.

        Args:
            method: HTTP method; a DELETE has a body, too.
            path: Below the service's address.
            what: What is tried, for messages.
            headers: Of this call.
            content: The body.
            params: The query.
            wait_s: Longest wait for the answer; `read_timeout_s` by default.
            written: How many bytes of what the call writes may have left; None of a read.
            is_once: The call must not be repeated once it may have been heard.

        Raises:
            ServiceError: No answer, or one that is no success.
            CancelledError: The client was closed meanwhile.
            ConfigError: The client is closed, or the address is impossible.
        """
        service, local = self._settings.service, self._settings.local
        timeout = httpx.Timeout(
            local.read_timeout_s if wait_s is None else wait_s, connect=local.connect_timeout_s
        )
        client = self._opened()
        try:
            response = client.request(
                method, path, headers=headers, content=content, params=params, timeout=timeout
            )
        except Exception as exc:
            # Of a client that is closed in the midst of a call httpx says all sorts of things.
            if self.closing.is_set():
                raise from_closing(what=what, bytes_sent=_sent(exc, written)) from exc
            if not isinstance(exc, httpx.HTTPError | httpx.InvalidURL):
                raise
            sent = _sent(exc, written) if is_once else None
            raise from_transport(exc, what=what, service=service, bytes_sent=sent) from exc
        if not response.is_success:
            raise from_status(response, what=what, api_key=service.key, is_upload=is_once)
        return response

    def _opened(self) -> httpx.Client:
        with self._lock:
            if self.closing.is_set():
                raise ConfigError("the client is closed", next_step="Open another SpansClient.")
            if self._client is None:
                self._client = open_client(self._settings)
                self._client.event_hooks["request"].append(self._watch)
            return self._client

    def _watch(self, request: httpx.Request) -> None:
        request.extensions["trace"] = self._on_event

    # `Any`: what httpx tells of an event.
    def _on_event(self, name: str, details: Mapping[str, Any]) -> None:
        if not name.endswith(_CONNECTED):
            return
        with self._lock:
            self._streams.add(details["return_value"])
            is_late = self.closing.is_set()
        if is_late:
            _shut_down(details["return_value"])


# Closing a socket does not wake a thread that waits for it; this does.
def _shut_down(stream: Any) -> None:
    connected = stream.get_extra_info("socket")
    if connected is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _sent(exc: Exception, written: Callable[[], int | None]) -> int | None:
    return 0 if isinstance(exc, _NOT_SENT) and written() is not None else written()


def open_client(settings: Settings) -> httpx.Client:
    """Return a client for the service; nothing is contacted yet.

    Calls go through `proxy_url`. Without it they go through the proxies that the environment names
    (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, except for hosts of `NO_PROXY`), but directly where
    the service is on this machine. The server's certificate must be of a CA of `ssl_ca_cert`, or of
    one that the system trusts, unless `request_verify` is off.

    Raises:
        ConfigError: A header, the proxy or the file of certificates is impossible.
    """
    service, local = settings.service, settings.local
    try:
        extra = extra_headers(service.default_headers)
    except WireError as exc:
        raise ConfigError(exc.message, next_step=exc.next_step, setting=exc.what) from exc
    verification = _verification(service)
    host = httpx.URL(service.rest_url).host
    try:
        return httpx.Client(
            base_url=service.rest_url,
            headers=[(b"accept", b"application/json"), *extra],
            timeout=httpx.Timeout(local.read_timeout_s, connect=local.connect_timeout_s),
            verify=verification,
            proxy=service.proxy_url or None,
            # The proxies of the environment, unless one is set or the service is on this
            # machine.
            trust_env=not service.proxy_url and host not in _LOOPBACK,
            follow_redirects=False,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        # Not chained: the proxy's address may hold a password.
        raise ConfigError(
            f"{service.rest_url} cannot be reached through the proxy that is set",
            next_step="Check proxy_url (ARIZE_PROXY_URL), or HTTP_PROXY, HTTPS_PROXY and"
            " ALL_PROXY: a URL of http or https.",
            setting="proxy_url",
        ) from None


def _verification(service: ServiceSettings) -> ssl.SSLContext | bool:
    if service.api_scheme == "http" or not service.request_verify:
        # A context takes a tenth of a second to load its certificates.
        return False
    if not service.ssl_ca_cert:
        return True
    try:
        return ssl.create_default_context(cafile=service.ssl_ca_cert)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"cannot read the CA certificates in {service.ssl_ca_cert!r}: {exc}",
            next_step="Check ssl_ca_cert (ARIZE_SSL_CA_CERT, REQUESTS_CA_BUNDLE, SSL_CERT_FILE).",
            setting="ssl_ca_cert",
        ) from exc

"""The HTTP client behind REST calls: headers, proxies, certificates and time-outs."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import httpx

from spanduck._wire import WireError, extra_headers
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from spanduck._config import ServiceSettings, Settings

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1", "[::1]")


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

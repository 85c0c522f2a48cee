"""Failures of REST calls, translated to our error tree."""

from __future__ import annotations

import dataclasses
import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from spanduck._wire import ProblemDocument, WireError
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    Error,
    OutcomeUnknownError,
    RejectedError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from spanduck._config import ServiceSettings

_MASK: Final = "***"
_LONGEST_QUOTE: Final = 500
_PAGE_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_REPEATABLE_READS: Final = frozenset({408, 429, 500, 502, 503, 504})
# The service says itself that it did nothing.
_REPEATABLE_UPLOADS: Final = frozenset({429, 503})
# Somebody on the way gave up, or the service broke while it worked: it may have stored the data
# all the same.
_OUTCOME_UNKNOWN: Final = frozenset({408, 500, 502, 504})
_RESEND: Final = "Look whether the data is there before sending it again."


def from_status(
    response: httpx.Response, *, what: str, api_key: str, is_upload: bool = False
) -> ServiceError:
    """Return the error of an answer that is no success; its body must have been read.

    Args:
        response: The answer.
        what: What was tried, such as `listing spaces`.
        api_key: Masked should the service have quoted it.
        is_upload: Whether data was sent, which narrows what may be repeated.
    """
    status = response.status_code
    problem, said = _words(response, api_key)
    request_id = response.headers.get("x-request-id", "")
    if problem is not None and problem.request_id:
        request_id = problem.request_id
    message = f"{what} failed: {status} {response.reason_phrase}".rstrip()
    if said:
        message = f"{message}: {said}"
    retryable = status in (_REPEATABLE_UPLOADS if is_upload else _REPEATABLE_READS)
    retry_after_s = _retry_after_s(response)
    kind: type[ServiceError]
    if status in (401, 403):
        kind, next_step = AuthenticationError, _check_key(status)
    elif status == 404:
        kind, next_step = UnknownProjectError, "Check the space and the project."
        if problem is None:
            # The service itself answers with a problem document.
            next_step = "Check api_host and api_port, then the space and the project."
    elif is_upload and status in _OUTCOME_UNKNOWN:
        kind, next_step = OutcomeUnknownError, _RESEND
    elif retryable:
        kind, next_step = UnavailableError, _try_again(retry_after_s)
    elif 300 <= status < 400:
        target = response.headers.get("location", "another address")
        kind = RejectedError
        next_step = f"The service points to {target}: check api_host and api_scheme."
    else:
        kind, next_step = RejectedError, ""
    return kind(
        message,
        next_step=next_step,
        status=status,
        request_id=request_id.replace(api_key, _MASK) or None,
        retryable=retryable,
        retry_after_s=retry_after_s,
        problem=problem,
    )


def from_transport(
    exc: httpx.HTTPError | httpx.InvalidURL,
    *,
    what: str,
    service: ServiceSettings,
    bytes_sent: int | None = None,
) -> Error:
    """Return the error of a call that brought no answer.

    Args:
        exc: What httpx raised.
        what: What was tried.
        service: Whose address is named in the message.
        bytes_sent: Bytes of an upload's body that had left; None for a read.
    """
    reason = str(exc) or type(exc).__name__
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ConfigError(
            f"{what} is impossible at {service.rest_url}: {reason}",
            next_step="Check api_scheme, api_host, api_port, proxy_url and default_headers.",
            setting="api_host",
        )
    if bytes_sent:
        return OutcomeUnknownError(
            f"{what}: the connection to {service.rest_url} broke after {bytes_sent:,} bytes were "
            f"sent ({reason}), so it is not known whether they were stored",
            next_step=_RESEND,
        )
    return _unreached(exc, what, service.rest_url, reason)


def _unreached(
    exc: httpx.HTTPError | httpx.InvalidURL, what: str, url: str, reason: str
) -> UnavailableError:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return UnavailableError(
            f"{what} failed: the certificate of {url} is not trusted ({reason})",
            next_step="Name its CA in ssl_ca_cert, or set request_verify to false.",
        )
    if isinstance(exc, httpx.ProxyError):
        return UnavailableError(
            f"{what} failed: the proxy on the way to {url} refuses ({reason})",
            next_step="Check proxy_url (ARIZE_PROXY_URL), or HTTP_PROXY, HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(exc, httpx.ConnectTimeout):
        return UnavailableError(
            f"{what} failed: {url} accepted no connection in time",
            next_step="Check api_host, api_port and the network, or raise connect_timeout_s.",
            retryable=True,
        )
    if isinstance(exc, httpx.TimeoutException):
        return UnavailableError(
            f"{what} failed: {url} did not answer in time",
            next_step="Try again, or raise read_timeout_s.",
            retryable=True,
        )
    return UnavailableError(
        f"{what} failed: cannot reach {url} ({reason})",
        next_step="Check api_scheme, api_host, api_port and the network.",
        retryable=True,
    )


def _words(response: httpx.Response, api_key: str) -> tuple[ProblemDocument | None, str]:
    """Return the problem document of an answer, if it is one, and what its body says in words."""
    text = response.text.strip()
    try:
        problem = ProblemDocument.from_json(response.content)
    except WireError:
        # Not everything between us and the service speaks problem documents.
        return None, _quote(_masked(text, api_key))
    members = {item.name: getattr(problem, item.name) for item in dataclasses.fields(problem)}
    problem = ProblemDocument(**_masked(members, api_key))
    said = problem.detail or problem.title
    for member in ("message", "error"):
        other = problem.extras.get(member)
        said = said or (other if isinstance(other, str) else "")
    return problem, said or _quote(_masked(text.removeprefix("{}"), api_key))


# `Any`: members of a JSON document.
def _masked(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return value.replace(secret, _MASK)
    if isinstance(value, list):
        return [_masked(item, secret) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, secret) for name, item in value.items()}
    return value


def _quote(text: str) -> str:
    if text.startswith("<"):
        # A page is for a browser; its title says what it is.
        title = _PAGE_TITLE.search(text)
        text = " ".join(html.unescape(title[1]).split()) if title else ""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"


def _try_again(retry_after_s: float | None) -> str:
    if not retry_after_s:
        return "Try again later."
    return f"Try again in {retry_after_s:,.0f} s, as the service asks."


def _check_key(status: int) -> str:
    if status == 403:
        return "The key is known but not allowed to do this: check its role and the space."
    return "Check ARIZE_API_KEY (api_key under [service] in spanduck.toml)."


def _retry_after_s(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

"""Flight's errors in our words."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa
from pyarrow import flight  # noqa: TID251 - part of flight.py

from spanduck.exceptions import (
    AuthenticationError,
    FilterError,
    RejectedError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

TOO_BUSY: Final = 429
"""The HTTP status that says what gRPC's RESOURCE_EXHAUSTED does: nothing was done, come back."""
_MASK: Final = "***"
_CERTIFICATE: Final = re.compile("certificate.verify.failed", re.IGNORECASE)
_PREFIX: Final = re.compile(
    r"^(?:Unknown: )?(?:Flight|gRPC) (?:returned [\w -]+ error,|cancelled call,|RPC failed)"
    r" with message: "
)
# pyarrow appends "Detail: <code>", after which a Python server's traceback may follow, and gRPC its
# own context.
_SUFFIX: Final = re.compile(
    r"(?:\.\s+|\s+)(?:Detail: |gRPC client debug context|Client context).*$", re.DOTALL
)


def translated(
    exc: BaseException,
    doing: str,
    *,
    where: str = "",
    has_filter: bool = False,
    is_read: bool = False,
    secret: str = "",
) -> ServiceError | FilterError:
    """Return our error for one of Flight's; the most specific class wins.

    Args:
        exc: What pyarrow raised.
        doing: What failed, such as `the export of 'my-llm-app'`.
        where: The address, for the message of an unreachable service.
        has_filter: Whether the call carried a filter text.
        is_read: Whether the call changes nothing, so that it may be repeated after a time-out.
        secret: Masked should the service have quoted it, in `exc` too, which is shown as the cause.
    """
    mask(exc, secret)
    said = service_words(exc)
    place = f" at {where}" if where else ""
    if isinstance(exc, flight.FlightUnauthenticatedError | flight.FlightUnauthorizedError):
        return AuthenticationError(
            f"the service{place} refuses the key: {said}",
            next_step="Check ARIZE_API_KEY, and that the key may read this space.",
        )
    unavailable = _unavailable(exc, doing, place, said, is_read=is_read)
    if unavailable is not None:
        return unavailable
    if isinstance(exc, flight.FlightCancelledError):
        return ServiceError(f"{doing} was cancelled by the service{place}: {said}")
    if isinstance(exc, KeyError):
        return UnknownProjectError(f"{doing} failed: {said}")
    if isinstance(exc, pa.ArrowInvalid):
        if has_filter:
            return FilterError(f"{doing} failed: {said}")
        return RejectedError(f"the service refuses {doing}: {said}")
    if isinstance(exc, pa.ArrowNotImplementedError):
        return RejectedError(f"the service cannot do {doing}: {said}")
    return ServiceError(f"{doing} failed: {said}")


def _unavailable(
    exc: BaseException, doing: str, place: str, said: str, *, is_read: bool
) -> UnavailableError | None:
    if isinstance(exc, flight.FlightTimedOutError):
        return UnavailableError(
            f"{doing} was not answered in time{place}: {said}",
            next_step="Try again later, or raise SPANDUCK_READ_TIMEOUT_S.",
            retryable=is_read,
        )
    if isinstance(exc, flight.FlightUnavailableError):
        return UnavailableError(
            f"{doing} failed, nobody answers{place}: {said}",
            next_step=_how_to_reach(said),
            retryable=not _CERTIFICATE.search(said),
        )
    if _is_too_busy(exc):
        return UnavailableError(
            f"{doing} failed, the service does no more now{place}: {said}",
            next_step="Try again later.",
            status=TOO_BUSY,
            retryable=True,
        )
    return None


def mask(exc: BaseException, secret: str) -> None:
    """Take a secret out of the text of an exception."""
    if secret:
        exc.args = tuple(
            arg.replace(secret, _MASK) if isinstance(arg, str) else arg for arg in exc.args
        )


def _how_to_reach(said: str) -> str:
    if _CERTIFICATE.search(said):
        return "Name the CA of its certificate in ssl_ca_cert, or set request_verify to false."
    if "andshake" in said or "WRONG_VERSION_NUMBER" in said:
        return "If the service speaks without TLS, set ARIZE_FLIGHT_SCHEME to grpc+tcp."
    return "Check ARIZE_FLIGHT_HOST and ARIZE_FLIGHT_PORT, and that the service is up."


def _is_too_busy(exc: BaseException) -> bool:
    # Arrow knows no such status, and makes it one of wrong arguments; only the words tell. gRPC
    # gives the same one to a message that is too large, which is no smaller the next time.
    raw = str(exc)
    return "returned resource exhausted error" in raw and "larger than max" not in raw


def service_words(exc: BaseException) -> str:
    """Return what the service said, without the wrapping of gRPC and Arrow."""
    raw = str(exc.args[0]) if exc.args else str(exc)
    said = _SUFFIX.sub("", _PREFIX.sub("", raw)).strip()
    if isinstance(exc, KeyError) and len(said) > 1 and said[0] == said[-1] and said[0] in "'\"":
        # A Python server's KeyError arrives as its repr.
        said = said[1:-1]
    return said.rstrip(".") or type(exc).__name__

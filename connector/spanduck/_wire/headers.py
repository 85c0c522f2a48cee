"""Headers of the three surfaces, both as a client sends them and as a server reads them.

The key travels in three shapes: `Authorization: Bearer <key>` on REST, `authorization: <key>` on
the upload, and the key's UTF-8 bytes as `auth-token-bin` on Flight. No error here repeats a key.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck._version import __version__
from spanduck._wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGIN: Final = "spanduck-client"
SPACE_HEADER: Final = "arize-space-id"
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN_BYTES: Final = frozenset(b"\r\n\0")
_GATEWAY_PREFIX: Final = "grpc-metadata-"
_OWN_NAMES: Final = frozenset(
    {"authorization", "origin", "auth-token-bin", "sdk-language", "language-version"}
    | {"sdk-version", "sdk-package-name"}
)


def identity_headers() -> dict[str, str]:
    """Return the four headers that name the client on every call."""
    return {
        "sdk-language": "python",
        "language-version": platform.python_version(),
        "sdk-version": __version__,
        "sdk-package-name": "spanduck",
    }


def rest_headers(api_key: str) -> dict[str, str]:
    """Return the headers of a call to `/v2/…`.

    Raises:
        WireError: The key cannot be sent in a header.
    """
    return {**identity_headers(), "Authorization": f"Bearer {_header_key(api_key)}"}


def upload_headers(api_key: str, space: str, rows: int) -> dict[str, str]:
    """Return the headers of an upload, which has no `Content-Type`.

    Args:
        api_key: Sent as it is, without `Bearer`.
        space: Id or name of the space. A name that is not plain ASCII must be given as its id.
        rows: Spans in the body, before evaluations are joined to them.

    Raises:
        WireError: The key or the space cannot be sent in a header.
    """
    if not (space.isascii() and space.isprintable()):
        raise WireError(
            f"the space {space!r} cannot be sent in a header",
            next_step="Use the id of the space instead of its name.",
            what=SPACE_HEADER,
        )
    return {
        **identity_headers(),
        "authorization": _header_key(api_key),
        SPACE_HEADER: space,
        "arize-interface": "batch",
        "number-of-rows": str(rows),
    }


def flight_headers(api_key: str) -> list[tuple[bytes, bytes]]:
    """Return the metadata of every Flight call; gRPC itself encodes `auth-token-bin`."""
    headers = {**identity_headers(), "origin": ORIGIN}
    return [
        (b"auth-token-bin", api_key.encode()),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]


def extra_headers(given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers that are added to every call, with lower-case names, as Flight wants them.

    Raises:
        WireError: A name or a value cannot be sent, or the name is one of the client's own. Values
            are not repeated: they may be secret.
    """
    headers: list[tuple[bytes, bytes]] = []
    for name, value in given.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lower.startswith(_GATEWAY_PREFIX):
            raise _bad_header(f"the header name {name!r} cannot be sent")
        if lower in _OWN_NAMES:
            raise _bad_header(f"the header {name!r} is set by spanduck itself")
        try:
            encoded = value.encode("latin-1")
        except UnicodeEncodeError:
            raise _bad_header(f"the value of the header {name!r} is not Latin-1") from None
        if set(encoded) & _FORBIDDEN_BYTES:
            raise _bad_header(f"the value of the header {name!r} holds a line end or a zero byte")
        headers.append((lower.encode(), encoded))
    return headers


def _bad_header(message: str) -> WireError:
    return WireError(
        message,
        next_step="Mend default_headers: plain names, values of one line.",
        what="default_headers",
    )


def read_bearer(value: str | bytes | None) -> str | None:
    """Return the key of an `authorization` value, with or without `Bearer`."""
    if value is None:
        return None
    text = _text(value)
    if text is None:
        return None
    scheme, _, rest = text.strip().partition(" ")
    key = rest.strip() if scheme.lower() == "bearer" else text.strip()
    return key or None


# `object` as a value: starlette gives text, Flight's middleware a list of text or bytes.
def read_api_key(headers: Mapping[str, object]) -> str | None:
    """Return the key of a call in whichever of the three shapes it came; None when there is none.

    Args:
        headers: Names in any letter case; each value text, bytes, or a list of them, of which the
            first counts.
    """
    token = _first(headers, "auth-token-bin")
    if token is not None:
        return _text(token) or None
    return read_bearer(_first(headers, "authorization"))


@dataclass(frozen=True)
class ClientIdentity:
    """Who calls, as the identity headers say; empty where a header is absent.

    Attributes:
        package: `arize` for the vendor's SDK. Only then does `version` say what answers it
            understands.
        version: The client's own version, as sent.
        language: The language of the client.
        language_version: The version of that language.
    """

    package: str = ""
    version: str = ""
    language: str = ""
    language_version: str = ""

    def is_vendor_sdk_up_to(self, version: str) -> bool:
        """Tell whether the caller is the vendor's SDK of this version or an older one.

        False for other clients and for versions that are not numbers with dots.
        """
        if self.package != "arize":
            return False
        mine, limit = _release(self.version), _release(version)
        return mine is not None and limit is not None and mine <= limit


def read_identity(headers: Mapping[str, object]) -> ClientIdentity:
    """Return who calls. Names and values as in `read_api_key`."""

    def text(name: str) -> str:
        value = _first(headers, name)
        return "" if value is None else _text(value) or ""

    return ClientIdentity(
        package=text("sdk-package-name"),
        version=text("sdk-version"),
        language=text("sdk-language"),
        language_version=text("language-version"),
    )


def _header_key(api_key: str) -> str:
    # Refused here, where the value can be kept out of the message: HTTP libraries quote what they
    # refuse.
    if not api_key or not all("!" <= char <= "~" for char in api_key):
        raise WireError(
            "the API key is empty or holds a character that cannot be sent in a header",
            next_step="Look for white space or a line end around it.",
            what="api_key",
        )
    return api_key


def _first(headers: Mapping[str, object], name: str) -> str | bytes | None:
    for key, value in headers.items():
        if key.lower() != name:
            continue
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(first, (str, bytes)):
            return first
    return None


def _text(value: str | bytes) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _release(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None

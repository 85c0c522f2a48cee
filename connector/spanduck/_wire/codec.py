"""From protobuf messages to their JSON and binary forms and back, with one kind of error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from spanduck._wire.errors import WireError

if TYPE_CHECKING:
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")


def to_json(message: Message) -> bytes:
    """Encode as proto3 JSON: two spaces, camelCase, default values left out."""
    return json_format.MessageToJson(message, indent=2).encode()


def parse_json_object(data: bytes, *, what: str) -> dict[str, Any]:
    """Return the JSON object in `data`; its values are whatever the sender wrote, hence `Any`.

    Raises:
        WireError: Not UTF-8, not JSON, nested too deeply, or not an object.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as exc:
        message = f"the {what} is not JSON: {_reason(exc)}"
        raise WireError(message, what=what) from exc
    if not isinstance(parsed, dict):
        raise WireError(
            f"the {what} is JSON of type {type(parsed).__name__}, not an object", what=what
        )
    return parsed


def from_json(data: bytes, message: M, *, what: str) -> M:
    """Fill a message from proto3 JSON and return it.

    Both spellings of a field name, and numbers or texts for int64, are accepted; unknown fields are
    ignored.

    Raises:
        WireError: Not a JSON object, or a field has a value of another type.
    """
    parsed = parse_json_object(data, what=what)
    try:
        return json_format.ParseDict(parsed, message, ignore_unknown_fields=True)
    except (json_format.Error, ValueError, TypeError, AttributeError, RecursionError) as exc:
        # The library lets Python's own errors through where a value has an impossible shape (a list
        # for a message, a lone surrogate in a string), so more than its own error class is caught
        # here.
        raise WireError(f"the {what} is malformed: {_reason(exc)}", what=what) from exc


def from_bytes(data: bytes, message: M, *, what: str) -> M:
    """Fill a message from its binary form and return it.

    Raises:
        WireError: The bytes are no such message.
    """
    try:
        message.ParseFromString(bytes(data))
    except (DecodeError, ValueError) as exc:
        # The pure-Python runtime lets the UnicodeDecodeError of a text field through.
        raise WireError(f"the {what} is malformed: {_reason(exc)}", what=what) from exc
    return message


def set_text(message: Message, field: str, value: str, *, what: str) -> None:
    """Set a string field, naming the field when the text cannot be encoded (a lone surrogate)."""
    try:
        setattr(message, field, value)
    except ValueError as exc:
        raise WireError(
            f"the {field} of the {what} is no valid Unicode text: {value!r}", what=field
        ) from exc


def _reason(exc: Exception) -> str:
    # Messages of the parsers can quote the whole input; a line of it is enough for a person.
    text = " ".join(str(exc).split()) or type(exc).__name__
    return text if len(text) <= 300 else f"{text[:299]}…"

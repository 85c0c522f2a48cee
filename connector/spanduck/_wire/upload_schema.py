"""The project that Arrow rows belong to, as the metadata of their schema carries it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from spanduck._wire import codec
from spanduck._wire.descriptors import enum_name, enum_number, message_class
from spanduck._wire.errors import WireError

UPLOAD_SCHEMA_KEY: Final = b"arize-schema"

_WHAT: Final = "arize-schema metadata"
_Schema: Final = message_class("Schema")


@dataclass(frozen=True)
class UploadSchema:
    """What the `arize-schema` metadata of an upload says.

    Attributes:
        project: Name of the project; empty when the sender gave none.
        environment: `TRACING` for spans.
        model_type: `GENERATIVE_LLM` for spans.
        content: What the rows are, by the protocol's field name: `arize_spans` for spans and for
            evaluations sent over HTTP; empty when nothing was said.
    """

    project: str
    environment: str
    model_type: str
    content: str = "arize_spans"


def upload_schema_text(project: str) -> bytes:
    """Return the base64 text for Arrow schema metadata under `arize-schema`.

    Raises:
        WireError: The project's name is no valid Unicode text.
    """
    message = _Schema()
    codec.set_text(message.constants, "model_id", project, what=_WHAT)
    message.constants.environment = enum_number("SchemaEnvironment", "TRACING")
    message.constants.model_type = enum_number("ModelType", "GENERATIVE_LLM")
    message.arize_spans.SetInParent()
    return base64.b64encode(message.SerializeToString())


def read_upload_schema(text: bytes) -> UploadSchema:
    """Decode the value of the Arrow schema metadata key `arize-schema`.

    Raises:
        WireError: Not strict base64, not the message, or a message without its constants.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise WireError(f"the {_WHAT} is not base64: {exc}", what=_WHAT) from exc
    message = codec.from_bytes(data, _Schema(), what=_WHAT)
    if not message.HasField("constants"):
        # Random bytes are often a valid message of unknown fields.
        raise WireError(f"the {_WHAT} names no project", what=_WHAT)
    constants = message.constants
    return UploadSchema(
        project=constants.model_id,
        environment=enum_name("SchemaEnvironment", constants.environment),
        model_type=enum_name("ModelType", constants.model_type),
        content=message.WhichOneof("choice") or "",
    )

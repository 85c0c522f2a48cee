"""The wire protocol: commands, results, headers and REST bodies, encoded and decoded.

Shared by the client side and the embedded server, and the only thing they share. Nothing here opens
a socket.
"""

from spanduck._wire.commands import ExportCommand, WriteCommand, WriteKind
from spanduck._wire.errors import WireError
from spanduck._wire.headers import (
    ORIGIN,
    SPACE_HEADER,
    ClientIdentity,
    flight_headers,
    identity_headers,
    read_api_key,
    read_bearer,
    read_identity,
    rest_headers,
    upload_headers,
)
from spanduck._wire.ids import is_id, make_id
from spanduck._wire.problem import PROBLEM_CONTENT_TYPE, ProblemDocument
from spanduck._wire.rest import Pagination, Project, ProjectsPage, Space, SpacesPage
from spanduck._wire.results import MetadataResult, UpdateResult
from spanduck._wire.trailer import (
    JSON_VALID,
    JSON_VALID_FIELD_KEY,
    NAN_FIELD_KEY,
    NAN_STORED,
    Trailer,
)
from spanduck._wire.upload_schema import (
    UPLOAD_SCHEMA_KEY,
    UploadSchema,
    read_upload_schema,
    upload_schema_text,
)

__all__ = [
    "JSON_VALID",
    "JSON_VALID_FIELD_KEY",
    "NAN_FIELD_KEY",
    "NAN_STORED",
    "ORIGIN",
    "PROBLEM_CONTENT_TYPE",
    "SPACE_HEADER",
    "UPLOAD_SCHEMA_KEY",
    "ClientIdentity",
    "ExportCommand",
    "MetadataResult",
    "Pagination",
    "ProblemDocument",
    "Project",
    "ProjectsPage",
    "Space",
    "SpacesPage",
    "Trailer",
    "UpdateResult",
    "UploadSchema",
    "WireError",
    "WriteCommand",
    "WriteKind",
    "flight_headers",
    "identity_headers",
    "is_id",
    "make_id",
    "read_api_key",
    "read_bearer",
    "read_identity",
    "read_upload_schema",
    "rest_headers",
    "upload_headers",
    "upload_schema_text",
]

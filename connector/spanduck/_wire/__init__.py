"""The wire protocol: commands, results, headers and REST bodies, encoded and decoded.

Shared by the client side and the embedded server, and the only thing they share. Nothing here opens
a socket.
"""

from spanduck._wire.annotation import (
    ANNOTATE_LIMIT,
    SESSIONS_LIMIT,
    AnnotateRequest,
    Granularity,
)
from spanduck._wire.annotation_configs import (
    CONFIG_TYPE_BY_CLASS,
    CONFIGS_LIMIT,
    DEFAULT_CONFIGS_LIMIT,
    OPTIMIZATION_DIRECTIONS,
    config_body,
    read_config,
    read_configs_page,
)
from spanduck._wire.commands import ExportCommand, WriteCommand, WriteKind
from spanduck._wire.deletion import (
    DELETE_LIMIT,
    DeleteRequest,
    DeleteResult,
    names_deleted_spans,
)
from spanduck._wire.errors import WireError
from spanduck._wire.headers import (
    ORIGIN,
    SPACE_HEADER,
    ClientIdentity,
    extra_headers,
    flight_headers,
    identity_headers,
    read_api_key,
    read_bearer,
    read_identity,
    rest_headers,
    upload_headers,
)
from spanduck._wire.ids import is_id, make_id
from spanduck._wire.listing import (
    DEFAULT_LIST_LIMIT,
    DEFAULT_TRACES_LIMIT,
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    SPAN_KINDS,
    STATUS_CODES,
    TRACES_LIMIT,
    ListRequest,
    read_spans_page,
    read_traces_page,
    time_text,
)
from spanduck._wire.problem import PROBLEM_CONTENT_TYPE, ProblemDocument
from spanduck._wire.rest import Pagination, Project, ProjectsPage, Space, SpacesPage
from spanduck._wire.results import PATCH_DOCUMENT, MetadataResult, UpdateResult
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
    "ANNOTATE_LIMIT",
    "CONFIGS_LIMIT",
    "CONFIG_TYPE_BY_CLASS",
    "DEFAULT_CONFIGS_LIMIT",
    "DEFAULT_LIST_LIMIT",
    "DEFAULT_TRACES_LIMIT",
    "DELETE_LIMIT",
    "JSON_VALID",
    "JSON_VALID_FIELD_KEY",
    "LIST_COLUMNS_LIMIT",
    "LIST_LIMIT",
    "NAN_FIELD_KEY",
    "NAN_STORED",
    "OPTIMIZATION_DIRECTIONS",
    "ORIGIN",
    "PATCH_DOCUMENT",
    "PROBLEM_CONTENT_TYPE",
    "SESSIONS_LIMIT",
    "SPACE_HEADER",
    "SPAN_KINDS",
    "STATUS_CODES",
    "TRACES_LIMIT",
    "UPLOAD_SCHEMA_KEY",
    "AnnotateRequest",
    "ClientIdentity",
    "DeleteRequest",
    "DeleteResult",
    "ExportCommand",
    "Granularity",
    "ListRequest",
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
    "config_body",
    "extra_headers",
    "flight_headers",
    "identity_headers",
    "is_id",
    "make_id",
    "names_deleted_spans",
    "read_api_key",
    "read_bearer",
    "read_config",
    "read_configs_page",
    "read_identity",
    "read_spans_page",
    "read_traces_page",
    "read_upload_schema",
    "rest_headers",
    "time_text",
    "upload_headers",
    "upload_schema_text",
]

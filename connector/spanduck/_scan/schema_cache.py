"""The wire schema of a project: asked once, and remembered for a while."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pyarrow as pa

from spanduck._scan.stream import open_stream
from spanduck._transport.flight import is_loopback
from spanduck._wire import ExportCommand
from spanduck_sql.language.columns import StoredKind, stored_kind
from spanduck_sql.plan import WIRE_NAME_KEY
from spanduck_sql.schema import CORE_TYPES, WIRE_TIME, order_columns, sql_names, sql_type
from spanduck_sql.targets import NAN_FIELD_KEY, WIRE_KIND_KEY

if TYPE_CHECKING:
    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport

_FOLDER: Final = "schemas"
_MOST_REMEMBERED: Final = 1_000
_SAVED_AT_KEY: Final = b"spanduck.saved_at"
_ROWS_KEY: Final = b"spanduck.rows"

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class ProjectSchema:
    """What is known of a project's columns.

    Attributes:
        wire: Schema of an export without window, filter and columns.
        declared: SQL names and types in the order of `SELECT *`; see `declared_schema`.
        rows: Rows at the time of asking; negative when unknown.
    """

    wire: pa.Schema
    declared: pa.Schema
    rows: int


@dataclass(frozen=True)
class _Entry:
    schema: ProjectSchema
    saved_at: float


_lock = threading.Lock()
_entries: dict[_Key, _Entry] = {}


def project_schema(
    settings: Settings, transport: FlightTransport, *, space: str, project: str
) -> ProjectSchema:
    """Return the schema of a project: at most one look-up, and one stream whose head alone is read.

    Remembered for `schema_ttl_s`, except on a server of this machine, which is asked every time.

    Raises:
        UnknownProjectError: The service has no such project.
        ServiceError: It cannot be asked.
    """
    key = (settings.service.flight_location, space, project)
    is_remembered = settings.local.schema_ttl_s > 0 and not _is_local(key[0])
    path = _path(settings.local.home, key)
    if is_remembered:
        entry = _recall(key, path)
        if entry is not None and _age_s(entry) < settings.local.schema_ttl_s:
            return entry.schema
    schema = _ask(settings, transport, space=space, project=project)
    if is_remembered:
        _remember(key, path, _Entry(schema, time.time()))
    return schema


def drop(service: str, space: str, project: str, *, home: Path | None = None) -> None:
    """Forget a project's schema, because it may have changed.

    Args:
        service: `settings.service.flight_location`.
        space: As it was given.
        project: As it was given.
        home: The local folder, where it is forgotten as well.
    """
    key = (service, space, project)
    with _lock:
        _entries.pop(key, None)
    if home is not None:
        with contextlib.suppress(OSError):
            _path(home, key).unlink()


def declared_schema(wire: pa.Schema) -> pa.Schema:
    """Return the SQL schema of a wire schema, in the order of `SELECT *`, core columns included.

    A field whose SQL name differs from its name on the wire carries the latter (`WIRE_NAME_KEY`),
    one whose values are converted the wire's kind (`WIRE_KIND_KEY`), and one that may hold NaN the
    wire's mark (`NAN_FIELD_KEY`).
    """
    type_by_name: dict[str, pa.DataType] = {}
    for name in CORE_TYPES:
        if wire.get_field_index(name) < 0:
            type_by_name[name] = pa.null()
    nan_by_name: dict[str, bytes] = {}
    for item in wire:
        if item.name != WIRE_TIME:
            type_by_name.setdefault(item.name, item.type)
            if item.metadata and NAN_FIELD_KEY in item.metadata:
                nan_by_name.setdefault(item.name, item.metadata[NAN_FIELD_KEY])
    sql_by_wire = sql_names(tuple(type_by_name))
    fields = []
    for name in order_columns(type_by_name):
        sql_name = sql_by_wire[name]
        kind = sql_type(name, type_by_name[name])
        metadata = _wire_kind(type_by_name[name], kind)
        if sql_name != name:
            metadata[WIRE_NAME_KEY] = name.encode()
        if name in nan_by_name:
            metadata[NAN_FIELD_KEY] = nan_by_name[name]
        fields.append(pa.field(sql_name, kind, metadata=metadata or None))
    return pa.schema(fields)


# What the service compares is what it holds: of another kind, a filter on the column may lose rows.
def _wire_kind(wire: pa.DataType, sql: pa.DataType) -> dict[bytes, bytes]:
    while pa.types.is_dictionary(wire):
        wire = wire.value_type
    kind = stored_kind(wire)
    if pa.types.is_decimal(wire) or (pa.types.is_floating(wire) and wire.bit_width < 64):
        kind = StoredKind.OTHER  # a constant is rounded before it is compared with these
    elif pa.types.is_null(wire) or kind is stored_kind(sql):
        return {}
    return {WIRE_KIND_KEY: kind.encode()}


def _ask(
    settings: Settings, transport: FlightTransport, *, space: str, project: str
) -> ProjectSchema:
    command = ExportCommand(space=space, project=project)
    info = transport.get_info(command)
    if info.schema is not None:
        wire = info.schema
    elif info.total_records == 0 and info.ticket is None:
        wire = pa.schema([])
    else:
        with open_stream(
            transport,
            command,
            completeness=settings.local.completeness,
            read_timeout_s=settings.local.read_timeout_s,
            info=info,
        ) as stream:
            wire = stream.schema
    return ProjectSchema(wire, declared_schema(wire), info.total_records)


# A server of this machine is the embedded one, or a tunnel, where asking costs little.
def _is_local(service: str) -> bool:
    return is_loopback(urlsplit(service).hostname or "")


def _age_s(entry: _Entry) -> float:
    # A clock that went back must not keep an entry for ever.
    return abs(time.time() - entry.saved_at)


def _path(home: Path, key: _Key) -> Path:
    digest = hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()
    return home / _FOLDER / f"{digest[:32]}.arrow"


def _recall(key: _Key, path: Path) -> _Entry | None:
    with _lock:
        entry = _entries.get(key)
    return entry if entry is not None else _read(path)


def _remember(key: _Key, path: Path, entry: _Entry) -> None:
    with _lock:
        if len(_entries) >= _MOST_REMEMBERED:
            del _entries[next(iter(_entries))]
        _entries[key] = entry
    with contextlib.suppress(OSError):  # a folder that cannot be written costs a look-up, no more
        _write(path, entry)


def _read(path: Path) -> _Entry | None:
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(path.read_bytes()))
        metadata = dict(schema.metadata or {})
        saved_at = float(metadata.pop(_SAVED_AT_KEY))
        rows = int(metadata.pop(_ROWS_KEY))
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None  # absent, or not ours: it is asked again
    wire = schema.with_metadata(metadata or None)
    return _Entry(ProjectSchema(wire, declared_schema(wire), rows), saved_at)


def _write(path: Path, entry: _Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = entry.schema.wire.with_metadata(
        {
            **(entry.schema.wire.metadata or {}),
            _SAVED_AT_KEY: repr(entry.saved_at).encode(),
            _ROWS_KEY: str(entry.schema.rows).encode(),
        }
    )
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(marked.serialize().to_pybytes())
    Path(temporary).replace(path)

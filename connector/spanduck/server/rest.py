"""The REST half of the server: a route for each call, and how errors are told."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
import duckdb
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanduck._version import __version__
from spanduck._wire import (
    PROBLEM_CONTENT_TYPE,
    SPACE_HEADER,
    ProblemDocument,
    ProjectsPage,
    SpacesPage,
    WireError,
    read_api_key,
    read_identity,
)
from spanduck.server import annotate, catalogue, deletion, projects
from spanduck.server.config_routes import ConfigRoutes
from spanduck.server.errors import (
    NotFoundError,
    NotSupportedError,
    RequestError,
    UnauthenticatedError,
)
from spanduck.server.list_items import Audience
from spanduck.server.list_query import read_spans_query, read_traces_query
from spanduck.server.list_traces import list_traces
from spanduck.server.listing import list_spans
from spanduck.server.read_ahead import ReadAhead
from spanduck.server.rest_requests import cut_page, json_object, name_filter, required_text
from spanduck.server.upload import store_upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from spanduck.server.activity import Activity
    from spanduck.server.rewrite import Rewriter
    from spanduck.server.snapshots import Snapshots
    from spanduck.server.store import Store

_log: Final = logging.getLogger(__name__)

_WRITE_BYTES: Final = 4 << 20
# Uploads wait for each other at the store's lock. Waiting in the common pool of threads, forty of
# them would leave none for anybody else.
_UPLOAD_THREADS: Final = 2
_LAST_SDK_WITHOUT_DELETE_RESULT: Final = "8.37.0"


class RestEndpoint:
    """Answers REST calls.

    Attributes:
        app: The ASGI application.
    """

    def __init__(
        self,
        store: Store,
        activity: Activity,
        snapshots: Snapshots,
        rewriter: Rewriter,
        *,
        api_key: str,
    ) -> None:
        self._store = store
        self._activity = activity
        self._snapshots = snapshots
        self._rewriter = rewriter
        self._read_ahead = ReadAhead()
        self._upload_limiter = anyio.CapacityLimiter(_UPLOAD_THREADS)
        starlette = Starlette(
            routes=self._routes(),
            exception_handlers={
                RequestError: _refused,
                WireError: _malformed,
                HTTPException: _http_problem,
                duckdb.Error: _failed,
                Exception: _failed,
            },
        )
        self.app: ASGIApp = _Guard(starlette, activity, api_key)

    def _routes(self) -> list[Route]:
        return [
            Route("/v1/pandas_arrow", self._upload, methods=["POST"]),
            Route("/v2/spaces", self._list_spaces, methods=["GET"]),
            Route("/v2/spaces/{id}", self._get_space, methods=["GET"]),
            Route("/v2/projects", self._list_projects, methods=["GET"]),
            Route("/v2/projects", self._create_project, methods=["POST"]),
            Route("/v2/projects/{id}", self._get_project, methods=["GET"]),
            Route("/v2/projects/{id}", _not_yet, methods=["PATCH", "DELETE"]),
            Route("/v2/spans", self._list_spans, methods=["POST"]),
            Route("/v2/traces", self._list_traces, methods=["POST"]),
            Route("/v2/spans", self._delete_spans, methods=["DELETE"]),
            Route("/v2/spans/annotate", self._annotate_spans, methods=["POST"]),
            Route("/spanduck/status", self._status, methods=["GET"]),
            *ConfigRoutes(self._store, self._upload_limiter).routes,
        ]

    async def _status(self, request: Request) -> Response:
        """Say what is going on; our own endpoint, not the protocol's."""
        del request
        return JSONResponse(
            {
                "version": __version__,
                "open_streams": self._activity.open_streams,
                "held_snapshots": len(self._snapshots),
            }
        )

    async def _list_spaces(self, request: Request) -> Response:
        name = name_filter(request)
        with_all = await run_in_threadpool(self._spaces)
        matching = [space for space in with_all if name in space.name.lower()]
        items, pagination = cut_page(request, matching)
        return JSONResponse(SpacesPage(tuple(items), pagination).to_dict())

    async def _get_space(self, request: Request) -> Response:
        space_id = request.path_params["id"]
        for space in await run_in_threadpool(self._spaces):
            if space.id == space_id:
                return JSONResponse(space.to_dict())
        raise NotFoundError(f"there is no space with the id {space_id!r}")

    async def _list_projects(self, request: Request) -> Response:
        name = name_filter(request)
        space_id = request.query_params.get("space_id")
        space_name = request.query_params.get("space_name")

        def matching() -> list[catalogue.ProjectRecord]:
            with self._store.reading() as cursor:
                spaces = [
                    space.id
                    for space in catalogue.spaces(cursor)
                    if space_id in (None, space.id)
                    and (space_name or "").lower() in space.name.lower()
                ]
                found = catalogue.projects(cursor)
            return [p for p in found if p.space_id in spaces and name in p.name.lower()]

        items, pagination = cut_page(request, await run_in_threadpool(matching))
        page = ProjectsPage(tuple(record.on_wire for record in items), pagination)
        return JSONResponse(page.to_dict())

    async def _get_project(self, request: Request) -> Response:
        def get() -> catalogue.ProjectRecord:
            with self._store.reading() as cursor:
                return catalogue.project_by_id(cursor, request.path_params["id"])

        return JSONResponse((await run_in_threadpool(get)).on_wire.to_dict())

    async def _create_project(self, request: Request) -> Response:
        body = json_object(await request.body())
        name, space = required_text(body, "name"), required_text(body, "space_id")

        def create() -> catalogue.ProjectRecord:
            with self._store.writing() as cursor:
                return projects.create(cursor, catalogue.find_space(cursor, space).id, name)

        created = await anyio.to_thread.run_sync(create, limiter=self._upload_limiter)
        return JSONResponse(created.on_wire.to_dict(), status_code=201)

    async def _upload(self, request: Request) -> Response:
        space = request.headers.get(SPACE_HEADER)
        if not space:
            raise RequestError(f"the upload has no header {SPACE_HEADER}")
        announced = _announced_rows(request)
        path = self._store.new_scratch_file()
        try:
            await _receive(request, path)

            def store() -> int:
                return store_upload(
                    self._store, path, space=space, announced_rows=announced
                ).project

            project = await anyio.to_thread.run_sync(store, limiter=self._upload_limiter)
        finally:
            path.unlink(missing_ok=True)
        self._rewriter.consider(project)
        return JSONResponse({})

    async def _list_spans(self, request: Request) -> Response:
        query = read_spans_query(await request.body(), request.query_params)
        audience = Audience.of(read_identity(request.headers))
        answer = await run_in_threadpool(list_spans, self._store, query, audience, self._read_ahead)
        return Response(answer, media_type="application/json")

    async def _list_traces(self, request: Request) -> Response:
        query = read_traces_query(await request.body(), request.query_params)
        audience = Audience.of(read_identity(request.headers))
        answer = await run_in_threadpool(list_traces, self._store, query, audience)
        return Response(answer, media_type="application/json")

    async def _delete_spans(self, request: Request) -> Response:
        asked = deletion.read_request(await request.body())

        def delete() -> deletion.Deleted:
            return deletion.delete(self._store, asked)

        deleted = await anyio.to_thread.run_sync(delete, limiter=self._upload_limiter)
        self._rewriter.consider(deleted.project)
        if read_identity(request.headers).is_vendor_sdk_up_to(_LAST_SDK_WITHOUT_DELETE_RESULT):
            # It knows no more than that everything was done, and refuses members it does not know.
            return Response(status_code=204)
        return JSONResponse(deleted.result.to_dict())

    async def _annotate_spans(self, request: Request) -> Response:
        asked = annotate.read_request(await request.body())

        def write() -> int:
            return annotate.annotate(self._store, asked)

        project = await anyio.to_thread.run_sync(write, limiter=self._upload_limiter)
        self._rewriter.consider(project)
        return Response(status_code=202)

    def _spaces(self) -> list[Any]:
        with self._store.reading() as cursor:
            return list(catalogue.spaces(cursor))


class _Guard:
    """Counts each call and refuses those without the key, before their body is read."""

    def __init__(self, app: ASGIApp, activity: Activity, api_key: str) -> None:
        self._app = app
        self._activity = activity
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._activity.call():
            headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
            given = read_api_key(headers)
            if given is not None and secrets.compare_digest(given.encode(), self._api_key):
                await self._app(scope, receive, send)
                return
            what = "the call carries no API key" if given is None else "the API key is wrong"
            error = UnauthenticatedError(what, next_step="Send it as `Authorization: Bearer KEY`.")
            # An upload that is refused unread must not have its body taken for the next request.
            await _problem(error, {"connection": "close"})(scope, receive, send)


async def _receive(request: Request, path: Path) -> None:
    """Write a body to a file in large pieces, off the event loop."""
    # Unbuffered, because the pieces are large; opening a local file does not wait.
    with path.open("wb", buffering=0) as file:
        async for piece in _large_pieces(request):
            await run_in_threadpool(file.write, piece)


async def _large_pieces(request: Request) -> AsyncIterator[bytes]:
    pieces: list[bytes] = []
    size_bytes = 0
    try:
        async for piece in request.stream():
            pieces.append(piece)
            size_bytes += len(piece)
            if size_bytes >= _WRITE_BYTES:
                yield b"".join(pieces)
                pieces, size_bytes = [], 0
    except ClientDisconnect as exc:
        raise RequestError("the connection closed before the whole body had come") from exc
    yield b"".join(pieces)


def _announced_rows(request: Request) -> int | None:
    text = request.headers.get("number-of-rows")
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise RequestError(f"the header number-of-rows is {text!r}, not a number") from None


async def _not_yet(request: Request) -> Response:
    raise NotSupportedError(f"this server does not answer {request.method} {request.url.path} yet")


def _problem(error: RequestError, headers: dict[str, str] | None = None) -> Response:
    document = ProblemDocument(
        status=error.status, title=error.title, detail=str(error), type=error.problem_type
    )
    return Response(
        document.to_json(), error.status, headers=headers, media_type=PROBLEM_CONTENT_TYPE
    )


def _refused(request: Request, exc: Exception) -> Response:
    del request
    return _problem(exc if isinstance(exc, RequestError) else RequestError(str(exc)))


def _malformed(request: Request, exc: Exception) -> Response:
    del request
    return _problem(RequestError(str(exc)))


def _http_problem(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    title = exc.detail if isinstance(exc, HTTPException) else "Internal Server Error"
    detail = f"{request.method} {request.url.path}"
    document = ProblemDocument(status=status, title=title, detail=detail)
    return Response(document.to_json(), status, media_type=PROBLEM_CONTENT_TYPE)


def _failed(request: Request, exc: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=exc)
    document = ProblemDocument(500, "Internal Server Error", f"the server failed: {exc}")
    return Response(document.to_json(), 500, media_type=PROBLEM_CONTENT_TYPE)

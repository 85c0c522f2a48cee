"""The REST calls of annotation configs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanduck.server import catalogue, configs
from spanduck.server.rest_requests import cut_page, json_object, name_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection
    from starlette.requests import Request

    from spanduck.server.configs import AnnotationConfig
    from spanduck.server.store import Store

_ResultT = TypeVar("_ResultT")


class ConfigRoutes:
    """Answers calls to `/v2/annotation-configs`.

    Args:
        store: The store.
        limiter: How many writers may wait at a time.

    Attributes:
        routes: To be added to an application.
    """

    def __init__(self, store: Store, limiter: anyio.CapacityLimiter) -> None:
        self._store = store
        self._limiter = limiter
        path = "/v2/annotation-configs"
        self.routes = [
            Route(path, self._list, methods=["GET"]),
            Route(path, self._create, methods=["POST"]),
            Route(f"{path}/{{id}}", self._get, methods=["GET"]),
            Route(f"{path}/{{id}}", self._update, methods=["PATCH"]),
            Route(f"{path}/{{id}}", self._delete, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        name = name_filter(request)
        space_id = request.query_params.get("space_id")
        space_name = request.query_params.get("space_name", "").lower()

        def matching() -> list[AnnotationConfig]:
            with self._store.reading() as cursor:
                spaces = {
                    space.id
                    for space in catalogue.spaces(cursor)
                    if space_id in (None, space.id) and space_name in space.name.lower()
                }
                found = configs.listed(cursor)
            return [c for c in found if c.space_id in spaces and name in c.name.lower()]

        items, pagination = cut_page(request, await run_in_threadpool(matching))
        listed = [config.to_dict() for config in items]
        return JSONResponse({"annotation_configs": listed, "pagination": pagination.to_dict()})

    async def _create(self, request: Request) -> Response:
        body = json_object(await request.body())
        created = await self._written(lambda cursor: configs.create(cursor, body))
        return JSONResponse(created.to_dict(), status_code=201)

    async def _get(self, request: Request) -> Response:
        def get() -> AnnotationConfig:
            with self._store.reading() as cursor:
                return configs.find(cursor, request.path_params["id"])

        return JSONResponse((await run_in_threadpool(get)).to_dict())

    async def _update(self, request: Request) -> Response:
        body, config_id = json_object(await request.body()), request.path_params["id"]
        changed = await self._written(lambda cursor: configs.update(cursor, config_id, body))
        return JSONResponse(changed.to_dict())

    async def _delete(self, request: Request) -> Response:
        config_id = request.path_params["id"]
        await self._written(lambda cursor: configs.delete(cursor, config_id))
        return Response(status_code=204)

    async def _written(self, write: Callable[[DuckDBPyConnection], _ResultT]) -> _ResultT:
        def in_transaction() -> _ResultT:
            with self._store.writing() as cursor:
                return write(cursor)

        return await anyio.to_thread.run_sync(in_transaction, limiter=self._limiter)

"""REST calls: spaces, projects, and uploads of Arrow streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from spanduck._transport.http_client import HttpClient
from spanduck._transport.retry import retrying
from spanduck._wire import (
    Project,
    ProjectsPage,
    Space,
    SpacesPage,
    WireError,
    is_id,
    rest_headers,
    upload_headers,
)
from spanduck.exceptions import (
    ConfigError,
    RejectedError,
    ServiceError,
    UnknownProjectError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    import httpx
    from tenacity import Retrying

    from spanduck._config import Settings

_JSON: Final = "application/json"
_PAGE_ITEMS: Final = 100
# Names are offered from at most so many items: a hint is not worth walking through a whole
# organisation.
_MOST_HINTS: Final = 1_000
_BLOCK_BYTES: Final = 1 << 20
_PageT = TypeVar("_PageT", SpacesPage, ProjectsPage)


@dataclass(frozen=True)
class UploadReceipt:
    """What the service answered to an upload.

    Attributes:
        status_code: HTTP status, 2xx.
        size_bytes: Bytes of the body.
        url: Where the service says the data can be looked at, when it says so.
    """

    status_code: int
    size_bytes: int
    url: str | None = None


class RestTransport:
    """The REST side of the service. Opens nothing before the first call; safe for concurrent calls.

    Args:
        settings: Address, key, certificates, proxy and time-outs.

    Every call is bounded by the time-outs of the settings. Reads are repeated when the service
    cannot be reached or says that it cannot answer now; uploads only when no byte of them had
    left, or on 429 and 503.
    """

    def __init__(self, settings: Settings) -> None:
        self._service = settings.service
        self._local = settings.local
        self._http = HttpClient(settings)
        self._name_by_space_id: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; calling it again does nothing."""
        self._http.close()

    def spaces(self, *, name: str | None = None) -> Iterator[Space]:
        """Yield the spaces that the key may read, page by page, one call for each hundred.

        Args:
            name: Only spaces whose name contains this, in any letter case.

        Raises:
            AuthenticationError: The key is wrong.
            UnavailableError: Nobody answers, even after repetitions.
        """
        for page in self._pages(
            "/v2/spaces", SpacesPage.from_dict, {"name": name}, "listing spaces"
        ):
            yield from page.spaces

    def projects(self, space: str | None = None, *, name: str | None = None) -> Iterator[Project]:
        """Yield the projects of a space, page by page, one call for each hundred.

        Args:
            space: Id of the space, or its name, which costs one more call; all spaces by default.
            name: Only projects whose name contains this, in any letter case.

        Raises:
            UnknownProjectError: No such space.
            AuthenticationError: The key is wrong.
            UnavailableError: Nobody answers, even after repetitions.
        """
        space_id = self.resolve_space(space).id if space and not is_id(space) else space
        query = {"space_id": space_id, "name": name}
        for page in self._pages("/v2/projects", ProjectsPage.from_dict, query, "listing projects"):
            yield from page.projects

    def resolve_space(self, space: str) -> Space:
        """Return the space of that id or exact name; one call.

        Raises:
            UnknownProjectError: No such space; near matches are named.
            ConfigError: Two spaces have that name.
        """
        if is_id(space):
            path = f"/v2/spaces/{quote(space, safe='')}"
            return Space.from_dict(self.get_json(path, {}, f"looking up space {space!r}"))
        found = [item for item in self.spaces(name=space) if item.name == space]
        if not found:
            known = self._names(item.name for item in self.spaces())
            raise UnknownProjectError(
                f"no space is called {space!r}",
                next_step=did_you_mean(space, known) or _listing("Spaces", known),
            )
        if len(found) > 1:
            raise ConfigError(
                f"{len(found)} spaces are called {space!r}",
                next_step=f"Use an id instead: {', '.join(item.id for item in found)}.",
                setting="space",
            )
        self._name_by_space_id[found[0].id] = space
        return found[0]

    def resolve_project(self, project: str, space: str | None = None) -> Project:
        """Return the project of that id or exact name; one call, two with a space's name.

        Raises:
            UnknownProjectError: No such project or space; near matches are named.
            ConfigError: A name is given without a space.
        """
        if is_id(project):
            path = f"/v2/projects/{quote(project, safe='')}"
            return Project.from_dict(self.get_json(path, {}, f"looking up project {project!r}"))
        if not space:
            raise ConfigError(
                f"the project {project!r} is a name, and no space is configured",
                next_step="Pass space=, or set ARIZE_SPACE, or space under [service] in "
                "spanduck.toml.",
                setting="space",
                looked_in=("argument space", "environment ARIZE_SPACE", "spanduck.toml"),
            )
        space_id = space if is_id(space) else self.resolve_space(space).id
        for item in self.projects(space_id, name=project):
            if item.name == project:
                return item
        raise self.unknown_project(project, space_id)

    def unknown_project(
        self, project: str, space: str, *, cause: ServiceError | None = None
    ) -> UnknownProjectError:
        """Return the error of a project that is not there, with its near matches.

        Args:
            project: What it was called.
            space: Where it was looked for. A space that was looked up by its name is called so.
            cause: What the service has said of it, which the error keeps.
        """
        try:
            known = self._names(item.name for item in self.projects(space))
        except ServiceError:
            known = []  # the hint is extra; what failed is that the project is unknown
        called = self._name_by_space_id.get(space, space)
        return UnknownProjectError(
            f"no project is called {project!r} in space {called!r}",
            next_step=did_you_mean(project, known) or _listing("Projects", known),
            status=404,
            request_id=cause.request_id if cause is not None else None,
            problem=cause.problem if cause is not None else None,
        )

    def upload(
        self, body: Path, *, space: str, rows: int, timeout_s: float | None = None
    ) -> UploadReceipt:
        """Send a file that holds an Arrow IPC stream, as it is.

        The project stands in the stream's schema metadata.

        Args:
            body: The file; read in blocks, and again from its start should the call be repeated.
            space: Id or name of the space.
            rows: Spans in the file, before evaluations were joined to them.
            timeout_s: Longest wait for the answer once everything is sent; `write_timeout_s` by
                default.

        Raises:
            AuthenticationError: The key is wrong, or may not write to this space.
            RejectedError: The service refuses the data.
            UnavailableError: Nothing was stored, even after repetitions.
            OutcomeUnknownError: The connection broke after data was sent; it is not repeated.
        """
        try:
            headers = upload_headers(self._service.key, space, rows)
        except WireError as exc:
            raise ConfigError(exc.message, next_step=exc.next_step, setting=exc.what) from exc
        headers["Content-Length"] = str(body.stat().st_size)
        # A connection of its own for each upload: on a kept one a server that had just hung up
        # would be noticed only after the first bytes, and then nobody knows what became of them.
        headers["Connection"] = "close"
        return self.retrying()(self._upload_once, body, headers, timeout_s)

    def send_json(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        what: str,
        accept: str = _JSON,
        is_read: bool = False,
        is_repeatable: bool = True,
    ) -> tuple[int, dict[str, Any]]:
        """Send a JSON body once; what may be repeated is for the caller to know.

        Args:
            method: HTTP method; a DELETE has a body, too.
            path: Below the service's address.
            body: The JSON text.
            what: What is tried, for messages.
            accept: Media type of the answer.
            is_read: Nothing changes by it.
            is_repeatable: Doing it twice comes to the same. Otherwise the outcome of a call that
                was sent and not answered is unknown.

        Returns:
            The status, 2xx, and the object that came; an empty one when none did.

        Raises:
            ServiceError: No answer, or one that is no success.
        """
        try:
            headers = rest_headers(self._service.key)
        except WireError as exc:
            raise ConfigError(exc.message, next_step=exc.next_step, setting=exc.what) from exc
        headers |= {"Content-Type": _JSON, "Accept": accept}
        response = self._http.call(
            method,
            path,
            what=what,
            headers=headers,
            content=body,
            wait_s=self._local.write_timeout_s,
            written=lambda: None if is_read else len(body) or len(path),
            is_once=not is_repeatable,
        )
        return response.status_code, _json_object(response)

    # `Any`: JSON as it came; `_wire` checks its fields.
    def get_json(self, path: str, query: dict[str, str | None], what: str) -> dict[str, Any]:
        """Read a JSON object; repeated while the service cannot answer.

        Args:
            path: Below the service's address.
            query: Parameters; what is None is left out.
            what: What is tried, for messages.

        Raises:
            ServiceError: No answer, or one that is no success.
        """
        return self.retrying()(self._get_json_once, path, query, what)

    def retrying(self) -> Retrying:
        """Return what repeats a call as it may be; closing ends its pauses."""
        return retrying(cancel=self._http.closing)

    def _upload_once(
        self, body: Path, headers: dict[str, str], timeout_s: float | None
    ) -> UploadReceipt:
        what = "the upload"
        wait_s = timeout_s if timeout_s is not None else self._local.write_timeout_s
        blocks = _Blocks(body)
        response = self._http.call(
            "POST",
            "/v1/pandas_arrow",
            what=what,
            headers=headers,
            content=blocks,
            wait_s=wait_s,
            written=lambda: blocks.sent,
            is_once=True,
        )
        answer = _json_object(response)
        if answer.get("error"):
            raise RejectedError(
                f"{what} was refused: {answer['error']}", status=response.status_code
            )
        url = answer.get("realTimeIngestionUri")
        return UploadReceipt(
            response.status_code,
            int(headers["Content-Length"]),
            url if isinstance(url, str) and url else None,
        )

    def _pages(
        self,
        path: str,
        read: Callable[[dict[str, Any]], _PageT],
        query: dict[str, str | None],
        what: str,
    ) -> Iterator[_PageT]:
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = read(self.get_json(path, {**query, "cursor": cursor}, what))
            yield page
            cursor = page.pagination.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise RejectedError(f"{what} failed: the service repeats the cursor {cursor!r}")
            seen.add(cursor)

    def _get_json_once(self, path: str, query: dict[str, str | None], what: str) -> dict[str, Any]:
        params = {key: value for key, value in query.items() if value is not None}
        if path in ("/v2/spaces", "/v2/projects"):
            params["limit"] = str(_PAGE_ITEMS)
        try:
            headers = rest_headers(self._service.key)
        except WireError as exc:
            raise ConfigError(exc.message, next_step=exc.next_step, setting=exc.what) from exc
        response = self._http.call("GET", path, what=what, headers=headers, params=params)
        answer = _json_object(response)
        if not answer:
            raise RejectedError(
                f"{what} failed: {self._service.rest_url} answered {response.status_code} with "
                "something that is no JSON object",
                next_step="Check that api_host and api_port are those of the service.",
                status=response.status_code,
            )
        return answer

    def _names(self, names: Iterator[str]) -> list[str]:
        return [name for name, _ in zip(names, range(_MOST_HINTS), strict=False)]


class _Blocks:
    """A file in blocks, which counts those that were taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                self.sent += len(block)
                yield block


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _listing(what: str, known: list[str]) -> str:
    if not known:
        return "The key can read none."
    shown = ", ".join(repr(name) for name in known[:10])
    return f"{what} there: {shown}{' and others' if len(known) > 10 else ''}."

"""Whether the service can be reached: REST, the space, and Flight, each on its own."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.table import Table
from rich.text import Text

from spanduck._output.consoles import stderr, stdout
from spanduck._output.formats import TextFormat
from spanduck._output.reports import count
from spanduck._transport.flight import FlightTransport
from spanduck._transport.rest import RestTransport
from spanduck._wire import ExportCommand, is_id
from spanduck.exceptions import ConfigError, Error, RejectedError, UnknownProjectError
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck._config import Settings
    from spanduck._wire import Space

_ResultT = TypeVar("_ResultT")

# A project that need not be there: that the service says so is an answer too.
_PROBE: Final = "spanduck-config-check"
_MOST_OFFERED: Final = 10


@dataclass
class Part:
    """One thing that was tried.

    Attributes:
        name: `rest`, `space` or `flight`.
        what: The address, or the space.
        found: What is told of a success.
        error: What went wrong; None where nothing did.
        is_tried: Whether it could be tried at all.
    """

    name: str
    what: str
    found: str = ""
    error: Error | None = None
    is_tried: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it was tried and worked."""
        return self.is_tried and self.error is None

    def attempt(self, work: Callable[[], _ResultT]) -> _ResultT | None:
        """Do the work, keep its error, and note how long it took."""
        self.is_tried = True
        began = time.monotonic()
        try:
            return work()
        except Error as exc:
            self.error = exc
            return None
        finally:
            self.found = f"{(time.monotonic() - began) * 1000:.0f} ms"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        error = self.error
        told = None
        if error is not None:
            told = {
                "type": type(error).__name__,
                "message": error.message,
                "next_step": error.next_step,
            }
        return {"ok": self.is_good, "what": self.what, "found": self.found, "error": told}


@dataclass
class Check:
    """What came of trying to reach the service.

    Attributes:
        rest: The REST half.
        space: The space, looked up by REST.
        flight: The Flight half.
        space_id: Id of the space; None when it was not found.
        space_name: Its name.
        projects: How many projects it has; None when unknown.
    """

    rest: Part
    space: Part
    flight: Part
    space_id: str | None = None
    space_name: str | None = None
    projects: int | None = field(default=None)

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """The three, in the order in which they were tried."""
        return self.rest, self.space, self.flight

    @property
    def is_good(self) -> bool:
        """Whether all of it worked."""
        return all(part.is_good for part in self.parts)


def check_service(settings: Settings) -> Check:
    """Reach REST and Flight, look the space up and count its projects; a handful of calls."""
    service = settings.service
    check = Check(
        Part("rest", service.rest_url),
        Part("space", service.space or "(none)"),
        Part("flight", service.flight_location),
    )
    with RestTransport(settings) as rest, FlightTransport(settings) as flight:
        wanted = service.space or ""
        project = _look_up(rest, wanted, check) or _PROBE
        check.flight.attempt(lambda: _probe(flight, check.space_id or wanted, project))
    return check


def _look_up(rest: RestTransport, wanted: str, check: Check) -> str | None:
    """Reach REST, find the space and count its projects; return the name of one, if there is."""
    # By name or by listing, so that a space that is not there is told apart from a service that
    # does not answer.
    name = wanted if wanted and not is_id(wanted) else None
    spaces = check.rest.attempt(lambda: list(rest.spaces(name=name)))
    if spaces is None:
        return None
    space = check.space.attempt(lambda: _space(rest, wanted, spaces))
    if space is None:
        return None
    check.space_id, check.space_name = space.id, space.name
    names = check.space.attempt(lambda: [p.name for p in rest.projects(space.id)])
    if names is None:
        return None
    check.projects = len(names)
    check.space.found = count(len(names), "project")
    check.space.what = f"{space.name} ({space.id})"
    return names[0] if names else None


def _space(rest: RestTransport, wanted: str, spaces: list[Space]) -> Space:
    if wanted:
        return rest.resolve_space(wanted)
    names = ", ".join(repr(space.name) for space in spaces[:_MOST_OFFERED])
    raise ConfigError(
        "no space is configured",
        next_step="Set ARIZE_SPACE, or space under [service] in spanduck.toml"
        + (f"; the key can read {names}." if names else "; the key can read none."),
        setting="space",
    )


def _probe(flight: FlightTransport, space: str, project: str) -> None:
    now = datetime.now(UTC)
    command = ExportCommand(
        space=space,
        project=project,
        start_time=now,
        end_time=now + timedelta(seconds=1),
        projected_columns=(SPAN_ID,),
    )
    try:
        flight.get_info(command)
    except (UnknownProjectError, RejectedError):
        # Reached, and the key was taken; but of a project that REST has named it is a failure.
        if project != _PROBE:
            raise


def tell_check(check: Check, fmt: TextFormat) -> None:
    """Tell what was reached on stdout, and what failed, and why, on stderr."""
    if fmt is TextFormat.json:
        document = {
            "ok": check.is_good,
            **{part.name: part.to_dict() for part in check.parts},
            "space_id": check.space_id,
            "space_name": check.space_name,
            "projects": check.projects,
        }
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        grid = Table.grid(padding=(0, 2))
        for part in check.parts:
            grid.add_row(part.name, Text(part.what), _state(part), part.found)
        console = stdout()
        if not console.is_terminal:
            console.width = max(console.width, console.measure(grid).maximum)
        console.print(grid)
    notes = stderr()
    for part in check.parts:
        if part.error is not None:
            notes.print(
                Text.assemble(("error: ", "bold red"), f"{part.name}: {part.error}"), soft_wrap=True
            )


def _state(part: Part) -> Text:
    if not part.is_tried:
        return Text("not tried", style="dim")
    return Text("ok", style="green") if part.is_good else Text("failed", style="bold red")

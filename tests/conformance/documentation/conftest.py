"""The vendor's documentation of its span client, as programs.

`spans-client.txt` is the documentation as it is, `blocks.toml` tells where its code is, and
`adaptations.toml` what is changed in it before it runs.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from string import Template
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import Client

    from spanduck.embedded import EmbeddedServer

FOLDER = Path(__file__).parent
CLIENTS = ("vendor", "spanduck", "vendor 8.30")


@dataclass(frozen=True)
class Block:
    """A piece of code of the documentation.

    Attributes:
        name: What it shows.
        lines: Numbers of its first and its last line, from 1.
        bodies: For each statement that has a body, its own number and that of the body's last line.
    """

    name: str
    lines: tuple[int, int]
    bodies: tuple[tuple[int, int], ...]

    @property
    def numbers(self) -> range:
        return range(self.lines[0], self.lines[1] + 1)

    def source(self, text: list[str]) -> str:
        """Return its code, with the indentation that the documentation has lost."""
        return "\n".join(
            "    " * sum(opens < number <= last for opens, last in self.bodies) + text[number - 1]
            for number in self.numbers
        )


@dataclass(frozen=True)
class Adaptation:
    """A change of the documentation's code; attributes are told in `adaptations.toml`."""

    reason: str
    edits: dict[str, str]
    clients: tuple[str, ...] = CLIENTS
    blocks: tuple[str, ...] = ()
    otherwise: dict[str, Any] = field(default_factory=dict)

    def applies(self, block: Block, client: str) -> bool:
        return client in self.clients and (not self.blocks or block.name in self.blocks)

    def apply(self, source: str, values: dict[str, str]) -> str:
        for old, new in self.edits.items():
            source = source.replace(old, Template(new).substitute(values))
        return source


@dataclass(frozen=True)
class Documentation:
    """The documentation: its lines, the blocks of code by name, and the adaptations."""

    text: list[str]
    blocks: dict[str, Block]
    adaptations: tuple[Adaptation, ...]

    def source(
        self,
        name: str,
        client: str,
        values: dict[str, str],
        *,
        without: Adaptation | None = None,
    ) -> str:
        """Return the code of a block for a client, adapted but for one adaptation."""
        block = self.blocks[name]
        source = block.source(self.text)
        for adaptation in self.adaptations:
            if adaptation is not without and adaptation.applies(block, client):
                source = adaptation.apply(source, values)
        return source


def read_documentation() -> Documentation:
    blocks = tomllib.loads(_text("blocks.toml"))["block"]
    adaptations = tomllib.loads(_text("adaptations.toml"))["adaptation"]
    return Documentation(
        text=_text("spans-client.txt").splitlines(),
        blocks={
            item["name"]: Block(
                item["name"], tuple(item["lines"]), tuple(map(tuple, item.get("bodies", [])))
            )
            for item in blocks
        },
        adaptations=tuple(Adaptation(**item) for item in adaptations),
    )


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Reader:
    """Somebody who follows the documentation with one client, on a project of its own.

    Attributes:
        client: The client and its project.
        documentation: What is followed.
        stand_ins: What stands for the `$names` of the adaptations.
        names: What the code sees, and what it has made.
    """

    client: Client
    documentation: Documentation
    stand_ins: dict[str, str]
    names: dict[str, Any]

    def run(self, *blocks: str, without: Adaptation | None = None) -> None:
        """Run blocks, one after another; the last one without an adaptation, if one is given."""
        for block in blocks:
            left_out = without if block == blocks[-1] else None
            source = self.documentation.source(
                block, self.client.name, self.stand_ins, without=left_out
            )
            exec(compile(source, f"<{block}>", "exec"), self.names)  # noqa: S102 - a file of ours

    def spans(self) -> dict[str, dict[str, Any]]:
        """Return what the service holds, by span id."""
        return self.client.rows_by_id()


@pytest.fixture(scope="session")
def documentation() -> Documentation:
    return read_documentation()


@pytest.fixture(params=CLIENTS)
def reader(
    request: pytest.FixtureRequest,
    connect: Callable[..., Client],
    server: EmbeddedServer,
    noon: datetime,
    documentation: Documentation,
) -> Reader:
    client = connect(request.param)
    stand_ins = {
        "project": client.project,
        "space": server.space,
        "space_id": server.space_id,
        "folder": str(client.folder),
        "day": f"{noon:%Y-%m-%d}",
        "week_before": _arguments(noon - timedelta(days=7)),
        # Its midnight is after the spans in every zone, and nowhere in the future in UTC.
        "today": _arguments(noon + timedelta(days=2)),
    }
    is_ours = client.name == "spanduck"
    names = {"client": client.spans if is_ours else SimpleNamespace(spans=client.spans)}
    return Reader(client, documentation, stand_ins, names)


def _arguments(day: datetime) -> str:
    # As `datetime(…)` takes them; without a zone, as in the documentation.
    return f"{day.year}, {day.month}, {day.day}"

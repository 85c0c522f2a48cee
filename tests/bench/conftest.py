"""Servers with many spans, measurements in processes of their own, and a table of what came out.

`SPANDUCK_BENCH_ROWS` (1,000,000) sets how many spans the large project has; the others follow. Ratios hold at any
size from 100,000 on, but with few rows fixed costs weigh more.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import spanduck
from spanduck import _sample
from spanduck._config import load_settings
from spanduck._transport.rest import RestTransport
from spanduck._wire import upload_schema_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from spanduck.embedded import EmbeddedServer

LARGE, MEDIUM, SMALL = "large", "medium", "small"
PROGRAM = Path(__file__).with_name("measure_client.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The hook is given every test of the run, those of other folders too.
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue
        item.add_marker(pytest.mark.bench)
        item.add_marker(pytest.mark.timeout(3_600))


@dataclass
class Figures:
    """What was measured, told at the end."""

    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def tell(
        self, what: str, value: float, unit: str, *, limit: str = "", bound_by: str = ""
    ) -> None:
        text = f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
        self.lines.append((what, f"{text} {unit}".strip(), limit, bound_by))
        print(f"\n  {what}: {text} {unit} {f'(limit {limit})' if limit else ''}", flush=True)


FIGURES = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    return FIGURES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not FIGURES.lines:
        return
    rows = [("measured", "value", "limit", "bound by"), *FIGURES.lines]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    terminalreporter.section("benchmarks")
    for row in rows:
        terminalreporter.write_line(
            "  ".join(
                text.rjust(width) if place == 1 else text.ljust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )


@dataclass(frozen=True)
class Sizes:
    large: int = int(os.environ.get("SPANDUCK_BENCH_ROWS", "1000000"))

    @property
    def small(self) -> int:
        return self.large // 10

    @property
    def medium(self) -> int:
        """What the vendor's SDK is given: it holds the whole result, several times over."""
        return min(self.large, 200_000)

    @property
    def pairs(self) -> int:
        """Interleaved pairs of a comparison."""
        return 5 if self.large <= 300_000 else 3


@pytest.fixture(scope="session")
def sizes() -> Sizes:
    return Sizes()


class Bench:
    """A server and how to call it."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ARIZE_", "SPANDUCK_"))
        }
        self.environment |= server.environment()
        self.environment |= {"TQDM_DISABLE": "1", "ARIZE_LOG_ENABLE": "false"}
        self.environment |= {"no_proxy": "127.0.0.1,localhost"}

    @property
    def settings(self) -> dict[str, Any]:
        variables = self.server.environment().items()
        return {name.removeprefix("ARIZE_").lower(): value for name, value in variables}

    def client(self) -> spanduck.SpansClient:
        return spanduck.SpansClient(**self.settings, progress=False)

    def start(
        self, mode: str, project: str = LARGE, seconds: float = 0, **wanted: str
    ) -> subprocess.Popen[str]:
        arguments = [sys.executable, str(PROGRAM), mode, project, str(seconds), json.dumps(wanted)]
        return subprocess.Popen(arguments, env=self.environment, stdout=subprocess.PIPE, text=True)

    def measure(
        self, mode: str, project: str = LARGE, seconds: float = 0, **wanted: str
    ) -> dict[str, Any]:
        with self.start(mode, project, seconds, **wanted) as process:
            told, _ = process.communicate(timeout=3_000)
        assert process.returncode == 0, mode
        result: dict[str, Any] = json.loads(told.splitlines()[-1])
        return result

    def compare(
        self, one: str, other: str, pairs: int, *, project: str = LARGE
    ) -> tuple[float, dict[str, float]]:
        """Measure two modes in turn; returns the median of the pairs' ratios, and both medians."""
        rates: dict[str, list[float]] = {one: [], other: []}
        for _ in range(pairs):
            for mode in (one, other):
                rates[mode].append(self.measure(mode, project)["rows_per_s"])
        ratio = statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True))
        return ratio, {mode: statistics.median(values) for mode, values in rates.items()}

    def upload_file(
        self, project: str, batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]
    ) -> float:
        """Upload in one call, whatever its size; returns how long the service took."""
        settings = load_settings(self.settings)
        with tempfile.NamedTemporaryFile(suffix=".arrows") as file:
            metadata = {b"arize-schema": upload_schema_text(project)}
            rows = 0
            with pa.ipc.new_stream(file.name, _sample.SCHEMA.with_metadata(metadata)) as writer:
                for batch in batches:
                    writer.write_batch(batch.replace_schema_metadata(metadata))
                    rows += len(batch)
            rest = RestTransport(settings)
            began = time.perf_counter()
            rest.upload(Path(file.name), space=self.server.space_id, rows=rows)
            seconds = time.perf_counter() - began
            rest.close()
        return seconds

    def settle(self) -> None:
        """Wait until the server has put what was uploaded in order, which it does in pauses."""
        file, sizes = self.server.path / "store.duckdb", [-1]
        while len(sizes) < 12 or len(set(sizes[-12:])) > 1:
            time.sleep(1)
            sizes.append(file.stat().st_size)

    def peak_mb(self) -> float:
        """Peak memory of the server."""
        status = Path(f"/proc/{self.server.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, sizes: Sizes) -> Iterator[Bench]:
    """A server with projects of three sizes."""
    with spanduck.serve(tmp_path_factory.mktemp("store")) as server:
        bench = Bench(server)
        counts = {LARGE: sizes.large, MEDIUM: sizes.medium, SMALL: sizes.small}
        for project, count in counts.items():
            done = 0
            while done < count:
                rows = min(100_000, count - done)
                bench.upload_file(project, _sample.generate(rows, seed=done))
                done += rows
        bench.settle()
        yield bench


@pytest.fixture
def fresh_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Bench]]:
    """Makes servers with nothing in them."""
    servers = []

    def make() -> Bench:
        servers.append(spanduck.serve(tmp_path_factory.mktemp("store")))
        return Bench(servers[-1])

    yield make
    for server in servers:
        server.close()

"""Lists of a large project, page by page, at any depth."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck._rest_calls.listing import SpansArguments
from spanduck._rest_calls.pages import list_page
from spanduck._transport.rest import RestTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any

PAGES = 100
MEDIAN_MS, P99_MS = 50, 200


@pytest.fixture
def project(loaded: Bench) -> Iterator[tuple[RestTransport, str]]:
    with loaded.client() as client, RestTransport(client.settings) as rest:
        yield rest, rest.resolve_project("large", loaded.server.space).id


def walk(rest: RestTransport, project_id: str, pages: int = PAGES, **options: Any) -> list[float]:
    """Walk pages and return what each took, in milliseconds."""
    took: list[float] = []
    seen: set[str | None] = set()
    arguments = options
    for _ in range(pages):
        began = time.perf_counter()
        page = list_page(rest, project_id, SpansArguments(**arguments))
        took.append((time.perf_counter() - began) * 1_000)
        ids = {span.span_id for span in page}
        assert not ids & seen
        seen |= ids
        if not page.pagination.has_more:
            break
        arguments = {**options, "cursor": page.pagination.next_cursor}
    return took


@pytest.mark.parametrize("days", [0, 10, 20, 28])
def test_a_page_takes_the_same_at_any_depth(
    project: tuple[RestTransport, str], figures: Figures, days: int
) -> None:
    now = datetime.now(UTC)
    window: dict[str, Any] = {
        "start_time": now - timedelta(days=40),
        "end_time": now - timedelta(days=days),
    }
    walk(*project, **window)
    took = walk(*project, **window)
    assert len(took) == PAGES
    median, p99 = statistics.median(took), sorted(took)[int(len(took) * 0.99)]
    what = f"page of 50 of spans older than {days} days"
    figures.tell(f"{what}, median", median, "ms", limit=f"< {MEDIAN_MS}", bound_by="row groups")
    figures.tell(f"{what}, p99", p99, "ms", limit=f"< {P99_MS}", bound_by="row groups")
    assert median < MEDIAN_MS
    assert p99 < P99_MS


def test_a_single_page_from_anywhere(project: tuple[RestTransport, str], figures: Figures) -> None:
    # Nothing is read ahead for a first page.
    now, took = datetime.now(UTC), []
    for number in range(PAGES):
        end = now - timedelta(hours=number * 7)
        arguments = SpansArguments(start_time=now - timedelta(days=40), end_time=end)
        began = time.perf_counter()
        assert len(list_page(*project, arguments)) == 50
        took.append((time.perf_counter() - began) * 1_000)
    median, p99 = statistics.median(took), sorted(took)[int(len(took) * 0.99)]
    what = "first page of 50 that ends anywhere"
    figures.tell(f"{what}, median", median, "ms", limit=f"< {MEDIAN_MS}", bound_by="row groups")
    figures.tell(f"{what}, p99", p99, "ms", limit=f"< {P99_MS}", bound_by="row groups")
    assert median < MEDIAN_MS
    assert p99 < P99_MS


def test_the_thousandth_page_takes_what_the_first_does(
    project: tuple[RestTransport, str], figures: Figures
) -> None:
    window: dict[str, Any] = {"start_time": datetime.now(UTC) - timedelta(days=40)}
    took = walk(*project, pages=1_050, **window)
    for first in (0, 10, 1_000):
        median = statistics.median(took[first : first + 40])
        figures.tell(f"pages of 50 from number {first:,} on, median", median, "ms", limit="< 50")
        assert median < MEDIAN_MS
    p99 = sorted(took)[int(len(took) * 0.99)]
    figures.tell("  p99 of the walk", p99, "ms", limit=f"< {P99_MS}")
    assert p99 < P99_MS


def test_the_last_pages(project: tuple[RestTransport, str], figures: Figures) -> None:
    oldest = datetime.now(UTC) - timedelta(days=40)
    took: list[float] = []
    for hours in range(40):
        # The sample spans thirty days: these windows end within its first hours.
        end = oldest + timedelta(days=10, hours=1 + hours)
        window: dict[str, Any] = {"start_time": oldest, "end_time": end}
        took += walk(*project, pages=3, **window)
    median, p99 = statistics.median(took), sorted(took)[int(len(took) * 0.99)]
    figures.tell("last pages of 50, median", median, "ms", limit=f"< {MEDIAN_MS}")
    figures.tell("last pages of 50, p99", p99, "ms", limit=f"< {P99_MS}")
    assert median < MEDIAN_MS
    assert p99 < P99_MS


def test_pages_of_five_hundred(project: tuple[RestTransport, str], figures: Figures) -> None:
    window: dict[str, Any] = {"start_time": datetime.now(UTC) - timedelta(days=40), "limit": 500}
    took = walk(*project, pages=40, **window)
    # What is promised is promised of the usual fifty.
    figures.tell("page of 500, median", statistics.median(took), "ms", bound_by="rows, JSON")
    figures.tell("page of 500, slowest", max(took), "ms", bound_by="rows, JSON")
    assert statistics.median(took) < P99_MS


@pytest.mark.parametrize(
    "text", ["status_code = 'ERROR'", "attributes.llm.token_count.total > 3000", "name = 'none'"]
)
def test_a_page_with_a_filter(
    project: tuple[RestTransport, str], figures: Figures, text: str
) -> None:
    window: dict[str, Any] = {"start_time": datetime.now(UTC) - timedelta(days=40), "filter": text}
    took = walk(*project, **window)
    median, p99 = statistics.median(took), sorted(took)[int(len(took) * 0.99)]
    what = f"page of 50 where {text}"
    figures.tell(f"{what}, median", median, "ms", limit=f"< {MEDIAN_MS}")
    figures.tell(f"{what}, p99", p99, "ms", limit=f"< {P99_MS}")
    assert median < MEDIAN_MS
    assert p99 < P99_MS

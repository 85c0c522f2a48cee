"""Reading: rates as ratios of the same run, and memory that does not grow with rows."""

from __future__ import annotations

import statistics
from typing import Any, TypeAlias

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any
Sizes: TypeAlias = Any


def test_spans_into_an_arrow_reader_keeps_up_with_a_bare_client(
    loaded: Bench, sizes: Sizes, figures: Figures
) -> None:
    ratio, rates = loaded.compare("spans", "flight", sizes.pairs)
    figures.tell(
        "bare Flight client, all columns", rates["flight"], "rows/s", bound_by="server, gRPC"
    )
    figures.tell("spans(...) into a reader, all columns", rates["spans"], "rows/s")
    figures.tell(
        "  of the bare client", ratio, "x", limit=">= 0.6", bound_by="DuckDB's Arrow conversion"
    )
    assert ratio >= 0.6


def test_the_vendors_export_to_a_frame_is_ten_times_slower(
    loaded: Bench, sizes: Sizes, figures: Figures
) -> None:
    ratio, rates = loaded.compare("spans", "vendor", 3, project="medium")
    figures.tell(
        "vendor SDK export_to_df", rates["vendor"], "rows/s", bound_by="pandas, JSON decoding"
    )
    figures.tell("spans(...) against it", ratio, "x", limit=">= 10")
    assert ratio >= 10


def test_a_parquet_file_is_written_as_fast_as_by_the_vendor(
    loaded: Bench, figures: Figures
) -> None:
    ratio, rates = loaded.compare("parquet", "vendor_parquet", 3, project="medium")
    figures.tell("export_to_parquet", rates["parquet"], "rows/s", bound_by="Parquet's encoding")
    figures.tell("  against the vendor's", ratio, "x", limit=">= 1")
    assert ratio >= 1


def test_three_columns_are_fifteen_times_faster_than_all(
    loaded: Bench, sizes: Sizes, figures: Figures
) -> None:
    ratio, rates = loaded.compare("three", "spans", sizes.pairs)
    figures.tell("three columns", rates["three"], "rows/s", bound_by="the server's scan, batches")
    figures.tell("  against all columns", ratio, "x", limit=">= 15")
    assert ratio >= 15


def test_memory_of_the_client_does_not_grow_with_rows(
    loaded: Bench, sizes: Sizes, figures: Figures
) -> None:
    # What the allocator keeps differs from process to process by a tenth, so medians of interleaved runs.
    pairs = [
        (loaded.measure("spans", "small")["peak_mb"], loaded.measure("spans", "large")["peak_mb"])
        for _ in range(sizes.pairs)
    ]
    small, large = (statistics.median(peaks) for peaks in zip(*pairs, strict=True))
    figures.tell(f"client memory, {sizes.small:,} rows", small, "MB")
    figures.tell(f"client memory, {sizes.large:,} rows", large, "MB", limit="< 400")
    figures.tell("  of the smaller", large / small, "x", limit="<= 1.2")
    assert max(peak for _, peak in pairs) < 400
    assert large <= 1.2 * small

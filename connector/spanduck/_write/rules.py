"""How much goes into a batch and a call."""

from __future__ import annotations

from typing import Final

BATCH_ROWS: Final = 10_000
"""Most rows of a record batch that is sent; the vendor's clients cut there."""
BATCH_BYTES: Final = 8 << 20
"""Where a record batch is cut before it has that many rows; the service takes up to 256 MiB."""
NAMES_PER_CALL: Final = 32
"""Most names of one call: each is some columns, mostly null where names share few spans."""

"""`python -m spanduck.server`: the process behind `spanduck serve` and `spanduck.serve()`."""

from __future__ import annotations

import sys

from spanduck.exceptions import Error
from spanduck.server import run
from spanduck.server.options import parse_options


def main() -> int:
    """Serve, or say in one line on stderr why not; the class in brackets is for our own parent."""
    try:
        return run(parse_options())
    except Error as exc:
        sys.stderr.write(f"[spanduck.{type(exc).__name__}] {exc}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

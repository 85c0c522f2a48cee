"""Where other people's programs are installed that the tests drive and cannot import.

`make environments` makes one for each list of pins in `environments/`, inside the virtual environment
that the tests run in.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

# Read before a fixture takes the settings of the person who runs the tests away.
REQUIRED = frozenset(os.environ.get("SPANDUCK_REQUIRE", "").replace(",", " ").split())


def environment(name: str, *, required: Collection[str] = REQUIRED) -> Path:
    """Return the folder of an environment's programs; without one, as `absent`."""
    folder = Path(sys.prefix) / "environments" / name
    if not (folder / ".installed").is_file():
        said = f"there is no environment {name} in {folder}; `make environments` makes it"
        absent(name, said, required=required)
    return folder / "bin"


def absent(name: str, said: str, *, required: Collection[str] = REQUIRED) -> NoReturn:
    """Skip the test, and say so; fail it where `SPANDUCK_REQUIRE` names what is absent."""
    if name in required:
        pytest.fail(f"SPANDUCK_REQUIRE asks for {name}, but {said}")
    pytest.skip(f"NOT TESTED: {said}")

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import spanduck


def test_all_names_exactly_what_the_package_exposes() -> None:
    assert sorted(spanduck.__all__) == dir(spanduck) == sorted(set(spanduck.__all__))
    for name in spanduck.__all__:
        assert getattr(spanduck, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        spanduck.nothing_of_this_name  # noqa: B018


def _modules_after(statements: str) -> set[str]:
    program = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = _modules_after("import spanduck")
    heavy = {"duckdb", "pyarrow", "pandas", "sqlglot", "httpx", "pydantic", "google.protobuf"}
    assert not loaded & heavy


def test_the_client_side_needs_no_sqlglot() -> None:
    # pandas is not asked about: pyarrow's dataset module, which the table function stands on, imports it.
    loaded = _modules_after("from spanduck import connect, SpansClient, write_back")
    assert not loaded & {"sqlglot", "arize"}

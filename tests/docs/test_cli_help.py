"""`docs/cli.md` shows what `--help` prints. `SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes it anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import typer
from tests.docs.pages import DOCS

from spanduck.cli import app

PAGE = DOCS / "cli.md"
BLOCK = re.compile(
    r"(?P<head>```console\n\$ spanduck(?P<arguments>[^\n]*) --help\n)(?P<help>.*?)```", re.DOTALL
)


def help_of(arguments: str) -> str:
    plain = {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "spanduck", *arguments.split(), "--help"],
        env={**os.environ, **plain},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.replace("Usage: python -m spanduck", "Usage: spanduck")


def test_the_page_shows_what_help_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    real = BLOCK.sub(lambda found: found["head"] + help_of(found["arguments"]) + "```", text)
    if os.environ.get("SPANDUCK_UPDATE_DOCS"):
        PAGE.write_text(real, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == real


def test_the_page_shows_every_command() -> None:
    shown = {
        found["arguments"].strip() for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))
    }
    context = typer.Context(typer.main.get_command(app))
    commands = typer.main.get_group(app).list_commands(context)
    assert shown == {"", *commands}


@pytest.mark.parametrize("arguments", ["", "query", "export", "serve"])
def test_help_waits_for_nothing_that_takes_long_to_import(arguments: str) -> None:
    program = f"""
import sys
from spanduck.cli import app
app({[*arguments.split(), "--help"]!r}, standalone_mode=False)
heavy = {{"duckdb", "pyarrow", "pandas", "numpy", "sqlglot", "httpx", "starlette"}}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)

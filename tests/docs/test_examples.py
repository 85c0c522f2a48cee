"""The README's program and the numbered examples print what is shown beside them.

`SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes what the README's commands print anew.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spanduck._folder import read_address

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
DAY = re.compile(r"\d{4}-\d\d-\d\d")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[Path]:
    """A working directory in which nothing is configured; ends the server that was started there."""
    yield tmp_path
    address = read_address(tmp_path / ".spanduck")
    if address is not None:
        os.kill(address.pid, signal.SIGTERM)


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARIZE_", "SPANDUCK_"))
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_what_is_shown_beside_it(path: Path, nowhere: Path) -> None:
    done = run(path.read_text(encoding="utf-8"), nowhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout == path.with_suffix(".stdout.txt").read_text(encoding="utf-8")
    assert [line for line in done.stderr.splitlines() if not line.startswith("spanduck:")] == []


def test_examples_are_short() -> None:
    assert EXAMPLES
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 60 for path in EXAMPLES)


def test_the_readme_prints_what_it_shows(nowhere: Path) -> None:
    done = run(blocks("python")[0], nowhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip() == blocks("text")[0].rstrip()


def test_the_readmes_commands_print_what_is_shown(nowhere: Path) -> None:
    assert run(blocks("python")[0], nowhere).returncode == 0
    real = ""
    for line in blocks("console")[2].splitlines():
        if line.startswith("$ "):
            done = subprocess.run(  # noqa: S602 - the README's own lines
                f"{sys.executable} -m {line.removeprefix('$ ')}",
                shell=True,
                cwd=nowhere,
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            )
            real += f"\n{line}\n{done.stdout}"
    if os.environ.get("SPANDUCK_UPDATE_DOCS"):
        path = ROOT / "README.md"
        path.write_text(README.replace(blocks("console")[2], real.lstrip()), encoding="utf-8")
    assert DAY.sub("DAY", blocks("console")[2]) == DAY.sub("DAY", real.lstrip())


def test_the_readmes_model_and_commands_work(nowhere: Path) -> None:
    assert run(blocks("python")[0], nowhere).returncode == 0
    (nowhere / "latency.sql").write_text(blocks("sql")[0], encoding="utf-8")
    commands = [
        line.removeprefix("$ ").partition("  #")[0]
        for line in blocks("console")[1].splitlines()
        if "serve" not in line
    ]
    assert len(commands) == 9
    for command in commands:
        done = subprocess.run(  # noqa: S602 - the README's own lines, redirection included
            [f"{sys.executable} -m {command}"],
            shell=True,
            cwd=nowhere,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert "my-llm-app" in (nowhere / "projects.csv").read_text(encoding="utf-8")

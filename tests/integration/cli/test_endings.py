"""How commands end: interrupted, refused at a prompt, or with nobody who reads their output."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

PROJECT = "fernway-support"
FOREVER_S = 60
MODEL = """/* spanduck
kind = "eval"
project = "p"
*/
SELECT 'a' AS span_id, 'Fast' AS name, 1.0 AS score
"""
SPANS = """context.span_id,context.trace_id,name,start_time,end_time
1234567890abcdef,1234567890abcdef1234567890abcdef,c,2026-01-01T00:00:00Z,2026-01-01T00:00:01Z
"""


class Silence:
    """A server that takes connections and never answers."""

    def __init__(self) -> None:
        self.is_called = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def environment(self) -> dict[str, str]:
        port = str(self._listener.getsockname()[1])
        return {
            "ARIZE_API_KEY": "ak-fake-0123456789",
            "ARIZE_SPACE": "U3BhY2U6MTphYmNk",
            "ARIZE_API_HOST": "127.0.0.1",
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_PORT": port,
            "ARIZE_FLIGHT_HOST": "127.0.0.1",
            "ARIZE_FLIGHT_SCHEME": "grpc+tcp",
            "ARIZE_FLIGHT_PORT": port,
        }

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._held:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._held.append(connection)
            self.is_called.set()


@pytest.fixture
def silence() -> Iterator[Silence]:
    server = Silence()
    yield server
    server.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "p"],
        ["export", "p", "-o", "spans.csv"],
        ["export", "p", "-o", "spans.parquet"],
        ["query", "FROM spans('p')", "-o", "rows.csv"],
        ["explain", "FROM spans('p')"],
        ["filter", "name = 'a'", "--project", "p"],
        ["run", "model.sql"],
        ["log", "p", "spans.of.mine.csv"],
        ["delete", "p", "--span-id", "a", "--yes"],
        ["config", "--check"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_ctrl_c_ends_a_call_that_nobody_answers(
    bare_command: Command, silence: Silence, arguments: list[str]
) -> None:
    folder = bare_command.folder
    (folder / "model.sql").write_text(MODEL, encoding="utf-8")
    (folder / "spans.of.mine.csv").write_text(SPANS, encoding="utf-8")
    before = sorted(folder.iterdir())
    environment = {**bare_command.environment, **silence.environment()}
    with bare_command.start(*arguments, env=environment) as process:
        assert silence.is_called.wait(FOREVER_S)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=FOREVER_S)
        took = time.monotonic() - began
    assert (process.returncode, out, told) == (130, "", "interrupted\n")
    assert took < 2
    assert sorted(folder.iterdir()) == before


# Runs a command on a terminal of its own, whose keys are its stdin.
ON_A_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


@pytest.mark.parametrize(
    ("keys", "status", "word"), [(b"\x03", 130, b"interrupted"), (b"n\n", 1, b"nothing is deleted")]
)
def test_a_delete_that_is_not_confirmed_deletes_nothing(
    bare_command: Command, silence: Silence, keys: bytes, status: int, word: bytes
) -> None:
    wanted = [sys.executable, "-m", "spanduck", "delete", "p", "--span-id", "a"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *wanted],
        env={**bare_command.environment, **silence.environment()},
        cwd=bare_command.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        shown = b""
        while b"for good?" not in shown:
            piece = os.read(process.stdout.fileno(), 4_096)
            assert piece, shown
            shown += piece
        process.stdin.write(keys)
        process.stdin.flush()
        shown, _ = process.communicate(timeout=FOREVER_S)
    assert process.returncode == status, shown
    assert word in shown
    assert not silence.is_called.is_set()


# In the whole and by the line: Python writes when its buffer is full, or at once.
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list", PROJECT], 0),
        (["list", PROJECT, "-f", "csv"], 0),
        (["query", "SELECT 1"], 0),
        (["query", "SELECT 1", "-f", "ndjson"], 0),
        (["explain", f"FROM spans('{PROJECT}')"], 0),
        (["filter", "name = 'a'"], 0),
        (["filter", "name = 'a'", "-f", "json"], 0),
        (["export", PROJECT, "--columns", "name"], 0),
        (["config"], 0),
        (["config", "--check", "-f", "json"], 0),
        (["delete", PROJECT, "--span-id", "nowhere", "--yes"], 1),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else "",
)
def test_a_reader_that_has_gone_is_no_failure(
    command: Command, arguments: list[str], status: int, unbuffered: str
) -> None:
    environment = {**command.environment, "PYTHONUNBUFFERED": unbuffered}
    theirs, ours = os.pipe()
    os.close(theirs)
    try:
        with command.start(*arguments, env=environment, stdout=ours) as process:
            _, told = process.communicate(timeout=FOREVER_S)
    finally:
        os.close(ours)
    assert process.returncode == status, told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


def test_a_mistake_is_told_though_nobody_reads_the_json(bare_command: Command) -> None:
    environment = {**bare_command.environment, "PYTHONUNBUFFERED": ""}
    theirs, ours = os.pipe()
    os.close(theirs)
    try:
        with bare_command.start(
            "filter", "name =", "-f", "json", env=environment, stdout=ours
        ) as process:
            _, told = process.communicate(timeout=FOREVER_S)
    finally:
        os.close(ours)
    assert process.returncode == 1
    assert "a value is expected" in told
    assert "Exception ignored" not in told

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pyarrow as pa
import pytest

from spanduck import embedded, exceptions
from spanduck._folder import FolderLock, is_locked, read_address

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "spanduck.server"]


def _start(path: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "--path", str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def _ready(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def _end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> tuple[bytes, bytes]:
    process.send_signal(number)
    return process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_and_stdout_has_one_line(
    tmp_path: Path, number: int
) -> None:
    process = _start(tmp_path, "--api-key", "a-key-of-my-own")
    ready = _ready(process)
    assert set(ready) == {"rest_port", "flight_port", "space_id", "space", "api_key"}
    assert ready["api_key"] == "a-key-of-my-own"
    address = read_address(tmp_path)
    assert address is not None
    assert address.pid == process.pid
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
    assert "a-key-of-my-own" not in repr(address)
    out, err = _end(process, number)
    assert process.returncode == 0
    assert out == b""
    assert err == b""
    assert not (tmp_path / "server.json").exists()
    assert not is_locked(tmp_path)


def test_the_key_comes_from_argument_environment_or_file(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("from-the-file\n")
    for arguments, environment, expected in (
        (["--api-key-file", str(key_file)], {}, "from-the-file"),
        (
            ["--api-key-file", str(key_file)],
            {"SPANDUCK_SERVE_API_KEY": "from-the-environment"},
            "from-the-environment",
        ),
    ):
        process = _start(tmp_path / "store", *arguments, **environment)
        assert _ready(process)["api_key"] == expected
        _end(process)
    process = _start(tmp_path / "store", "--api-key-file", str(tmp_path / "absent"))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith(b"[spanduck.ConfigError] ")


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with embedded.serve(tmp_path) as server:
        with pytest.raises(exceptions.StoreLockedError, match=str(tmp_path)):
            embedded.serve(tmp_path)
        process = _start(tmp_path)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 1
        assert out == b""
        assert err.count(b"\n") == 1
        address = read_address(tmp_path)
        assert address is not None
        assert address.rest_port == server.rest_port


@pytest.mark.parametrize("argument", ["rest_port", "flight_port"])
def test_a_port_in_use_is_named(tmp_path: Path, argument: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(exceptions.PortInUseError, match=str(port)):
            embedded.serve(tmp_path, **{argument: port})
    assert not (tmp_path / "store.duckdb").exists()


def test_two_servers_do_not_share_a_flight_port(tmp_path: Path) -> None:
    with (
        embedded.serve(tmp_path / "one") as server,
        pytest.raises(exceptions.PortInUseError, match=str(server.flight_port)),
    ):
        embedded.serve(tmp_path / "two", flight_port=server.flight_port)


def test_ids_and_spans_survive_a_restart(tmp_path: Path, tools: Any) -> None:
    with embedded.serve(tmp_path, api_key="k") as server:
        caller = tools.Caller(server)
        caller.upload(tools.spans(100, **{"attributes.a": range(100), "eval.Q.score": [1] * 100}))
        before = caller.export().sort_by("context.span_id")
        projects = caller.rest.get("/v2/projects").json()
        spaces = caller.rest.get("/v2/spaces").json()
        caller.close()
    with embedded.serve(tmp_path) as server:
        assert server.api_key != "k"
        caller = tools.Caller(server)
        assert caller.rest.get("/v2/projects").json() == projects
        assert caller.rest.get("/v2/spaces").json() == spaces
        assert caller.export().sort_by("context.span_id").equals(before)
        caller.close()


def upload_until(stop: threading.Event, caller: Any, tools: Any, acknowledged: list[int]) -> None:
    """Upload 500 spans after the other, until it is told to stop or nobody answers."""
    number = 0
    while not stop.is_set():
        columns = {f"attributes.a{number % 1_500}": ["x" * 200] * 500}
        body = tools.body(tools.spans(500, first=number, **columns), "p")
        try:
            if caller.post(body, rows=500).status_code != 200:
                return
        except httpx.HTTPError:
            return
        acknowledged.append(number)
        number += 500


def test_what_is_acknowledged_survives_kill_9(tmp_path: Path, tools: Any) -> None:
    server = embedded.serve(tmp_path)
    caller = tools.Caller(server)
    acknowledged: list[int] = []
    stop = threading.Event()
    writer = threading.Thread(target=upload_until, args=(stop, caller, tools, acknowledged))
    writer.start()
    while len(acknowledged) < 5:
        time.sleep(0.01)
    written = caller.put(
        pa.table({"context.span_id": [f"span-{0:012d}"], "eval.Q.label": ["kept"]})
    )
    assert written.records_updated == 1
    time.sleep(0.2)
    os.kill(server.pid, signal.SIGKILL)
    stop.set()
    writer.join()
    server.close()
    caller.close()
    with embedded.serve(tmp_path) as again:
        caller = tools.Caller(again)
        rows = caller.rows()
        caller.close()
    assert rows["span-000000000000"]["eval.Q.label"] == "kept"
    for number in acknowledged:
        assert f"span-{number + 499:012d}" in rows
    # Calls that were under way are there as a whole or not at all.
    assert len(rows) % 500 == 0
    assert len(acknowledged) * 500 <= len(rows) <= (len(acknowledged) + 1) * 500


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    embedded.serve(tmp_path).close()
    with duckdb.connect(tmp_path / "store.duckdb") as connection:
        connection.execute("UPDATE store_version SET version = 99")
    with pytest.raises(exceptions.StoreError, match="version 99"):
        embedded.serve(tmp_path)


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.duckdb").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(exceptions.StoreError, match="cannot be opened"):
        embedded.serve(tmp_path)
    assert not is_locked(tmp_path)


def test_it_ends_by_itself_when_nobody_calls(tmp_path: Path) -> None:
    process = _start(tmp_path, "--idle-exit", "1")
    _ready(process)
    assert process.wait(timeout=30) == 0
    process.communicate()


def test_a_server_of_ours_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from spanduck import embedded;"
        "server = embedded.serve(sys.argv[1]); print(server.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    assert is_locked(tmp_path)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while is_locked(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_close_is_idempotent_and_leaves_no_key_in_repr(tmp_path: Path) -> None:
    server = embedded.serve(tmp_path, api_key="very-secret")
    assert server.environment()["ARIZE_API_KEY"] == "very-secret"
    assert "very-secret" not in repr(server)
    server.close()
    server.close()


def test_the_server_imports_no_pandas(tmp_path: Path, tools: Any) -> None:
    with embedded.serve(tmp_path) as server:
        caller = tools.Caller(server)
        caller.upload(tools.spans(10))
        caller.export()
        caller.close()
        with open(f"/proc/{server.pid}/maps") as maps:  # noqa: PTH123
            assert "/pandas/" not in maps.read()


def test_a_lock_that_somebody_looks_at_can_still_be_taken(tmp_path: Path) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_locked(tmp_path)

    FolderLock(tmp_path).release()
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(20):
            FolderLock(tmp_path, patience_s=5).release()
    finally:
        stop.set()
        watcher.join()

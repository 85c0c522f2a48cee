"""One measurement in a process of its own: what it did, how long it took, how much memory it came to.

Run by the benchmarks as `python measure_client.py MODE PROJECT SECONDS WANTED`, with the server in the environment;
prints one line of JSON. WANTED, which only some modes read, is JSON: the spans wanted, a filter or the bounds of a
window.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def peak_mb() -> float:
    """Peak resident memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError


def _drain_sql(query: str, project: str) -> tuple[int, float]:
    import spanduck

    con = spanduck.connect()
    began = time.perf_counter()
    rows = 0
    with con.sql(query, params=[project]).to_arrow_reader(4_096) as reader:
        for batch in reader:
            rows += len(batch)
    seconds = time.perf_counter() - began
    con.close()
    return rows, seconds


def spans(project: str) -> tuple[int, float]:
    """All columns through the table function into an Arrow reader."""
    return _drain_sql("SELECT * FROM spans(?)", project)


def three(project: str) -> tuple[int, float]:
    """Three columns the same way."""
    return _drain_sql("SELECT name, latency_ms, status_code FROM spans(?)", project)


def _drain_often(query: str, parameters: dict[str, Any]) -> tuple[int, float]:
    """Time what takes milliseconds: the median of several, when connections are made and code is warm."""
    import spanduck

    con = spanduck.connect()
    took = []
    for _ in range(8):
        began = time.perf_counter()
        with con.sql(query, params=parameters).to_arrow_reader(4_096) as reader:
            rows = sum(len(batch) for batch in reader)
        took.append(time.perf_counter() - began)
    con.close()
    return rows, statistics.median(took[3:])


def filtered(project: str) -> tuple[int, float]:
    """All columns of the spans a filter selects."""
    query = "SELECT * FROM spans($project, filter := $filter)"
    return _drain_often(query, {"project": project, **json.loads(sys.argv[4])})


def filtered_three(project: str) -> tuple[int, float]:
    """Three columns of them."""
    query = "SELECT name, latency_ms, status_code FROM spans($project, filter := $filter)"
    return _drain_often(query, {"project": project, **json.loads(sys.argv[4])})


def window(project: str) -> tuple[int, float]:
    """All columns of the spans of a window."""
    query = "SELECT * FROM spans($project) WHERE start_time >= $start AND start_time < $end"
    bounds = {name: datetime.fromisoformat(at) for name, at in json.loads(sys.argv[4]).items()}
    return _drain_often(query, {"project": project, **bounds})


def _flight(project: str) -> tuple[Any, Any, Any]:
    import pyarrow.flight as fl  # noqa: TID251 - the bare client is the yardstick

    from spanduck._wire import ExportCommand, flight_headers

    host, port = os.environ["ARIZE_FLIGHT_HOST"], os.environ["ARIZE_FLIGHT_PORT"]
    client = fl.connect(f"grpc+tcp://{host}:{port}")
    options = fl.FlightCallOptions(headers=flight_headers(os.environ["ARIZE_API_KEY"]), timeout=600)
    command = ExportCommand(
        space=os.environ["ARIZE_SPACE"], project=project, stream_chunk_size=4_000
    )
    return client, options, fl.FlightDescriptor.for_command(command.to_json())


def flight(project: str) -> tuple[int, float]:
    """The same export drained by a bare pyarrow client."""
    client, options, descriptor = _flight(project)
    began = time.perf_counter()
    info = client.get_flight_info(descriptor, options)
    rows = 0
    for chunk in client.do_get(info.endpoints[0].ticket, options):
        rows += len(chunk.data)
    seconds = time.perf_counter() - began
    client.close()
    return rows, seconds


def vendor(project: str) -> tuple[int, float]:
    """The vendor SDK's `export_to_df`."""
    from arize import ArizeClient

    client = ArizeClient()
    now = datetime.now(UTC)
    began = time.perf_counter()
    frame = client.spans.export_to_df(
        space_id=os.environ["ARIZE_SPACE"],
        project_name=project,
        start_time=now - timedelta(days=60),
        end_time=now + timedelta(days=1),
    )
    return len(frame), time.perf_counter() - began


def parquet(project: str) -> tuple[int, float]:
    """Our `export_to_parquet`."""
    import spanduck

    with tempfile.TemporaryDirectory() as folder, spanduck.SpansClient(progress=False) as client:
        began = time.perf_counter()
        rows = client.export_to_parquet(path=Path(folder, "spans.parquet"), **_of(project))
        return rows, time.perf_counter() - began


def vendor_parquet(project: str) -> tuple[int, float]:
    """The vendor SDK's."""
    import pyarrow.parquet as pq
    from arize import ArizeClient

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "spans.parquet"))
        client = ArizeClient()
        began = time.perf_counter()
        space = os.environ["ARIZE_SPACE"]
        client.spans.export_to_parquet(path=path, space_id=space, **_of(project))
        seconds = time.perf_counter() - began
        rows: int = pq.read_metadata(path).num_rows
    return rows, seconds


def _of(project: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    start, end = now - timedelta(days=60), now + timedelta(days=1)
    return {"project_name": project, "start_time": start, "end_time": end}


def _probe(project: str, seconds: float) -> dict[str, list[float]]:
    """Time REST and Flight calls, a pair every 20 ms."""
    import httpx

    from spanduck._wire import rest_headers

    client, options, descriptor = _flight(project)
    url = f"http://{os.environ['ARIZE_API_HOST']}:{os.environ['ARIZE_API_PORT']}"
    took: dict[str, list[float]] = {"rest": [], "flight": []}
    with httpx.Client(base_url=url, headers=rest_headers(os.environ["ARIZE_API_KEY"])) as rest:
        for _ in range(3):  # connections are made, code is warm
            rest.get("/v2/projects").raise_for_status()
            client.get_flight_info(descriptor, options)
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            rest.get("/v2/projects").raise_for_status()
            middle = time.perf_counter()
            client.get_flight_info(descriptor, options)
            took["rest"].append(1000 * (middle - began))
            took["flight"].append(1000 * (time.perf_counter() - middle))
            time.sleep(0.02)
    client.close()
    return took


def busy(project: str, seconds: float) -> None:
    """A client that exports all columns in one thread and computes in pure Python in another."""
    deadline = time.monotonic() + seconds

    def compute() -> None:
        for number in itertools.count():
            if number % 10_000 == 0 and time.monotonic() > deadline:
                return

    thread = threading.Thread(target=compute)
    thread.start()
    while time.monotonic() < deadline:
        spans(project)
    thread.join()


def main() -> None:
    """Run one mode."""
    mode, project, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    if mode == "probe":
        result: dict[str, Any] = {"ms": _probe(project, seconds)}
    elif mode == "busy":
        busy(project, seconds)
        result = {}
    else:
        modes = {"spans": spans, "three": three, "flight": flight, "vendor": vendor}
        modes |= {"filtered": filtered, "filtered_three": filtered_three, "window": window}
        modes |= {"parquet": parquet, "vendor_parquet": vendor_parquet}
        before = time.process_time()
        rows, took = modes[mode](project)
        cpu = time.process_time() - before
        result = {"rows": rows, "seconds": took, "rows_per_s": rows / took, "cpu_s": cpu}
    print(json.dumps({**result, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()

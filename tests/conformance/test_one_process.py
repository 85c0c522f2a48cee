"""The vendor's SDK and ours in one process, imported in either order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from spanduck.embedded import EmbeddedServer

IMPORT_THEIRS = "from arize._generated.protocol.flight import flight_pb2; import arize"
IMPORT_OURS = (
    "import spanduck; from spanduck._wire import ExportCommand, UpdateResult, upload_schema_text"
)
USE_BOTH = """
from google.protobuf import descriptor_pool, json_format
from arize.utils.proto import get_pb_schema_tracing
import base64

def messages_of_ours(pool):
    try:
        return pool.FindFileByName("spanduck/wire.proto")
    except KeyError:
        return None

assert messages_of_ours(descriptor_pool.Default()) is None
ours = ExportCommand(space="SPACE", project="p", stream_chunk_size=7)
theirs = json_format.Parse(ours.to_json(), flight_pb2.RecordQueryDescriptor())
assert theirs.model_id == "p" and theirs.stream_chunk_size.value == 7
assert json_format.MessageToJson(theirs).encode() == ours.to_json()
result = flight_pb2.WriteSpanEvaluationResponse(records_updated=3, unmatched_ids=["x"])
assert UpdateResult.from_bytes(result.SerializeToString()) == UpdateResult(3, ("x",))
schema = get_pb_schema_tracing(project_name="p").SerializeToString()
assert upload_schema_text("p") == base64.b64encode(schema)
print("both work")
"""


@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_both_sdks_work_whichever_is_imported_first(order: str, implementation: str) -> None:
    imports = [IMPORT_THEIRS, IMPORT_OURS]
    if order == "ours first":
        imports.reverse()
    finished = subprocess.run(
        [sys.executable, "-c", "\n".join([*imports, USE_BOTH])],
        env={"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.stderr == ""
    assert (finished.returncode, finished.stdout) == (0, "both work\n")


LOG_WITH_EACH_AND_EXPORT_WITH_THE_OTHER = """
import json, sys
import pandas as pd
from datetime import datetime, timedelta

space, project, noon = sys.argv[1:]
noon = datetime.fromisoformat(noon)
theirs, ours = arize.ArizeClient().spans, spanduck.SpansClient()
where = {"space_id": space, "project_name": project}
window = {"start_time": noon - timedelta(hours=1), "end_time": noon + timedelta(hours=1)}
start_ns = int(noon.timestamp()) * 1_000_000_000

def frame(span_id):
    return pd.DataFrame({
        "context.span_id": [span_id], "context.trace_id": ["trace-0000000"], "name": ["n"],
        "start_time": [start_ns], "end_time": [start_ns + 1],
    })

seen = []
for first, second, span_id in ((theirs, ours, "by-theirs-000"), (ours, theirs, "by-ours-00000")):
    first.log(dataframe=frame(span_id), **where)
    rows = pd.DataFrame({"context.span_id": [span_id], "eval.Q.label": ["from " + span_id]})
    second.update_evaluations(dataframe=rows, **where)
    for client in (first, second):
        exported = client.export_to_df(**where, **window)
        seen.append(sorted(zip(exported["context.span_id"], exported["eval.Q.label"])))
ours.close()
print(json.dumps(seen))
"""


@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_both_sdks_work_on_one_server_in_one_process(
    server: EmbeddedServer, noon: datetime, order: str
) -> None:
    imports = [IMPORT_THEIRS, IMPORT_OURS]
    if order == "ours first":
        imports.reverse()
    project = f"project {uuid4().hex[:12]}"
    finished = subprocess.run(
        [
            sys.executable,
            "-c",
            "\n".join([*imports, LOG_WITH_EACH_AND_EXPORT_WITH_THE_OTHER]),
            server.space_id,
            project,
            noon.isoformat(),
        ],
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    one = [["by-theirs-000", "from by-theirs-000"]]
    both = [["by-ours-00000", "from by-ours-00000"], *one]
    # The vendor's SDK logs on stdout.
    assert json.loads(finished.stdout.splitlines()[-1]) == [one, one, both, both]

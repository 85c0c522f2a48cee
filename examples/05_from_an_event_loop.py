"""Judge spans in an event loop: the calls of a client run in threads, several at once."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta

import pandas as pd

import spanduck
from spanduck.types import Span

start = datetime.now(UTC) - timedelta(minutes=5)
rows = [
    {
        "context.trace_id": f"trace-{n:08}",
        "context.span_id": f"span-{n:09}",
        "name": "answer",
        "start_time": start + timedelta(seconds=n),
        "end_time": start + timedelta(seconds=n + 1),
        "attributes.output.value": "I do not know." if n % 3 else "It is in the manual, page 7.",
    }
    for n in range(9)
]


async def judge(span: Span) -> float:
    await asyncio.sleep(0)  # a call to a language model
    return 1.0 if "page" in span.attributes["output.value"] else 0.0


async def evaluate(client: spanduck.SpansClient, project: str) -> str:
    page = await asyncio.to_thread(client.list, project=project)
    scores = await asyncio.gather(*map(judge, page))
    ids = [span.span_id for span in page]
    evals_df = pd.DataFrame({"context.span_id": ids, "name": "Quality", "score": scores})
    response = await asyncio.to_thread(
        client.update_evaluations, project_name=project, dataframe=evals_df
    )
    mean = evals_df["score"].mean()
    return f"{project}: {response.records_updated} spans, {mean:.2f} on average"


async def main(client: spanduck.SpansClient) -> None:
    for project in ("search", "support"):
        frame = pd.DataFrame(rows if project == "search" else rows[:6])
        await asyncio.to_thread(client.log, project_name=project, dataframe=frame)
    # One client, both projects at the same time.
    print("\n".join(await asyncio.gather(evaluate(client, "search"), evaluate(client, "support"))))


with (
    tempfile.TemporaryDirectory() as folder,
    spanduck.serve(folder) as server,
    spanduck.SpansClient(settings=server.settings) as client,
):
    asyncio.run(main(client))

"""The texts of a block, column by column: who says what, what is found, what tools answer."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._sample import shapes as s
from spanduck._sample import vocabulary as v
from spanduck._sample.columns import SCHEMA
from spanduck._sample.text import (
    Groups,
    ListPieces,
    Pieces,
    hexadecimal,
    join,
    mixed,
    numbered,
    numbers,
    pick,
    quoted,
    timestamps,
)
from spanduck._sample.topics import TOPICS
from spanduck._sample.traces import FAILURES, Block, tool_of

if TYPE_CHECKING:
    from spanduck._sample.shapes import Ints
    from spanduck._sample.topics import Topic

_TOP_K = 3
_VECTORS = 256
_VECTOR_SIZE = 16
JSON, PLAIN = "application/json", "text/plain"


class Pools:
    """The vocabulary as Arrow arrays, the texts that go into JSON quoted beforehand."""

    def __init__(self) -> None:
        topics = TOPICS
        self.question_before = Groups.of([[q[0] for q in t.questions] for t in topics])
        self.question_after = Groups.of([[q[1] for q in t.questions] for t in topics])
        self.turns = Groups.of([_turns(t) for t in topics])
        starts = [start for t in topics for start in t.answer_starts]
        self.answer_starts = np.array(starts, dtype=np.int64)
        self.sentences = Groups.of([t.answers for t in topics])
        self.passages = Groups.of(
            [[f"{title}: {text}" for title, text in t.passages] for t in topics]
        )
        self.passages_json = Groups(
            quoted(self.passages.texts), self.passages.start, self.passages.count
        )
        self.documents = Groups.of([_documents(t) for t in topics])
        self.foreign_question = pa.array([q for q, _ in v.FOREIGN])
        self.foreign_answer = pa.array([a for _, a in v.FOREIGN])
        prompts = [v.SYSTEM_PROMPTS.get(_PROMPT_OF_ROLE[role], "") for role in s.ROLES]
        self.system = pa.array([_message("system", p) for p in prompts])
        self.system_json = pa.array([_message("system", p + v.JSON_DEMAND) for p in prompts])
        self.tool_declaration = pa.array([_declaration(t) for t in v.TOOLS])
        self.tool_results = Groups.of([t.results for t in v.TOOLS])
        self.arguments_before = pa.array([t.arguments[0] for t in v.TOOLS])
        self.arguments_after = pa.array([t.arguments[1] for t in v.TOOLS])
        vectors = (
            np.random.default_rng(7).standard_normal((_VECTORS, _VECTOR_SIZE)) / _VECTOR_SIZE**0.5
        )
        self.vectors = pa.array(["[" + ", ".join(f"{x:.4f}" for x in row) + "]" for row in vectors])


_PROMPT_OF_ROLE = {
    "chat": "chat",
    "answer": "answer",
    "call": "agent",
    "final": "agent",
    "plan": "plan",
    "judge": "judge",
    "work": "",
    "failed": "",
}


def _quote(text: str) -> str:
    return str(quoted(pa.array([text]))[0].as_py())


def _turns(topic: Topic) -> list[str]:
    return [
        _message(role, text)
        for turn in topic.turns
        for role, text in zip(("user", "assistant"), turn, strict=True)
    ]


def _documents(topic: Topic) -> list[str]:
    return [
        _document(topic.name, number, f"{title}: {text}")
        for number, (title, text) in enumerate(topic.passages)
    ]


def _declaration(tool: v.Tool) -> str:
    function = (
        f'{{"type":"function","function":{{"name":"{tool.name}",'
        f'"description":{_quote(tool.description)},"parameters":{tool.parameters}}}}}'
    )
    return f'{{"tool.json_schema": {_quote(function)}}}'


def _message(role: str, text: str) -> str:
    return f'{{"message.role": "{role}", "message.content": {_quote(text)}}}'


def _document(topic: str, number: int, text: str) -> str:
    # The metadata is a JSON text inside the JSON text: the upload encodes a dict inside a dict
    # twice.
    metadata = _quote(f'{{"source": "kb/{topic}.md", "section": {number + 1}, "language": "en"}}')
    return (
        f'{{"document.id": "kb-{topic}-{number + 1:02}", "document.content": {_quote(text)},'
        f' "document.metadata": {metadata}'
    )


@cache
def _pools() -> Pools:
    return Pools()


def names(texts: list[str]) -> pa.Array:
    """Make a pool."""
    return pa.array(texts, pa.string())


class Writer:
    """Writes the columns of one block.

    Each method is called once, `write_parents` after all that write outputs.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.pools = _pools()
        self.texts: dict[str, Pieces] = defaultdict(lambda: Pieces(pa.string()))
        self.lists: dict[str, ListPieces] = defaultdict(ListPieces)
        self.done: dict[str, pa.Array] = {}
        traces = block.traces
        self.order = numbered("ord_", traces.order, 7)
        question = join(
            self.pools.question_before.pick(traces.topic, traces.question),
            self.order,
            self.pools.question_after.pick(traces.topic, traces.question),
        )
        foreign = pick(self.pools.foreign_question, traces.foreign)
        self.question = pc.coalesce(foreign, question)
        self.question_json = quoted(self.question)
        self.stride = 1 + traces.passage % 4

    def rows(self, kind: int) -> Ints:
        """Rows of one kind."""
        return np.flatnonzero(self.block.kind == kind)

    def of_trace(self, column: pa.Array, rows: Ints) -> pa.Array:
        """Repeat a column of traces for these rows."""
        return pick(column, self.block.trace[rows])

    def finish(self) -> pa.RecordBatch:
        """Put the columns together; those that nothing was written to are null."""
        length = len(self.block)
        columns = []
        for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True):
            if name in self.done:
                columns.append(self.done[name])
            elif pa.types.is_list(kind):
                columns.append(self.lists[name].finish(length, is_null_when_empty=name != "events"))
            else:
                columns.append(self.texts[name].finish(length))
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def write_core(self) -> None:
        """Ids, names, times, kinds."""
        b = self.block
        span_id = hexadecimal(b.words)
        self.done["context.trace_id"] = pick(hexadecimal(b.traces.words), b.trace)
        self.done["context.span_id"] = span_id
        self.done["parent_id"] = pick(span_id, b.parent)
        self.done["start_time"] = pa.array(b.start_ns)
        self.done["end_time"] = pa.array(b.end_ns)
        self.done["attributes.openinference.span.kind"] = pick(names(list(s.KINDS)), b.kind)
        labelled = np.flatnonzero(b.label > 0)
        name = self.texts["name"]
        name.put(labelled, pick(names(list(s.LABELS)), b.label[labelled]))
        llm, tool, agent = self.rows(s.LLM), self.rows(s.TOOL), self.rows(s.AGENT)
        name.put(llm, pick(names([m.span_name for m in v.MODELS]), b.traces.model[b.trace[llm]]))
        name.put(tool, pick(names([t.name for t in v.TOOLS]), b.tool[tool]))
        for kind, text in (
            (s.EMBEDDING, "CreateEmbeddings"),
            (s.RETRIEVER, "KnowledgeBaseRetriever"),
            (s.RERANKER, "rerank_passages"),
        ):
            rows = self.rows(kind)
            name.put(rows, pick(names([text]), np.zeros(len(rows), np.int64)))
        agents = pick(names(list(s.LABELS)), b.label[agent])
        self.texts["attributes.agent.name"].put(agent, agents)

    def write_failures(self) -> None:
        """Status, exception event and exception attributes."""
        b = self.block
        failed = b.failure >= 0
        unset = (b.words[:, 0] % np.uint64(40) == 0) & ~failed
        status = np.where(failed, 1, np.where(unset, 2, 0))
        self.done["status_code"] = pick(names(["OK", "ERROR", "UNSET"]), status)
        rows = np.flatnonzero(failed)
        kind = pick(names([f.type for f in FAILURES]), b.failure[rows])
        message = pick(names([f.message for f in FAILURES]), b.failure[rows])
        self.texts["status_message"].put(rows, join(kind, ": ", message))
        self.texts["attributes.exception.type"].put(rows, kind)
        self.texts["attributes.exception.message"].put(rows, message)
        attributes = quoted(
            join(
                '{"exception.type": ', quoted(kind),
                ', "exception.message": ', quoted(message),
                ', "exception.escaped": "False"}',
            )
        )  # fmt: skip
        self._event(rows, 1, "exception", b.end_ns[rows], attributes)
        streams = np.flatnonzero((b.kind == s.LLM) & ~failed)
        first = b.start_ns[streams] + b.first_token_ns[streams]
        self._event(streams, 0, "First Token Stream Event", first, '"{}"')

    def _event(
        self, rows: Ints, place: int, name: str, at_ns: Ints, attributes: pa.Array | str
    ) -> None:
        text = join(
            f'{{"name": "{name}", "timestamp": "', timestamps(at_ns), '", "attributes": ',
            attributes, "}"
        )  # fmt: skip
        self.lists["events"].put(rows, place, text)

    def write_trace_attributes(self) -> None:
        """What every span of a trace carries: user, session, metadata, tags."""
        b, t = self.block, self.block.traces
        self.done["attributes.user.id"] = pick(numbered("user-", t.user, 5), b.trace)
        session = hexadecimal(t.session.reshape(-1, 1))
        self.done["attributes.session.id"] = pick(join("sess-", session), b.trace)
        experiment = pick(
            names([f', "experiment": "{name}"' for name in v.EXPERIMENTS]), t.experiment
        )
        metadata = join(
            '{"tenant_id": "', numbered("tenant-", t.tenant, 3),
            '", "order_id": "', self.order,
            '", "env": "', pick(names([name for name, _ in v.ENVIRONMENTS]), t.environment),
            '", "version": "', pick(names([name for name, _ in v.VERSIONS]), t.version),
            '"', pc.fill_null(experiment, ""), "}",
        )  # fmt: skip
        self.done["attributes.metadata"] = pick(metadata, b.trace)
        tags = self.lists["attributes.tag.tags"]
        tagged = np.flatnonzero((t.tags[b.trace] >= 0) & (b.parent < 0))
        for place in range(max(map(len, v.TAGS))):
            pool = pa.array(
                [tag[place] if place < len(tag) else None for tag in v.TAGS], pa.string()
            )
            texts = pick(pool, t.tags[b.trace[tagged]])
            present = texts.is_valid().to_numpy(zero_copy_only=False)
            tags.put(tagged[present], place, texts.drop_null())

    def passage_number(self, rows: Ints, place: int | Ints) -> tuple[Ints, Ints]:
        """Topic and passage number of the document found at `place`."""
        t, trace = self.block.traces, self.block.trace[rows]
        return t.topic[trace], t.passage[trace] + place * self.stride[trace]

    def write_retrieval(self) -> None:
        """Embeddings, found documents, reranked documents."""
        b, t = self.block, self.block.traces
        embedding = self.rows(s.EMBEDDING)
        self.ask(embedding, self.of_trace(self.question, embedding), PLAIN)
        model = (t.tenant[b.trace[embedding]] % 4 == 0).astype(np.int64)
        chosen = pick(names(list(v.EMBEDDING_MODELS)), model)
        self.texts["attributes.embedding.model_name"].put(embedding, chosen)
        vector = pick(
            self.pools.vectors, (mixed(t.question, t.order) % np.uint64(_VECTORS)).astype(np.int64)
        )
        text = join(
            '{"embedding.vector": ', vector, ', "embedding.text": ', self.question_json, "}"
        )
        self.lists["attributes.embedding.embeddings"].put(
            embedding, 0, self.of_trace(text, embedding)
        )

        retriever = self.rows(s.RETRIEVER)
        self.ask(retriever, self.of_trace(self.question, retriever), PLAIN)
        self._documents("attributes.retrieval.documents", retriever, 0.93, "falling")
        reranker = self.rows(s.RERANKER)
        self.ask(reranker, self.of_trace(self.question, reranker), PLAIN)
        self._documents("attributes.reranker.input_documents", reranker, 0.93, "falling")
        self._documents("attributes.reranker.output_documents", reranker, 0.99, "reranked")
        self.texts["attributes.reranker.query"].put(
            reranker, self.of_trace(self.question, reranker)
        )
        chosen = pick(names(list(v.RERANKER_MODELS)), t.tenant[b.trace[reranker]] % 2)
        self.texts["attributes.reranker.model_name"].put(reranker, chosen)
        top_k = np.full(len(b), _TOP_K)
        self.done["attributes.reranker.top_k"] = pa.array(top_k, mask=b.kind != s.RERANKER)

    def _documents(self, column: str, rows: Ints, best: float, order: str) -> None:
        t, trace = self.block.traces, self.block.trace
        for place in range(5 if order == "falling" else _TOP_K):
            some = rows[t.passages[trace[rows]] > place]
            # A reranker reads the list from its other end, which is order enough to see that it did
            # something.
            source = t.passages[trace[some]] - 1 - place if order == "reranked" else place
            words = mixed(t.order[trace[some]], t.question[trace[some]])
            score = best - 0.07 * place - 0.06 * (words / 2.0**64)
            text = self.pools.documents.pick(*self.passage_number(some, source))
            self.lists[column].put(
                some, place, join(text, ', "document.score": ', numbers(score, 4), "}")
            )

    def tool_of(self, trace: Ints, step: Ints) -> Ints:
        """The tool that call number `step` of a trace uses."""
        return tool_of(self.block.traces, trace, step)

    def arguments(self, tool: Ints, trace: Ints) -> pa.Array:
        """JSON text of a call of the tool."""
        before, after = (
            pick(self.pools.arguments_before, tool),
            pick(self.pools.arguments_after, tool),
        )
        return join(before, pick(self.order, trace), after)

    def results(self, tool: Ints, trace: Ints, step: Ints) -> pa.Array:
        """JSON text of the answer of the tool to the trace's call number `step`."""
        return self.pools.tool_results.pick(tool, self.block.traces.result[trace] + step)

    def write_tools(self) -> None:
        """Tool spans: declaration, arguments, result."""
        b, rows = self.block, self.rows(s.TOOL)
        tool = b.tool[rows]
        self.ask(rows, self.arguments(tool, b.trace[rows]), JSON)
        for column, pool in (
            ("name", [t.name for t in v.TOOLS]),
            ("description", [t.description for t in v.TOOLS]),
            ("parameters", [t.parameters for t in v.TOOLS]),
        ):
            self.texts[f"attributes.tool.{column}"].put(rows, pick(names(pool), tool))
        worked = rows[b.failure[rows] < 0]
        self.answer(worked, self.results(b.tool[worked], b.trace[worked], b.step[worked]), JSON)

    def ask(self, rows: Ints, texts: pa.Array, mime_type: str) -> None:
        """Write the input of these rows."""
        self._value("attributes.input", rows, texts, mime_type)

    def answer(self, rows: Ints, texts: pa.Array, mime_type: str) -> None:
        """Write the output of these rows."""
        self._value("attributes.output", rows, texts, mime_type)

    def _value(self, column: str, rows: Ints, texts: pa.Array, mime_type: str) -> None:
        self.texts[f"{column}.value"].put(rows, texts)
        self.texts[f"{column}.mime_type"].put(
            rows, pick(names([mime_type]), np.zeros(len(rows), np.int64))
        )

    def write_guardrails(self) -> None:
        """Checks of what comes in."""
        b, rows = self.block, self.rows(s.GUARDRAIL)
        self.ask(rows, self.of_trace(self.question, rows), PLAIN)
        score = 0.2 * (b.words[rows, 0] / 2.0**64) ** 3
        check = pick(names(list(s.LABELS)), b.label[rows])
        self.answer(
            rows,
            join('{"check": "', check, '", "passed": true, "score": ', numbers(score, 3), "}"),
            JSON,
        )

    def write_parents(self) -> None:
        """Chains and agents: the question, and the output of the span that answered."""
        b = self.block
        parents = np.flatnonzero(np.isin(b.kind, (s.CHAIN, s.AGENT, s.EVALUATOR)))
        self.ask(parents, self.of_trace(self.question, parents), PLAIN)
        for column in ("attributes.output.value", "attributes.output.mime_type"):
            finished = self.texts[column].finish(len(b))
            source = np.where(b.failure[parents] < 0, b.answer[parents], -1)
            self.texts[column].put(parents, pick(finished, source))

"""The columns of LLM spans: messages, tools, parameters, tokens, cost and what came out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._sample import shapes as s
from spanduck._sample import vocabulary as v
from spanduck._sample.content import JSON, PLAIN, Writer, names
from spanduck._sample.shapes import Ints, expand
from spanduck._sample.text import Pieces, join, joined, numbers, pick, quoted
from spanduck._sample.topics import TOPICS

_MAX_STEPS = 4
_SENTENCE_TOKENS = 24
_MAX_SENTENCES = 9
# Places of messages in a conversation: system, earlier turns, the question, then calls and their
# results.
_TURN_PLACE, _QUESTION_PLACE, _CALL_PLACE = 1, 10, 20


class Conversation:
    """The LLM calls of a block; `write` fills in their columns."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.block = writer.block
        self.rows = writer.rows(s.LLM)
        self.role = self.block.role[self.rows]
        self.trace = self.block.trace[self.rows]
        self.answers = self._answers(self.rows)

    def write(self) -> None:
        """Write all columns of LLM spans."""
        self._write_input()
        self._write_output()
        self._write_parameters()
        self._write_numbers()
        self._write_prompt_templates()

    def _with_role(self, *roles: int) -> Ints:
        return self.rows[np.isin(self.role, roles)]

    def _answers(self, rows: Ints) -> pa.Array:
        """Some sentences of the topic, as many as the tokens make."""
        b, t, trace = self.block, self.block.traces, self.block.trace[rows]
        count = np.clip(b.completion_tokens[rows] // _SENTENCE_TOKENS, 1, _MAX_SENTENCES)
        question = self.writer.pools.question_before.index(t.topic[trace], t.question[trace])
        owner, number = expand(self.writer.pools.answer_starts[question], count)
        sentences = self.writer.pools.sentences.pick(t.topic[trace][owner], number)
        offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
        text = joined(pa.ListArray.from_arrays(pa.array(offsets), sentences), " ")
        return pc.coalesce(pick(self.writer.pools.foreign_answer, t.foreign[trace]), text)

    def _write_input(self) -> None:
        b, t, w = self.block, self.block.traces, self.writer
        messages = w.lists["attributes.llm.input_messages"]
        fixed = np.isin(self.role, (s.PLAN, s.JUDGE))  # their prompts ask for JSON already
        asks = b.asks_json[self.rows] & ~fixed
        for rows, pool in (
            (self.rows[~asks], w.pools.system),
            (self.rows[asks], w.pools.system_json),
        ):
            messages.put(rows, 0, pick(pool, b.role[rows]))
        talks = self._with_role(s.CHAT, s.ANSWER, s.CALL, s.FINAL)
        for turn in range(2):
            some = talks[t.turns[b.trace[talks]] > turn]
            for side in range(2):
                number = 2 * (t.question[b.trace[some]] + turn) + side
                text = w.pools.turns.pick(t.topic[b.trace[some]], number)
                messages.put(some, _TURN_PLACE + 2 * turn + side, text)
        asked = Pieces(pa.string())
        plain = self._with_role(s.CHAT, s.CALL, s.FINAL, s.PLAN)
        asked.put(plain, w.of_trace(w.question_json, plain))
        for role, texts in ((s.ANSWER, self._grounded), (s.JUDGE, self._graded)):
            rows = self._with_role(role)
            asked.put(rows, texts(rows))
        question = pick(asked.finish(len(b)), self.rows)
        message = join('{"message.role": "user", "message.content": ', question, "}")
        messages.put(self.rows, _QUESTION_PLACE, message)
        self._write_earlier_calls()
        # What went over the line to the model: the same messages with the vendor's own keys.
        text = joined(messages.finish(len(b)), ", ")
        text = pc.replace_substring(pick(text, self.rows), '"message.', '"')
        model = pick(names([m.name for m in v.MODELS]), t.model[self.trace])
        w.ask(self.rows, join('{"model": "', model, '", "messages": [', text, "]}"), JSON)

    def _grounded(self, rows: Ints) -> pa.Array:
        w = self.writer
        before, middle, after = _split(v.PROMPT_TEMPLATES["answer"], "{context}", "{question}")
        question = pc.utf8_slice_codeunits(w.of_trace(w.question_json, rows), 1, -1)
        return join(f'"{before}', self._context(rows), middle, question, f'{after}"')

    def _context(self, rows: Ints) -> pa.Array:
        """Two passages, escaped for JSON but not quoted."""
        pool = self.writer.pools.passages_json
        two = [pool.pick(*self.writer.passage_number(rows, place)) for place in range(2)]
        return join(
            *[x for text in two for x in (pc.utf8_slice_codeunits(text, 1, -1), "\\n\\n")][:-1]
        )

    def _graded(self, rows: Ints) -> pa.Array:
        w = self.writer
        before, middle, after = _split(v.PROMPT_TEMPLATES["judge"], "{question}", "{answer}")
        question = pc.utf8_slice_codeunits(w.of_trace(w.question_json, rows), 1, -1)
        answer = pc.utf8_slice_codeunits(quoted(self._answers(rows)), 1, -1)
        return join(f'"{before}', question, middle, answer, f'{after}"')

    def _write_earlier_calls(self) -> None:
        b, w = self.block, self.writer
        messages = w.lists["attributes.llm.input_messages"]
        agents = self._with_role(s.CALL, s.FINAL)
        for step in range(_MAX_STEPS):
            some = agents[b.step[agents] > step]
            # The tool of a span's own step is known; earlier ones are so many places before it.
            steps = np.full(len(some), step)
            tool = w.tool_of(b.trace[some], steps)
            messages.put(some, _CALL_PLACE + 2 * step, self._call_message(tool, b.trace[some]))
            result = quoted(w.results(tool, b.trace[some], steps))
            text = join('{"message.role": "tool", "message.content": ', result, "}")
            messages.put(some, _CALL_PLACE + 2 * step + 1, text)

    def _call(self, tool: Ints, trace: Ints) -> pa.Array:
        name = pick(names([t.name for t in v.TOOLS]), tool)
        arguments = quoted(self.writer.arguments(tool, trace))
        return join(
            '[{"tool_call.function.name": "', name, '", "tool_call.function.arguments": ',
            arguments, "}]"
        )  # fmt: skip

    def _call_message(self, tool: Ints, trace: Ints) -> pa.Array:
        return join(
            '{"message.role": "assistant", "message.tool_calls": ', self._call(tool, trace), "}"
        )

    def _write_output(self) -> None:
        b, w = self.block, self.writer
        worked = b.failure[self.rows] < 0
        asks = b.asks_json[self.rows]
        messages = w.lists["attributes.llm.output_messages"]

        calls = self.rows[worked & (self.role == s.CALL)]
        messages.put(calls, 0, self._call_message(b.tool[calls], b.trace[calls]))
        text = pc.replace_substring(
            self._call(b.tool[calls], b.trace[calls]), '"tool_call.function.', '"'
        )
        w.answer(calls, join('{"tool_calls": ', text, "}"), JSON)

        said = worked & (self.role != s.CALL) & ~asks
        rows = self.rows[said]
        texts = self.answers.filter(pa.array(said))
        w.answer(rows, texts, PLAIN)
        self._say(rows, texts)

        rows = self.rows[worked & asks]
        texts = _spoiled(self._json_answers(rows), b.spoils_json[rows])
        w.answer(rows, texts, JSON)
        self._say(rows, texts)

    def _say(self, rows: Ints, texts: pa.Array) -> None:
        message = join('{"message.role": "assistant", "message.content": ', quoted(texts), "}")
        self.writer.lists["attributes.llm.output_messages"].put(rows, 0, message)

    def _json_answers(self, rows: Ints) -> pa.Array:
        b, t, w = self.block, self.block.traces, self.writer
        trace = b.trace[rows]
        intent = pick(names([topic.name for topic in TOPICS]), t.topic[trace])
        chance = b.words[rows, 0] / 2.0**64
        answer = join(
            '{"intent": "', intent,
            '", "order_id": "', pick(w.order, trace),
            '", "confidence": ', numbers(0.6 + 0.39 * chance, 2),
            ', "needs_human": ', pick(names(["false", "true"]), (chance < 0.12).astype(np.int64)),
            ', "reply": ', quoted(self._answers(rows)), "}",
        )  # fmt: skip
        verdict = pick(names(list(v.VERDICTS)), (chance * len(v.VERDICTS)).astype(np.int64))
        answer = pc.if_else(pa.array(b.role[rows] == s.JUDGE), verdict, answer)
        return pc.if_else(pa.array(b.role[rows] == s.PLAN), v.PLAN, answer)

    def _write_parameters(self) -> None:
        b, t, w = self.block, self.block.traces, self.writer
        model = pick(names([m.name for m in v.MODELS]), t.model[self.trace])
        w.texts["attributes.llm.model_name"].put(self.rows, model)
        provider = pick(names([m.provider for m in v.MODELS]), t.model[self.trace])
        w.texts["attributes.llm.provider"].put(self.rows, provider)
        warmth = pick(names(["0.2", "0.7", "0.0", "0.0", "0.3", "0.0", "0", "0"]), self.role)
        tail = names(
            [
                '"max_tokens": 1024}',
                '"max_tokens": 1024, "response_format": {"type": "json_object"}}',
            ]
        )
        asks = b.asks_json[self.rows].astype(np.int64)
        parameters = join(
            '{"model": "', model, '", "temperature": ', warmth, ", ", pick(tail, asks)
        )
        w.texts["attributes.llm.invocation_parameters"].put(self.rows, parameters)
        agents = self._with_role(s.CALL, s.FINAL)
        for place in range(len(TOPICS[0].tools)):
            tool = w.tool_of(b.trace[agents], np.full(len(agents), place))
            w.lists["attributes.llm.tools"].put(agents, place, pick(w.pools.tool_declaration, tool))

    def _write_numbers(self) -> None:
        b, w = self.block, self.writer
        other = b.kind != s.LLM
        total = b.prompt_tokens + b.completion_tokens
        for name, values in (
            ("prompt", b.prompt_tokens),
            ("completion", b.completion_tokens),
            ("total", total),
            ("prompt_details.cache_read", b.cached_tokens),
        ):
            w.done[f"attributes.llm.token_count.{name}"] = pa.array(values, mask=other)
        prices = np.array([(m.prompt_price, m.cached_price, m.completion_price) for m in v.MODELS])
        price = prices[b.traces.model[b.trace]]
        tokens = np.stack(
            (b.prompt_tokens - b.cached_tokens, b.cached_tokens, b.completion_tokens), axis=1
        )
        cost = np.round((price * tokens).sum(axis=1) / 1e6, 9)
        w.done["attributes.llm.cost.total"] = pa.array(cost, mask=other)

    def _write_prompt_templates(self) -> None:
        w, rows = self.writer, self._with_role(s.ANSWER)
        template = pick(names([v.PROMPT_TEMPLATES["answer"]]), np.zeros(len(rows), np.int64))
        w.texts["attributes.llm.prompt_template.template"].put(rows, template)
        variables = join(
            '{"question": ', w.of_trace(w.question_json, rows), ', "context": "',
            self._context(rows), '"}'
        )  # fmt: skip
        w.texts["attributes.llm.prompt_template.variables"].put(rows, variables)


def _split(template: str, first: str, second: str) -> tuple[str, str, str]:
    """Split a prompt template at its two variables, its parts escaped for JSON."""
    before, _, rest = template.replace("\n", "\\n").partition(first)
    middle, _, after = rest.partition(second)
    return before, middle, after


def _spoiled(texts: pa.Array, how: Ints) -> pa.Array:
    """Break JSON as models do: cut off, fenced, with words before it, with a comma too many."""
    body = pc.utf8_slice_codeunits(texts, 0, -1)
    broken = (
        pc.utf8_slice_codeunits(texts, 0, -3),
        join("```json\n", texts, "\n```"),
        join("Here is the JSON you asked for:\n", texts),
        join(body, ",}"),
    )
    for number, variant in enumerate(broken):
        texts = pc.if_else(pa.array(how == number), variant, texts)
    return texts

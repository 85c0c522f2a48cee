"""What happens in a block of traces, before any text: shape, clock, failures, tokens, topics.

Failures: 2.5 % of the LLM calls and 5 % of the tool calls fail on their own, and 60 % of these end
their trace: every ancestor has the status and the exception, and spans that would have come later
are absent. The repeated tool calls of 15 % of the agent loops fail on top of that, and never reach
the root.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from spanduck._sample import shapes as s
from spanduck._sample import vocabulary as v
from spanduck._sample.shapes import Bools, Ints, expand, shapes
from spanduck._sample.text import mixed
from spanduck._sample.topics import TOPIC_SHARES, TOPICS

Floats = npt.NDArray[np.float64]

USERS = 5_000
TENANTS = 40
ORDERS_PER_USER = 40
FIRST_TOKEN_MS = 380.0
TOKEN_MS = 9.0
TAIL_MS = 15_000.0
_HOUR_LOAD = (
    3,
    2,
    2,
    2,
    3,
    5,
    9,
    16,
    26,
    34,
    38,
    39,
    36,
    37,
    40,
    39,
    36,
    32,
    29,
    28,
    25,
    18,
    11,
    6,
)
_WEEKEND_LOAD = 0.4
# Median milliseconds and spread (sigma of the logarithm) of a span's own time, by kind; for a
# parent that is what it spends outside its children. LLM spans are worked out from their tokens
# instead.
_OWN_MS = {
    s.TOOL: (240.0, 0.9),
    s.CHAIN: (4.0, 0.6),
    s.AGENT: (6.0, 0.6),
    s.EMBEDDING: (45.0, 0.4),
    s.RETRIEVER: (60.0, 0.5),
    s.GUARDRAIL: (90.0, 0.5),
    s.RERANKER: (120.0, 0.4),
    s.EVALUATOR: (5.0, 0.5),
}
# One list of all failures: those of LLM calls first, then those of each tool.
FAILURES = (*v.LLM_FAILURES, *(failure for tool in v.TOOLS for failure in tool.failures))
_TOOL_FAILURES = np.array([len(tool.failures) for tool in v.TOOLS])
_FIRST_TOOL_FAILURE = len(v.LLM_FAILURES) + np.cumsum(_TOOL_FAILURES) - _TOOL_FAILURES
_TOPIC_TOOLS = np.array(
    [[[t.name for t in v.TOOLS].index(name) for name in topic.tools] for topic in TOPICS]
)


class Calendar:
    """Start times spread over the days before `now`, by hour of day and weekend (UTC)."""

    def __init__(self, now: datetime, days: float) -> None:
        # The last traces began ten minutes ago, so that none ends in the future.
        end = now.astimezone(UTC) - timedelta(minutes=10)
        begin = end - timedelta(days=days)
        hours = max(1, round(days * 24))
        self._edges = np.linspace(begin.timestamp(), end.timestamp(), hours + 1)
        middles = [datetime.fromtimestamp(edge, UTC) for edge in (self._edges[:-1] + 1800)]
        load = [
            _HOUR_LOAD[m.hour] * (_WEEKEND_LOAD if m.weekday() >= 5 else 1.0)  # Saturday, Sunday
            for m in middles
        ]
        self._quantiles = np.concatenate(([0.0], np.cumsum(load) / np.sum(load)))

    def times_ns(self, quantiles: Floats) -> Ints:
        """Give the times before which these shares of the traffic lie, as nanoseconds."""
        seconds = np.interp(quantiles, self._quantiles, self._edges)
        times: Ints = (seconds * 1e6).astype(np.int64) * 1000
        return times


@dataclass
class Traces:
    """What all spans of a trace share. One element a trace."""

    words: npt.NDArray[np.uint64]
    """The trace id, two words a row."""
    topic: Ints
    user: Ints
    tenant: Ints
    order: Ints
    question: Ints
    turns: Ints
    """Earlier turns of the conversation, 0 to 2."""
    passage: Ints
    passages: Ints
    """Documents found, 3 to 5."""
    tool: Ints
    result: Ints
    model: Ints
    session: npt.NDArray[np.uint64]
    environment: Ints
    version: Ints
    experiment: Ints
    """-1 for most traces."""
    tags: Ints
    """-1 for most traces."""
    foreign: Ints
    """Which of the texts in another script is asked and answered, -1 for 99 of 100."""


@dataclass
class Block:
    """Spans of a block, one element a span: a trace's spans together, parents before children."""

    traces: Traces
    trace: Ints
    words: npt.NDArray[np.uint64]
    kind: Ints
    role: Ints
    step: Ints
    label: Ints
    parent: Ints
    """Row of the parent, -1 for roots."""
    answer: Ints
    """Row whose output is this span's output, -1 for none."""
    start_ns: Ints
    end_ns: Ints
    failure: Ints
    """Index into `FAILURES`, -1 for spans that did not fail."""
    tool: Ints
    prompt_tokens: Ints
    completion_tokens: Ints
    cached_tokens: Ints
    first_token_ns: Ints
    asks_json: Bools
    spoils_json: Ints
    """How the asked JSON is broken, -1 where it is not."""

    def __len__(self) -> int:
        """Count the spans."""
        return len(self.kind)


def _choose(rng: np.random.Generator, shares: npt.ArrayLike, count: int) -> Ints:
    cumulated = np.cumsum(np.asarray(shares, dtype=np.float64))
    chosen: Ints = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right")
    return chosen


def _sometimes(rng: np.random.Generator, share: float, choices: int, count: int) -> Ints:
    return np.where(rng.random(count) < share, rng.integers(0, choices, count), -1)


def _tokens(rng: np.random.Generator, median: float, sigma: float, count: int) -> Ints:
    return np.maximum(1, np.rint(median * np.exp(sigma * rng.standard_normal(count)))).astype(
        np.int64
    )


def _draw_traces(rng: np.random.Generator, start_ns: Ints) -> Traces:
    count = len(start_ns)
    user = _choose(rng, 1.0 / np.arange(1, USERS + 1) ** 0.8, count)
    tenant = (TENANTS * (mixed(user) / 2.0**64) ** 1.8).astype(np.int64)
    hour = start_ns // 3_600_000_000_000
    return Traces(
        words=rng.integers(0, 1 << 64, (count, 2), dtype=np.uint64),
        topic=_choose(rng, TOPIC_SHARES, count),
        user=user,
        tenant=tenant,
        order=user * ORDERS_PER_USER + rng.integers(0, ORDERS_PER_USER, count),
        question=rng.integers(0, 1000, count),
        turns=_choose(rng, (0.5, 0.3, 0.2), count),
        passage=rng.integers(0, 1000, count),
        passages=rng.integers(3, 6, count),
        tool=rng.integers(0, 1000, count),
        result=rng.integers(0, 1000, count),
        model=_choose(rng, [m.share for m in v.MODELS], count),
        session=mixed(user, hour),
        environment=_choose(rng, [share for _, share in v.ENVIRONMENTS], count),
        version=_choose(rng, [share for _, share in v.VERSIONS], count),
        experiment=_sometimes(rng, 0.15, len(v.EXPERIMENTS), count),
        tags=_sometimes(rng, 0.4, len(v.TAGS), count),
        foreign=_sometimes(rng, 0.01, len(v.FOREIGN), count),
    )


def tool_of(traces: Traces, trace: Ints, step: Ints) -> Ints:
    """The tool, by its place in `TOOLS`, of call number `step` of a trace: the topic's in turn."""
    tools = _TOPIC_TOOLS[traces.topic[trace]]
    chosen: Ints = tools[np.arange(len(trace)), (traces.tool[trace] + step) % tools.shape[1]]
    return chosen


def _own_ns(
    rng: np.random.Generator, kind: Ints, model: Ints, completion: Ints, failure: Ints
) -> tuple[Ints, Ints]:
    """Give each span's own time and the time to first token, in nanoseconds."""
    own = np.zeros(len(kind))
    spread = rng.standard_normal(len(kind))
    for of_kind, (median, sigma) in _OWN_MS.items():
        rows = kind == of_kind
        own[rows] = median * np.exp(sigma * spread[rows])
    llm = kind == s.LLM
    factor = np.array([m.first_token_factor for m in v.MODELS])[model]
    first = np.where(llm, FIRST_TOKEN_MS * factor * np.exp(0.4 * spread), 0.0)
    tail = np.where(
        rng.random(len(kind)) < 0.01, TAIL_MS * np.exp(0.2 * rng.standard_normal(len(kind))), 0
    )
    own = np.where(llm, first + np.where(failure < 0, completion * TOKEN_MS + tail, 0), own)
    waited = np.array([f.after_s if f.after_s is not None else np.nan for f in FAILURES]) * 1000
    waited = np.where((failure >= 0) & (llm | (kind == s.TOOL)), waited[failure], np.nan)
    own = np.where(np.isnan(waited), own, waited)
    return (own * 1e6).astype(np.int64), (first * 1e6).astype(np.int64)


def _fail(
    rng: np.random.Generator, *, trace: Ints, kind: Ints, role: Ints, parent: Ints, tool: Ints
) -> tuple[Ints, Bools]:
    """Choose which spans fail with what, and which spans stay when a failure ends their trace."""
    rows = np.arange(len(kind))
    chance = rng.random(len(kind))
    repeated = role == s.FAILED
    fails = ((kind == s.LLM) & (chance < 0.025)) | ((kind == s.TOOL) & (chance < 0.05)) | repeated
    number = rng.integers(0, 1000, len(kind))
    of_llm = number % len(v.LLM_FAILURES)
    of_tool = _FIRST_TOOL_FAILURE[tool] + number % _TOOL_FAILURES[tool]
    failure = np.where(fails, np.where(kind == s.LLM, of_llm, of_tool), -1)
    ends_trace = fails & ~repeated & (rng.random(len(kind)) < 0.6)
    last = np.full(trace[-1] + 1, len(kind))
    np.minimum.at(last, trace[ends_trace], rows[ends_trace])
    is_kept = rows <= last[trace]
    children = rows[ends_trace & is_kept]
    while len(children):
        children = children[parent[children] >= 0]
        failure[parent[children]] = failure[children]
        children = parent[children]
    return failure, is_kept


def _ask_json(rng: np.random.Generator, kind: Ints, role: Ints) -> tuple[Bools, Ints]:
    """Choose the 20 % of LLM calls that ask for JSON, and the 4 % of these that get none."""
    llm = kind == s.LLM
    always = llm & ((role == s.PLAN) | (role == s.JUDGE))
    eligible = llm & ~always & (role != s.CALL)
    # Plans and verdicts are always JSON and tool calls never, which leaves the rest of the 20 % to
    # the answers.
    share = (0.20 * llm.sum() - always.sum()) / max(1, eligible.sum())
    asks = always | (eligible & (rng.random(len(kind)) < share))
    spoils = np.where(asks & (rng.random(len(kind)) < 0.04), rng.integers(0, 4, len(kind)), -1)
    return asks, spoils


def _row_of(local: Ints, first: Ints) -> Ints:
    """Return rows of the block for places within a trace; -1 stays for none."""
    rows: Ints = np.where(local < 0, -1, first + local)
    return rows


def _token_counts(rng: np.random.Generator, llm: Bools) -> tuple[Ints, Ints, Ints]:
    """Draw the tokens of LLM calls: completion, prompt, and what of the prompt was cached."""
    completion = np.where(llm, _tokens(rng, 130, 0.75, len(llm)), 0)
    prompt = np.where(llm, _tokens(rng, 420, 0.8, len(llm)), 0)
    cached = np.where(rng.random(len(llm)) < 0.3, (prompt * 0.6).astype(np.int64) // 64 * 64, 0)
    return completion, prompt, cached


def _clock(
    rng: np.random.Generator, variants: Ints, start_ns: Ints, own_ns: Ints, is_kept: Bools
) -> tuple[Ints, Ints]:
    """Let spans begin and end in turn.

    A short step before each start, the span's own time before its end, nothing for absent spans.
    """
    table = shapes()
    first = np.cumsum(table.span_count[variants]) - table.span_count[variants]
    owner, event = expand(table.first_event[variants], 2 * table.span_count[variants])
    row = first[owner] + table.event_span[event]
    is_start = table.event_is_start[event]
    lead_ns = (1e6 * np.exp(0.5 * rng.standard_normal(len(event)))).astype(np.int64)
    elapsed = np.where(is_start, lead_ns, own_ns[row]) * is_kept[row]
    clock = np.cumsum(elapsed)
    clock += (start_ns - clock[2 * first])[owner]
    begin, end = np.empty_like(own_ns), np.empty_like(own_ns)
    begin[row[is_start]] = clock[is_start]
    end[row[~is_start]] = clock[~is_start]
    return begin, end


def draw(rng: np.random.Generator, variants: Ints, start_ns: Ints) -> Block:
    """Draw a block of traces.

    Args:
        rng: The block's own source of randomness.
        variants: The shape variant of each trace.
        start_ns: When each trace begins.

    Returns:
        The block's spans without the ones that a failure prevented.
    """
    table = shapes()
    traces = _draw_traces(rng, start_ns)
    trace, place = expand(table.first_span[variants], table.span_count[variants])
    first = np.cumsum(table.span_count[variants]) - table.span_count[variants]
    kind, role, step = table.kind[place], table.role[place], table.step[place]
    parent = _row_of(table.parent[place], first[trace])
    answer = _row_of(table.answer[place], first[trace])
    tool = tool_of(traces, trace, step)

    failure, is_kept = _fail(rng, trace=trace, kind=kind, role=role, parent=parent, tool=tool)
    completion, prompt, cached = _token_counts(rng, kind == s.LLM)
    own_ns, first_token_ns = _own_ns(rng, kind, traces.model[trace], completion, failure)
    asks_json, spoils_json = _ask_json(rng, kind, role)
    begin, end = _clock(rng, variants, start_ns, own_ns, is_kept)
    kept = np.flatnonzero(is_kept)
    place_of = np.full(len(kind) + 1, -1)  # the last element answers for -1
    place_of[kept] = np.arange(len(kept))
    return Block(
        traces=traces,
        trace=trace[kept],
        words=rng.integers(0, 1 << 64, (len(kept), 1), dtype=np.uint64),
        kind=kind[kept],
        role=role[kept],
        step=step[kept],
        label=table.label[place][kept],
        parent=place_of[parent[kept]],
        answer=place_of[answer[kept]],
        start_ns=begin[kept],
        end_ns=end[kept],
        failure=failure[kept],
        tool=tool[kept],
        prompt_tokens=prompt[kept],
        completion_tokens=np.where(failure < 0, completion, 0)[kept],
        cached_tokens=cached[kept],
        first_token_ns=first_token_ns[kept],
        asks_json=asks_json[kept],
        spoils_json=spoils_json[kept],
    )

"""The shapes of traces: which spans a trace has, under which parent, in which order.

Each shape has a few variants (how many tools, whether a reranker takes part), and each variant is a
short table of spans in pre-order. All variants lie one behind the other in flat arrays, so that a
thousand traces are expanded by one gather. Spans of a trace run one after the other; a parent
begins before its first child and ends after its last, and the order of these beginnings and ends is
the variant's list of events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

KINDS = (
    "LLM",
    "TOOL",
    "CHAIN",
    "AGENT",
    "EMBEDDING",
    "RETRIEVER",
    "GUARDRAIL",
    "RERANKER",
    "EVALUATOR",
)
LLM, TOOL, CHAIN, AGENT, EMBEDDING, RETRIEVER, GUARDRAIL, RERANKER, EVALUATOR = range(len(KINDS))

ROLES = ("chat", "answer", "call", "final", "plan", "judge", "work", "failed")
CHAT, ANSWER, CALL, FINAL, PLAN, JUDGE, WORK, FAILED = range(len(ROLES))
"""What a span does in its trace; the first six are of LLM spans, FAILED is a repeated tool call."""

LABELS = (
    "",
    "answer_question",
    "guarded_chat",
    "support_agent",
    "supervisor",
    "research_agent",
    "orders_agent",
    "prompt_injection_check",
    "pii_check",
    "evaluate_helpfulness",
)


@dataclass
class _Trace:
    """A variant while it is being written down."""

    share: float
    kind: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    role: list[int] = field(default_factory=list)
    step: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    events: list[tuple[int, bool]] = field(default_factory=list)
    _open: list[int] = field(default_factory=list)

    def enter(self, kind: int, role: int = WORK, *, step: int = 0, label: str = "") -> int:
        index = len(self.kind)
        self.kind.append(kind)
        self.parent.append(self._open[-1] if self._open else -1)
        self.role.append(role)
        self.step.append(step)
        self.label.append(LABELS.index(label))
        self.answer.append(-1)
        self.events.append((index, True))
        self._open.append(index)
        return index

    def leave(self, answer: int = -1) -> None:
        index = self._open.pop()
        self.answer[index] = answer
        self.events.append((index, False))

    def leaf(self, kind: int, role: int = WORK, *, step: int = 0, label: str = "") -> int:
        index = self.enter(kind, role, step=step, label=label)
        self.leave()
        return index

    def retrieval(self, *, is_reranked: bool) -> int:
        self.enter(RETRIEVER)
        self.leaf(EMBEDDING)
        self.leave()
        if is_reranked:
            self.leaf(RERANKER)
        return self.leaf(LLM, ANSWER)


def _chat(share: float) -> _Trace:
    trace = _Trace(share)
    trace.leaf(LLM, CHAT)
    return trace


def _retrieval_augmented(share: float, *, is_reranked: bool) -> _Trace:
    trace = _Trace(share)
    trace.enter(CHAIN, label="answer_question")
    trace.leave(trace.retrieval(is_reranked=is_reranked))
    return trace


def _agent_loop(share: float, tools: int, *, is_repeated: bool) -> _Trace:
    trace = _Trace(share)
    trace.enter(AGENT, label="support_agent")
    for step in range(tools):
        trace.leaf(LLM, CALL, step=step)
        if is_repeated and step == tools - 1:
            trace.leaf(TOOL, FAILED, step=step)
        trace.leaf(TOOL, step=step)
    trace.leave(trace.leaf(LLM, FINAL, step=tools))
    return trace


def _guarded_chat(share: float) -> _Trace:
    trace = _Trace(share)
    trace.enter(CHAIN, label="guarded_chat")
    trace.leaf(GUARDRAIL, label="prompt_injection_check")
    answer = trace.leaf(LLM, CHAT)
    trace.leaf(GUARDRAIL, label="pii_check")
    trace.leave(answer)
    return trace


def _nested_agents(share: float, tools: int, *, is_reranked: bool) -> _Trace:
    trace = _Trace(share)
    trace.enter(AGENT, label="supervisor")
    trace.leaf(LLM, PLAN)
    trace.enter(AGENT, label="research_agent")
    trace.leave(trace.retrieval(is_reranked=is_reranked))
    trace.enter(AGENT, label="orders_agent")
    trace.leaf(LLM, CALL)
    last = -1
    for step in range(tools):
        last = trace.leaf(TOOL, step=step)
    trace.leave(last)
    trace.leave(trace.leaf(LLM, FINAL, step=tools))
    return trace


def _evaluator(share: float) -> _Trace:
    trace = _Trace(share)
    trace.enter(EVALUATOR, label="evaluate_helpfulness")
    trace.leave(trace.leaf(LLM, JUDGE))
    return trace


REPEATED_SHARE = 0.15
RERANKED_SHARE = 0.30


def _variants() -> list[_Trace]:
    variants = [_chat(0.30), _guarded_chat(0.10), _evaluator(0.05)]
    for is_reranked, share in ((False, 1 - RERANKED_SHARE), (True, RERANKED_SHARE)):
        variants.append(_retrieval_augmented(0.30 * share, is_reranked=is_reranked))
        variants += [
            _nested_agents(0.05 * share * weight, tools, is_reranked=is_reranked)
            for tools, weight in ((1, 0.35), (2, 0.40), (3, 0.25))
        ]
    for is_repeated, share in ((False, 1 - REPEATED_SHARE), (True, REPEATED_SHARE)):
        variants += [
            _agent_loop(0.20 * share * weight, tools, is_repeated=is_repeated)
            for tools, weight in ((1, 0.40), (2, 0.35), (3, 0.20), (4, 0.05))
        ]
    return variants


@dataclass(frozen=True)
class Shapes:
    """Every variant in flat arrays. Indices into a trace are local: 0 is its root."""

    share: npt.NDArray[np.float64]
    first_span: Ints
    span_count: Ints
    kind: Ints
    parent: Ints
    """Local index of the parent, -1 for the root."""
    role: Ints
    step: Ints
    """The number of the tool call this span makes, or of the calls made before it."""
    label: Ints
    answer: Ints
    """Local index of the span whose output is this span's output, -1 when it has one of its own."""
    first_event: Ints
    event_span: Ints
    event_is_start: Bools


@cache
def shapes() -> Shapes:
    """Give the table of all variants. Built once a process."""
    variants = _variants()
    counts = np.array([len(v.kind) for v in variants], dtype=np.int64)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))

    def flat(name: str) -> Ints:
        return np.array([x for v in variants for x in getattr(v, name)], dtype=np.int64)

    events = [event for v in variants for event in v.events]
    return Shapes(
        share=np.array([v.share for v in variants]),
        first_span=first,
        span_count=counts,
        kind=flat("kind"),
        parent=flat("parent"),
        role=flat("role"),
        step=flat("step"),
        label=flat("label"),
        answer=flat("answer"),
        first_event=2 * first,
        event_span=np.array([span for span, _ in events], dtype=np.int64),
        event_is_start=np.array([is_start for _, is_start in events], dtype=np.bool_),
    )


def expand(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Expand ranges into one run of indices.

    Args:
        starts: First index of each range.
        counts: Length of each range.

    Returns:
        The number of the range each element belongs to, and the element's index.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    offset = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return owner, np.repeat(starts, counts) + offset

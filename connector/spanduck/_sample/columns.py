"""The columns of generated spans, in the types that the upload sends."""

from __future__ import annotations

import pyarrow as pa

_TEXTS = pa.list_(pa.string())

SCHEMA = pa.schema(
    [
        ("context.trace_id", pa.string()),
        ("context.span_id", pa.string()),
        ("parent_id", pa.string()),
        ("name", pa.string()),
        ("start_time", pa.int64()),
        ("end_time", pa.int64()),
        ("status_code", pa.string()),
        ("status_message", pa.string()),
        ("events", _TEXTS),
        ("attributes.openinference.span.kind", pa.string()),
        ("attributes.session.id", pa.string()),
        ("attributes.user.id", pa.string()),
        ("attributes.metadata", pa.string()),
        ("attributes.tag.tags", _TEXTS),
        ("attributes.input.value", pa.string()),
        ("attributes.input.mime_type", pa.string()),
        ("attributes.output.value", pa.string()),
        ("attributes.output.mime_type", pa.string()),
        ("attributes.llm.model_name", pa.string()),
        ("attributes.llm.provider", pa.string()),
        ("attributes.llm.invocation_parameters", pa.string()),
        ("attributes.llm.input_messages", _TEXTS),
        ("attributes.llm.output_messages", _TEXTS),
        ("attributes.llm.tools", _TEXTS),
        ("attributes.llm.token_count.prompt", pa.int64()),
        ("attributes.llm.token_count.completion", pa.int64()),
        ("attributes.llm.token_count.total", pa.int64()),
        ("attributes.llm.token_count.prompt_details.cache_read", pa.int64()),
        ("attributes.llm.cost.total", pa.float64()),
        ("attributes.llm.prompt_template.template", pa.string()),
        ("attributes.llm.prompt_template.variables", pa.string()),
        ("attributes.embedding.model_name", pa.string()),
        ("attributes.embedding.embeddings", _TEXTS),
        ("attributes.retrieval.documents", _TEXTS),
        ("attributes.reranker.model_name", pa.string()),
        ("attributes.reranker.query", pa.string()),
        ("attributes.reranker.top_k", pa.int64()),
        ("attributes.reranker.input_documents", _TEXTS),
        ("attributes.reranker.output_documents", _TEXTS),
        ("attributes.tool.name", pa.string()),
        ("attributes.tool.description", pa.string()),
        ("attributes.tool.parameters", pa.string()),
        ("attributes.agent.name", pa.string()),
        ("attributes.exception.type", pa.string()),
        ("attributes.exception.message", pa.string()),
    ]
)
"""Times are nanoseconds since the epoch, UTC. Lists hold one JSON text an element; tags text."""

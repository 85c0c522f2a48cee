# ruff: noqa: E501, RUF001 - running text of several languages reads best in long lines
"""The words of the generated spans: one shop's support assistant, its tools, models and prompts.

Everything here is data. Texts are written so that a page of generated spans reads like a page of real ones; they
hold no JSON and need no escaping rules of their own (`text.quoted` does that). A text with an order number in it is
a pair, the part before the number and the part after.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A language model: its share of calls, its speed and its price list in dollars per million tokens."""

    name: str
    provider: str
    span_name: str
    share: float
    first_token_factor: float
    """Multiplies the time to first token. The weighted geometric mean over the models is 1."""
    prompt_price: float
    cached_price: float
    completion_price: float


@dataclass(frozen=True)
class Failure:
    """How a call fails."""

    type: str
    message: str
    after_s: float | None = None
    """How long the caller waited for it; None when it came as fast as an answer."""


@dataclass(frozen=True)
class Tool:
    """A tool of the agents: how it is declared, called, and what it answers."""

    name: str
    description: str
    parameters: str
    """JSON Schema of the arguments, as JSON text."""
    arguments: tuple[str, str]
    """JSON text of one call, before and after the order number."""
    results: tuple[str, ...]
    """JSON texts of successful answers."""
    failures: tuple[Failure, ...]


MODELS = (
    Model("gpt-4o-mini", "openai", "ChatCompletion", 0.42, 0.82, 0.15, 0.075, 0.60),
    Model("gpt-4o", "openai", "ChatCompletion", 0.24, 1.02, 2.50, 1.25, 10.00),
    Model("claude-sonnet-4-5", "anthropic", "Messages.create", 0.18, 1.25, 3.00, 0.30, 15.00),
    Model("gemini-2.5-flash", "google", "generate_content", 0.11, 0.78, 0.30, 0.075, 2.50),
    Model("llama-3.3-70b-instruct", "together", "ChatCompletion", 0.05, 3.36, 0.88, 0.88, 0.88),
)

EMBEDDING_MODELS = ("text-embedding-3-small", "text-embedding-3-large")
RERANKER_MODELS = ("rerank-v3.5", "bge-reranker-v2-m3")

_ORDER = '{"type":"object","properties":{"order_id":{"type":"string"}},"required":["order_id"]}'
_TIMEOUT = Failure("TimeoutError", "the order service gave no answer within 5.0 s", 5.0)
_BAD_GATEWAY = Failure(
    "httpx.HTTPStatusError", "Server error '502 Bad Gateway' for POST /internal/v1"
)

TOOLS = (
    Tool(
        "get_order",
        "Look up an order: its items, total, payment state and current status.",
        _ORDER,
        ('{"order_id": "', '"}'),
        (
            '{"status": "shipped", "items": 2, "total": 84.90, "currency": "EUR", "paid": true}',
            '{"status": "processing", "items": 1, "total": 129.00, "currency": "EUR", "paid": true}',
            '{"status": "delivered", "items": 4, "total": 212.45, "currency": "USD", "paid": true}',
            '{"status": "cancelled", "items": 1, "total": 39.99, "currency": "USD", "paid": false}',
        ),
        (_TIMEOUT, Failure("KeyError", "'order_id' is not in the orders index")),
    ),
    Tool(
        "track_shipment",
        "Ask the carrier where a parcel is and when it is expected.",
        '{"type":"object","properties":{"order_id":{"type":"string"},"carrier":{"type":"string"}},'
        '"required":["order_id"]}',
        ('{"order_id": "', '", "carrier": "auto"}'),
        (
            '{"carrier": "DHL", "state": "in_transit", "last_scan": "Leipzig hub", "eta_days": 1}',
            '{"carrier": "UPS", "state": "out_for_delivery", "last_scan": "Lyon", "eta_days": 0}',
            '{"carrier": "DPD", "state": "held_at_customs", "last_scan": "Dover", "eta_days": 4}',
        ),
        (_BAD_GATEWAY, Failure("TimeoutError", "the carrier gave no answer within 8.0 s", 8.0)),
    ),
    Tool(
        "issue_refund",
        "Refund an order in full or in part to the payment method it was paid with.",
        '{"type":"object","properties":{"order_id":{"type":"string"},"amount":{"type":"number"},'
        '"reason":{"type":"string"}},"required":["order_id","reason"]}',
        ('{"order_id": "', '", "reason": "item arrived damaged"}'),
        (
            '{"refund_id": "rf_20418", "state": "pending", "amount": 39.99, "days": 5}',
            '{"refund_id": "rf_20977", "state": "approved", "amount": 84.90, "days": 3}',
            '{"refund_id": null, "state": "needs_review", "amount": 212.45, "days": null}',
        ),
        (Failure("ValueError", "refund exceeds the captured amount"), _BAD_GATEWAY),
    ),
    Tool(
        "get_invoice",
        "Fetch the invoice of an order with tax lines and payment reference.",
        _ORDER,
        ('{"order_id": "', '"}'),
        (
            '{"invoice": "INV-88213", "net": 71.34, "tax": 13.56, "lines": 2, "state": "paid"}',
            '{"invoice": "INV-90155", "net": 108.40, "tax": 20.60, "lines": 1, "state": "open"}',
        ),
        (_TIMEOUT, Failure("PermissionError", "scope billing:read is missing for this tenant")),
    ),
    Tool(
        "check_inventory",
        "Tell how many of the ordered article are in stock, by warehouse.",
        '{"type":"object","properties":{"order_id":{"type":"string"},"sku":{"type":"string"}},'
        '"required":["sku"]}',
        ('{"order_id": "', '", "sku": "TRK-40-GRN"}'),
        (
            '{"sku": "TRK-40-GRN", "available": 17, "warehouses": {"HAM": 12, "LYS": 5}}',
            '{"sku": "TRK-40-GRN", "available": 0, "warehouses": {}, "restock": "in 9 days"}',
        ),
        (_TIMEOUT, Failure("ValueError", "unknown sku TRK-40-GRN for this market")),
    ),
    Tool(
        "update_account",
        "Change the address, e-mail or notification settings of the customer's account.",
        '{"type":"object","properties":{"order_id":{"type":"string"},"field":{"type":"string"},'
        '"value":{"type":"string"}},"required":["field","value"]}',
        ('{"order_id": "', '", "field": "shipping_address", "value": "(confirmed in chat)"}'),
        (
            '{"updated": ["shipping_address"], "takes_effect": "next order"}',
            '{"updated": ["shipping_address"], "takes_effect": "immediately"}',
        ),
        (Failure("PermissionError", "the customer has not confirmed the change"), _BAD_GATEWAY),
    ),
    Tool(
        "create_ticket",
        "Hand the conversation to a person, with a one-line summary and a priority.",
        '{"type":"object","properties":{"order_id":{"type":"string"},"summary":{"type":"string"},'
        '"priority":{"enum":["low","normal","high"]}},"required":["summary"]}',
        ('{"order_id": "', '", "summary": "customer asks for a person", "priority": "normal"}'),
        (
            '{"ticket": "T-51882", "queue": "tier-2", "expected_answer_hours": 4}',
            '{"ticket": "T-51940", "queue": "billing", "expected_answer_hours": 12}',
        ),
        (_TIMEOUT, _BAD_GATEWAY),
    ),
)

FOREIGN = (
    (
        "注文した商品がまだ届きません。いつ届きますか？",
        "お問い合わせありがとうございます。お荷物は明日の午前中に到着する予定です。",
    ),
    (
        "¿Dónde está mi pedido? Debería haber llegado el lunes 😕",
        "Su paquete está en camino y llegará mañana por la mañana. ¡Gracias por su paciencia!",
    ),
    (
        "Ich hätte gern eine Rechnung mit unserer USt-IdNr., bitte möglichst früh.",
        "Natürlich, die geänderte Rechnung geht Ihnen in wenigen Minuten per E-Mail zu. Schöne Grüße!",
    ),
    (
        "Où en est mon remboursement ? J'ai renvoyé le colis il y a déjà trois semaines…",
        "Votre remboursement a été validé ; il apparaîtra sur votre compte d'ici cinq jours ouvrés. ☕",
    ),
    (
        "我的积分没有到账，可以帮我查一下吗？",
        "好的，积分会在收货后14天内到账，请您耐心等待。",
    ),
)

_PERSONA = (
    "You are the support assistant of Fernway, a shop for outdoor equipment. Be friendly, brief and exact. Never"
    " promise a date, an amount or a replacement that a tool or a document has not confirmed. Never ask for card data"
    " or passwords. If the customer is upset, say sorry once and then solve the problem."
)

SYSTEM_PROMPTS = {
    "chat": _PERSONA + " Answer in the language of the customer, in at most six sentences.",
    "answer": _PERSONA
    + " Use only the passages between the markers. If they do not hold the answer, say so and offer to hand over to"
    " a person. Do not mention the passages themselves.",
    "agent": _PERSONA
    + " You may call the tools below. Call one tool at a time, look at its result, then decide. When a call fails, try"
    " it once more; when it fails again, open a ticket. Finish with an answer to the customer.",
    "plan": "You lead a team of two agents. research_agent searches the knowledge base, orders_agent reads and changes"
    " orders. Break the request into steps and give each to one agent. Answer with a JSON object with the keys plan"
    " and agents, and nothing else.",
    "judge": "You grade answers of a support assistant. Given a question and an answer, decide whether the answer is"
    " helpful: it addresses the question, is correct by the passages and says what happens next. Answer with a JSON"
    " object with the keys label (helpful or unhelpful), score (0 to 1) and explanation.",
}

JSON_DEMAND = (
    " Answer with one JSON object with the keys intent, order_id, confidence, needs_human and reply."
    " No text before or after it."
)

PROMPT_TEMPLATES = {
    "chat": "{question}",
    "answer": "Answer the question from the passages.\n\n<<<\n{context}\n>>>\n\nQuestion: {question}",
    "judge": "[QUESTION]: {question}\n[ANSWER]: {answer}\n\nIs the answer helpful?",
}

PLAN = (
    '{"plan": ["find the rule that applies", "read the order", "act on the order", "answer the customer"],'
    ' "agents": ["research_agent", "orders_agent"]}'
)

VERDICTS = (
    '{"label": "helpful", "score": 0.95, "explanation": "Addresses the question and names the next step."}',
    '{"label": "helpful", "score": 0.80, "explanation": "Correct, though the customer has to ask again for a date."}',
    '{"label": "helpful", "score": 0.90, "explanation": "Matches the passages and stays brief."}',
    '{"label": "unhelpful", "score": 0.25, "explanation": "Promises a replacement that no passage supports."}',
)

LLM_FAILURES = (
    Failure("RateLimitError", "Error code: 429 - rate limit reached for requests per minute"),
    Failure("APITimeoutError", "Request timed out after 15.0 s", 15.0),
    Failure("BadRequestError", "Error code: 400 - context_length_exceeded"),
    Failure("InternalServerError", "Error code: 503 - the engine is overloaded, try again later"),
)

ENVIRONMENTS = (("production", 0.86), ("staging", 0.11), ("development", 0.03))
VERSIONS = (("2.14.0", 0.12), ("2.15.1", 0.55), ("2.16.0", 0.28), ("2.17.0-rc1", 0.05))
EXPERIMENTS = ("prompt-b", "short-answers", "rerank-always")
TAGS = (("support", "chat"), ("support", "beta"), ("canary",), ("support", "holiday-traffic", "eu"))

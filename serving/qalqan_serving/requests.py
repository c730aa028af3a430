"""A chat request in OpenAI's shape, read strictly: what we can't honour is refused with its name, never ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from qalqan_guardrails.contract import Message
from qalqan_serving.errors import BadRequest

MAX_MESSAGES = 400


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextPart(_Strict):
    """One text part of a message's content; other kinds of part (images, audio, files) are refused."""

    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    """One message; `name` and `tool_call_id` are read and dropped, since nothing may count by person."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]
    name: str | None = None
    tool_call_id: str | None = None
    refusal: None = None

    def plain(self) -> Message:
        """The message as the rails and the model see it."""
        text = self.content if isinstance(self.content, str) else "\n".join(p.text for p in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class StreamOptions(_Strict):
    """What OpenAI's clients ask of a stream."""

    include_usage: bool = False


class ChatRequest(_Strict):
    """The body of POST /v1/chat/completions. `knowledge` is ours: a collection's name, or null for none."""

    model: str = Field(max_length=200)
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    knowledge: Annotated[str, Field(max_length=100)] | None = ""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    response_format: dict[str, Any] | None = None
    n: Literal[1] | None = None
    user: str | None = None
    store: Literal[False] | None = None

    def options(self) -> dict[str, Any]:
        """The sampling fields that were given, for the model as they came."""
        fields = (
            "temperature",
            "top_p",
            "frequency_penalty",
            "presence_penalty",
            "seed",
            "stop",
            "response_format",
        )
        return {name: value for name in fields if (value := getattr(self, name)) is not None}


_REQUEST = TypeAdapter(ChatRequest)


def parse(raw: bytes) -> ChatRequest:
    """The request, or BadRequest with one sentence; the sentence never repeats what was sent."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not valid JSON in UTF-8: send one JSON object.", code="invalid_json") from error
    try:
        request = _REQUEST.validate_python(body)
    except ValidationError as error:
        raise _explain(error) from None
    if request.messages[-1].role not in ("user", "tool"):
        raise BadRequest("The last message must come from the user or a tool.", param="messages")
    if not request.messages[-1].plain().content.strip():
        raise BadRequest("The last message is empty: write the question there.", param="messages")
    return request


def _explain(error: ValidationError) -> BadRequest:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # A key that the client made up may hold anything, so only our own field names are repeated.
    known = [str(p) for p in first["loc"] if isinstance(p, int) or p in _FIELDS]
    where = ".".join(known) or "body"
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        shown = f"'{name}'" if name in _OPENAI_FIELDS else "a field"
        return BadRequest(
            f"This server does not support {shown} here: leave it out.", code="unsupported_parameter", param=where
        )
    if first["type"] == "string_unicode":
        return BadRequest(f"{where}: the text is not valid Unicode.", param=where)
    return BadRequest(f"{where}: {first['msg']}.", param=where)


_FIELDS = {*ChatRequest.model_fields, *ChatMessage.model_fields, *StreamOptions.model_fields, "text", "type"}
_OPENAI_FIELDS = {
    "tools", "tool_choice", "functions", "function_call", "logprobs", "top_logprobs", "logit_bias", "modalities",
    "audio", "prediction", "parallel_tool_calls", "reasoning_effort", "service_tier", "metadata", "verbosity",
    "tool_calls", "image_url", "input_audio", "file", "top_k", "min_p", "repetition_penalty", "echo", "best_of",
}  # fmt: skip

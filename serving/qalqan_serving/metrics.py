"""Prometheus metrics of the gateway. Labels come from closed sets: no label can name or count a person."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from qalqan_serving.audit import RuleHit
from qalqan_serving.turn import Turn, Usage

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
STAGES = ("rails_in", "retrieval", "label", "audit")


class Metrics:
    """The counters and histograms of one gateway process, in a registry of their own."""

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        self._model = model
        self._answers = Counter(
            "qalqan_answers", "Answers by outcome.", ("outcome", "audience", "lang", "model"), registry=self.registry
        )
        self._hits = Counter(
            "qalqan_rule_hits",
            "Rules that fired, once an answer.",
            ("rule", "category", "direction", "action", "audience", "lang"),
            registry=self.registry,
        )
        self._stages = Histogram(
            "qalqan_stage_seconds", "Time by stage.", ("stage",), buckets=_SECONDS, registry=self.registry
        )
        self._duration = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Time of a whole answer, audit included (OpenTelemetry: gen_ai.server.request.duration).",
            ("gen_ai_request_model",),
            buckets=_SECONDS,
            registry=self.registry,
        ).labels(model)
        self._tokens = Counter(
            "gen_ai_client_token_usage",
            "Tokens by kind (OpenTelemetry: gen_ai.client.token.usage).",
            ("gen_ai_token_type", "gen_ai_request_model"),
            registry=self.registry,
        )
        self._stage = {name: self._stages.labels(name) for name in STAGES}

    def answered(self, outcome: str, turn: Turn, rules: Iterable[RuleHit], seconds: float, usage: Usage) -> None:
        """Counts one answer; `seconds` is its whole time."""
        self._answers.labels(outcome, turn.audience, turn.lang, self._model).inc()
        for hit in rules:
            self._hits.labels(hit.rule, hit.category, hit.direction, hit.action, turn.audience, turn.lang).inc()
        self._duration.observe(seconds)
        if usage.prompt_tokens:
            self._tokens.labels("input", self._model).inc(usage.prompt_tokens)
            self._tokens.labels("output", self._model).inc(usage.completion_tokens)

    def stage(self, name: str) -> _Stage:
        """Times a stage: `with metrics.stage("label"): ...`."""
        return _Stage(self._stage[name])

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Stage:
    __slots__ = ("_histogram", "_started")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._histogram.observe(time.perf_counter() - self._started)

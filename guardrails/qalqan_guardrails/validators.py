"""Every rail as a guardrails-ai validator, for an agency's own `Guard().use(...)`.

Import this before `guardrails` itself: that library reports to an outside address unless told not to, and this module
tells it, for the whole process. Setting its rc in code is not enough, because each Guard reads the rc file again; so
what it reads always says no, and what would report is built without a way out. It takes 5 s to import, so no other
module of this package does it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

# litellm, which guardrails-ai pulls in, fetches a price list at import otherwise.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

from guardrails import settings
from guardrails.classes.rc import RC
from guardrails.utils.hub_telemetry_utils import HubTelemetry
from guardrails.validator_base import Validator, register_validator
from guardrails_ai.types import ErrorSpan, FailResult, PassResult, ValidationResult
from opentelemetry.trace import NoOpTracer

from qalqan_guardrails.contract import Direction, Finding, Rail, Sample
from qalqan_guardrails.language import detect
from qalqan_guardrails.rails import single_rails
from qalqan_guardrails.redaction import Cut, redacted
from qalqan_guardrails.texts import mask

_read_rc = RC.load


def _quiet_rc(logger: Any = None) -> RC:
    """The user's own rc (token and all), except that it never asks for metrics."""
    rc = _read_rc(logger)
    rc.enable_metrics = False
    return rc


def _no_way_out(self: HubTelemetry, *_: Any, **__: Any) -> None:
    """Stands in for the set-up of the exporter: a tracer that records nothing, for whoever turns it on later."""
    vars(self).update(_enabled=False, _tracer=NoOpTracer(), _carrier={})


RC.load = staticmethod(_quiet_rc)
settings.rc = _quiet_rc()
HubTelemetry.initialize_tracer = _no_way_out
# A Guard that was made before this import holds the one instance; __new__ hands it out again.
_no_way_out(HubTelemetry())


class RailValidator(Validator):
    """A rail as a validator: fails on findings of at least `threshold`, with their spans, and a text without them.

    `direction` says where the text stands: "input", "output" (the default) or "retrieved".
    """

    rail: ClassVar[str]

    def __init__(
        self, direction: Direction = "output", threshold: float = 0.6, on_fail: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(on_fail=on_fail, direction=direction, threshold=threshold, **kwargs)
        self._direction: Direction = direction
        self._threshold = threshold
        self._rail: Rail = single_rails()[self.rail]

    def _validate(self, value: Any, metadata: dict[str, Any]) -> ValidationResult:
        text = str(value)
        try:
            found = [f for f in self._rail.check(Sample(text, self._direction)) if f.score >= self._threshold]
        except Exception:
            return FailResult(error_message=f"{self.rail}: could not be checked", fix_value="")
        return self._failed(text, found) if found else PassResult()

    def _failed(self, text: str, found: Sequence[Finding]) -> FailResult:
        lang = detect(text, "kk")
        whole = ((0, len(text)),)
        places = [(span, finding) for finding in found for span in finding.spans or whole]
        return FailResult(
            error_message=f"{self.rail}: " + ", ".join(sorted({finding.rule for finding in found})),
            fix_value=redacted(text, [Cut(span, mask(finding.label, lang)) for span, finding in places]),
            error_spans=[ErrorSpan(start=span[0], end=span[1], reason=finding.rule) for span, finding in places],
        )


@register_validator(name="qalqan/personal_data", data_type="string")
class PersonalData(RailValidator):
    """IIN, phone, card, KZ account and e-mail."""

    rail = "personal_data"


@register_validator(name="qalqan/confidentiality", data_type="string")
class Confidentiality(RailValidator):
    """Marks of official use and grades of state secrets."""

    rail = "confidentiality"


@register_validator(name="qalqan/confidential_leak", data_type="string")
class ConfidentialLeak(RailValidator):
    """Answers that give away the operator's instructions or keys."""

    rail = "confidential_leak"


@register_validator(name="qalqan/emotion_inference", data_type="string")
class EmotionInference(RailValidator):
    """Determining what a real person feels."""

    rail = "emotion_inference"


@register_validator(name="qalqan/manipulation", data_type="string")
class Manipulation(RailValidator):
    """Steering people past their own judgement."""

    rail = "manipulation"


@register_validator(name="qalqan/self_harm", data_type="string")
class SelfHarm(RailValidator):
    """Statements of intent to harm oneself."""

    rail = "self_harm"


@register_validator(name="qalqan/prompt_injection", data_type="string")
class PromptInjection(RailValidator):
    """Orders that try to take the place of the operator's."""

    rail = "prompt_injection"


@register_validator(name="qalqan/social_scoring", data_type="string")
class SocialScoring(RailValidator):
    """Rating people by behaviour or traits."""

    rail = "social_scoring"


@register_validator(name="qalqan/automated_grading", data_type="string")
class AutomatedGrading(RailValidator):
    """A grade for a pupil's work."""

    rail = "automated_grading"

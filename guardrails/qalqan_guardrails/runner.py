"""Runs every rail over a text and asks the policy. A rail that fails has not said yes: the text is stopped.

One runner serves all threads: it keeps nothing of one check for the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from qalqan_guardrails.contract import Audience, Finding, Hit, Rail, Sample, Verdict
from qalqan_guardrails.language import prepare
from qalqan_guardrails.policy import Policy, load_policies
from qalqan_guardrails.rails import default_rails as default_rails
from qalqan_guardrails.texts import COULD_NOT_CHECK

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Runner:
    """Rails and the policies of the audiences."""

    rails: Sequence[Rail]
    policies: Mapping[Audience, Policy]

    def check(self, sample: Sample, audience: Audience) -> Verdict:
        """The verdict on any string. Never raises: what could not be checked is blocked, unless it is a crisis."""
        findings: list[Finding] = []
        failed: list[Hit] = []
        for rail in self.rails:
            try:
                findings += rail.check(sample)
            except Exception as error:
                failed.append(_failure(rail, error))
        try:
            verdict = self.policies[audience].judge(sample, findings)
        except Exception as error:
            log.error("policy_failed", audience=audience, error=type(error).__name__)
            return Verdict("block", "", tuple(failed), COULD_NOT_CHECK)
        if not failed:
            return verdict
        hits = (*failed, *verdict.hits)
        # The card is fixed text and lets nothing through, so a crisis is answered even then.
        return (
            Verdict("crisis", "", hits, verdict.message)
            if verdict.decision == "crisis"
            else Verdict("block", "", hits, COULD_NOT_CHECK)
        )


def _failure(rail: Rail, error: Exception) -> Hit:
    """The hit that a failed rail leaves. Its message may hold the text, so only its type is logged."""
    log.error("rail_failed", rail=rail.name, error=type(error).__name__)
    return Hit(Finding(rail.categories[0], 1.0, f"{rail.name}.failed"), "block", "18(2)", COULD_NOT_CHECK)


def default_runner(policies_folder: Path | None = None) -> Runner:
    """The shipped rails with the policies of a folder (the shipped ones by default). Raises PolicyError."""
    prepare()
    return Runner(default_rails(), load_policies(policies_folder))

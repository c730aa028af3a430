"""Errors of the guardrails package.

    GuardrailsError
    └ PolicyError        a policy, rule or text file is missing, malformed or names something unknown

A rail's own failure is no error here: the runner turns it into a block.
"""

from __future__ import annotations


class GuardrailsError(Exception):
    """Base of everything that this package raises on purpose; the message is one sentence with the way out."""


class PolicyError(GuardrailsError):
    """A policy or rule file cannot be used; the message names the file and the key."""

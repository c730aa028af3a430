"""Helplines, service numbers and offices' mailboxes: known to all, so no detector reports them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from qalqan_guardrails.data import HERE, read_as


class Public(BaseModel):
    """rules/public.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    numbers: frozenset[str]
    prefixes: tuple[str, ...]
    mailboxes: frozenset[str]


PUBLIC = read_as(HERE / "rules" / "public.yaml", Public)

"""Qalqan's guardrails: rails that find, policies that decide, and the runner that joins them."""

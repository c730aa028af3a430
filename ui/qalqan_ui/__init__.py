"""Qalqan's student chat; it speaks to the gateway over HTTP only."""

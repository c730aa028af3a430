"""Qalqan's gateway: one request, one way, from HTTP to a labelled answer."""

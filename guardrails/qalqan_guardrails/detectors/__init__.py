"""Exact detectors: one rule, one file, its data on top. Each reads a normal form and answers with candidates."""

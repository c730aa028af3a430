"""Qalqan's own speed, measured as ratios against a bare relay in the same run."""

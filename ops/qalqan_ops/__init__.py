"""Qalqan's operation: the `qalqan` command, settings, audit log, processes."""

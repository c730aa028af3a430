"""Errors of operation: what stops a command. Each is one sentence with the way out, printed without a trace.

OpsError
├ SettingsError      a setting is wrong or contradicts another
├ PortTaken          another program listens there
├ DataLocked         another Qalqan runs on this data folder
├ ChildFailed        a part can't be started (child.py)
├ ModelFolderError   the folder is not a model that we serve (vllm.py)
└ VllmMissing        vLLM is not installed (vllm.py)
"""

from __future__ import annotations


class OpsError(Exception):
    """Base of what a command reports in one sentence; it exits with status 2."""


class SettingsError(OpsError):
    """A setting can't be used as it stands."""


class PortTaken(OpsError):
    """The port is in use."""


class DataLocked(OpsError):
    """The data folder is in use by a running Qalqan."""

"""`qalqan check`: what is configured, what is missing, and what would phone home."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qalqan_ops import offswitch, ports
from qalqan_ops.errors import OpsError
from qalqan_ops.settings import Settings
from qalqan_ops.vllm import check_model_folder, vllm_python


def report(settings: Settings) -> tuple[bool, list[str]]:
    """Whether all that is configured is there, and the lines that say so."""
    problems: list[str] = []
    lines = [
        f"engine      {settings.chosen_engine}",
        f"profile     {settings.profile}",
        f"gateway     http://{settings.host}:{settings.port}",
        f"chat        http://{settings.host}:{settings.ui_port}" if settings.ui else "chat        off",
        f"data        {settings.data}",
        f"library     {settings.qdrant_url or settings.data / 'library'}",
        "API         open: this machine only, and no key exists",
    ]
    _try(problems, lambda: ports.require_free(settings.host, settings.port, "--port"))
    if settings.ui:
        _try(problems, lambda: ports.require_free(settings.host, settings.ui_port, "--ui-port"))
    if settings.model:
        model = settings.model
        _try(problems, lambda: check_model_folder(model))
        _try(problems, vllm_python)
    if not os.access(_existing(settings.data), os.W_OK):
        problems.append(f"The data folder {settings.data} can't be written: name another with --data.")
    lines.append("")
    lines.append("Off-switches (set before any import and in every child process):")
    off = True
    for name, wanted, found in offswitch.state():
        off = off and wanted == found
        lines.append(f"  {'off ' if wanted == found else 'OPEN'} {name}={found}")
    lines.append("Would phone home: nothing." if off else "Would phone home: see OPEN above.")
    lines.append("")
    lines += [f"missing: {p}" for p in problems] or ["Nothing is missing."]
    return off and not problems, lines


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.absolute().parent)


def _try(problems: list[str], look: Callable[[], object]) -> None:
    try:
        look()
    except OpsError as error:
        problems.append(str(error))

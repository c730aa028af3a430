"""Every off-switch for telemetry, update checks and downloads, in one place; imports nothing that could call out."""

from __future__ import annotations

import os
from collections.abc import Mapping

SWITCHES: dict[str, str] = {
    "DO_NOT_TRACK": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    # vLLM asks this address, by default one outside, whether GPU kernels can be had there; nothing listens on port 9.
    "FLASHINFER_CUBINS_REPOSITORY": "http://127.0.0.1:9/",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "LANGSMITH_TRACING_V2": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING": "false",
    "QDRANT__TELEMETRY_DISABLED": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_OFFLINE_MODE": "true",
    # guardrails-ai reports through OpenTelemetry, and heeds no other switch than this and a file in the home folder.
    "OTEL_SDK_DISABLED": "true",
}


def apply() -> None:
    """Sets every switch in this process; to be called before any other import."""
    os.environ.update(SWITCHES)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A child's environment: this process's own, `extra` over it, and the switches over both."""
    return {**os.environ, **extra, **SWITCHES}


def state() -> list[tuple[str, str, str]]:
    """Each switch as (name, wanted, found in this process, "" where unset)."""
    return [(name, wanted, os.environ.get(name, "")) for name, wanted in SWITCHES.items()]

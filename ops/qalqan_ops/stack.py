"""The composition root: settings in, a running gateway application out."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from starlette.types import ASGIApp

from qalqan_guardrails.runner import default_runner
from qalqan_knowledge.library import ensure_starter, open_library
from qalqan_ops.audit import SqliteAudit
from qalqan_ops.keys import label_key
from qalqan_ops.settings import Settings, load
from qalqan_serving.answer import Parts
from qalqan_serving.engines.extractive import ExtractiveModel
from qalqan_serving.engines.model import Model
from qalqan_serving.engines.upstream import UpstreamModel
from qalqan_serving.gateway import GatewayConfig, build
from qalqan_serving.label import Labeller
from qalqan_serving.metrics import Metrics
from qalqan_serving.tokens import Tokenizer

VLLM_URL = "QALQAN_VLLM_URL"
VLLM_KEY = "QALQAN_VLLM_KEY"
VLLM_CONTEXT = "QALQAN_VLLM_CONTEXT"
"""Where our own vLLM child listens, its key, and the tokens of context that it serves: passed by `qalqan up` to the
gateway, set by nobody else."""


def create_app() -> ASGIApp:
    """The application over the settings of this process (uvicorn's factory)."""
    return assemble(load())


def assemble(settings: Settings) -> ASGIApp:
    """Opens every part and puts the gateway over them. Raises OpsError, PolicyError or StoreUnavailable."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    runner = default_runner(settings.policies)
    library = open_library(settings.data, settings.qdrant_url)
    ensure_starter(library)
    model = _model(settings)
    system = f"qalqan {version('qalqan')}"
    parts = Parts(
        runner=runner,
        library=library,
        model=model,
        labeller=Labeller(label_key(settings.data), system=system, provider_bin=settings.provider_bin),
        audit=SqliteAudit(settings.data / "audit.sqlite"),
        metrics=Metrics(model.name),
        passages=settings.passages,
    )
    config = GatewayConfig(settings.default_audience, settings.max_body_bytes, _about(settings, system, model.name))
    return build(parts, config)


def _model(settings: Settings) -> Model:
    engine = settings.chosen_engine
    if engine == "extractive":
        return ExtractiveModel()
    tokenizer = Tokenizer(settings.model) if settings.model else None
    if engine == "vllm" and settings.model:
        return UpstreamModel(
            os.environ[VLLM_URL],
            name=settings.model.name,
            api_key=os.environ[VLLM_KEY],
            tokenizer=tokenizer,
            context_tokens=int(os.environ[VLLM_CONTEXT]),
        )
    return UpstreamModel(
        settings.upstream or "",
        name=settings.upstream_model,
        api_key=settings.upstream_key,
        tokenizer=tokenizer,
        context_tokens=settings.upstream_context_tokens,
    )


def _about(settings: Settings, system: str, model: str) -> dict[str, Any]:
    """Characteristics and limits (law 230-VIII, Art. 7(1), 17(1), 17(2), 17(4))."""
    return {
        "object": "qalqan.about",
        "system": system,
        "engine": settings.chosen_engine,
        "model": model,
        "profile": settings.profile,
        "languages": ["kk", "ru", "en"],
        "risk_class": "medium",
        "autonomy_class": "low",
        "law": "KZ-230-VIII",
        "limits": {
            "kk": "Жауаптарда қате болуы мүмкін; маңызды мәселені адаммен тексеріңіз.",
            "ru": "В ответах возможны ошибки; важное проверяйте с человеком.",
            "en": "Answers may be wrong; check what matters with a person.",
        },
    }

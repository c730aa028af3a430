"""Parts of a gateway for tests: real rails and policies, scripted model and library."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings

from qalqan_guardrails.contract import Message
from qalqan_guardrails.runner import Runner, default_runner
from qalqan_knowledge.contract import Passage, ScriptedLibrary
from qalqan_serving.answer import Parts
from qalqan_serving.audit import MemoryAudit
from qalqan_serving.engines.model import ScriptedModel
from qalqan_serving.label import Labeller
from qalqan_serving.metrics import Metrics
from qalqan_serving.turn import Turn

# A property is true or false, not fast or slow: speed is measured by `qalqan bench`.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

PASSAGE = Passage(
    id="state/capital.kk#0",
    document="state/capital.kk",
    title="Қазақстанның астанасы",
    text="Қазақстанның астанасы – Астана қаласы. Астана Есіл өзенінің бойында тұр.",
    lang="kk",
    collection="national",
    producer="Qalqan",
    licence="CC-BY-4.0",
    source="Конституция",
    valid_from=date(2026, 7, 1),
    score=1.0,
    coverage=1.0,
)


@pytest.fixture(scope="session")
def runner() -> Runner:
    return default_runner()


@pytest.fixture
def make_parts(runner: Runner) -> Callable[..., Parts]:
    """Parts around a model that says the given pieces; any part can be replaced by name."""

    def make(*pieces: str, **replaced: object) -> Parts:
        parts = Parts(
            runner=runner,
            library=ScriptedLibrary([PASSAGE]),
            model=ScriptedModel(list(pieces)),
            labeller=Labeller(Ed25519PrivateKey.generate(), system="test"),
            audit=MemoryAudit(),
            metrics=Metrics("scripted"),
        )
        return replace(parts, **replaced)  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_turn() -> Callable[..., Turn]:
    """A turn with one question."""

    def make(question: str = "Қазақстанның астанасы қай қала?", *earlier: Message, **given: object) -> Turn:
        turn = Turn(
            id="qlq-test",
            messages=(*earlier, Message("user", question)),
            audience="pupil",
            lang="kk",
        )
        return replace(turn, **given)  # type: ignore[arg-type]

    return make

"""The off-switches: all of them, over whatever stands in the environment, and heeded by the libraries."""

import os
import subprocess
import sys

import pytest

from qalqan_ops import offswitch


def test_a_switch_turned_on_from_outside_is_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "0")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert ("VLLM_NO_USAGE_STATS", "1", "0") in offswitch.state()
    assert ("HF_HUB_OFFLINE", "1", "") in offswitch.state()
    child = offswitch.environment({"VLLM_NO_USAGE_STATS": "0", "OWN": "x"})
    assert child["VLLM_NO_USAGE_STATS"] == "1"
    assert child["OWN"] == "x"
    assert child["PATH"] == os.environ["PATH"]
    offswitch.apply()
    assert all(wanted == found for _, wanted, found in offswitch.state())


def test_it_imports_nothing_heavy() -> None:
    script = "import sys; from qalqan_ops import offswitch; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert not {"transformers", "gradio", "guardrails", "httpx", "asyncio", "socket"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("import huggingface_hub.constants as c; print(c.HF_HUB_OFFLINE, c.HF_HUB_DISABLE_TELEMETRY)", "True True"),
        ("from gradio.analytics import analytics_enabled; print(analytics_enabled())", "False"),
        ("import langsmith.utils as u; print(u.tracing_is_enabled())", "False"),
    ],
    ids=["huggingface_hub", "gradio", "langsmith"],
)
def test_the_library_heeds_it(question: str, answer: str) -> None:
    environment = offswitch.environment({})
    done = subprocess.run(
        [sys.executable, "-c", question], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.stdout.split("\n")[-2] == answer, done.stderr

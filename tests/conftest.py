"""What many tests share: the off-switches, the tiny model, and one real vLLM that serves it."""

from qalqan_ops import offswitch

offswitch.apply()

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import psutil  # noqa: E402
import pytest  # noqa: E402
from tiny_llama.build import tiny_llama as build_tiny_llama  # noqa: E402
from tiny_llama.server import VllmServer  # noqa: E402


@pytest.fixture(scope="session")
def tiny_llama() -> Path:
    """The folder of the tiny model, trained on the first call."""
    return build_tiny_llama()


@pytest.fixture(scope="session")
def vllm_server(tiny_llama: Path) -> Iterator[VllmServer]:
    """Real vLLM on loopback, supervised by our own `Child` as in `qalqan up`, and ready."""
    server = VllmServer(tiny_llama)
    try:
        server.start()
        yield server
    finally:
        family = server.processes()
        server.stop()
        _, left = psutil.wait_procs(family, timeout=5)
        assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]

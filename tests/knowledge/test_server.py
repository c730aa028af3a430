import socket
import time

import pytest

from qalqan_knowledge.errors import StoreUnavailable
from qalqan_knowledge.server import ServerLibrary


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_no_server_is_one_clear_sentence() -> None:
    port = closed_port()
    with pytest.raises(StoreUnavailable, match="does not answer") as told:
        ServerLibrary(f"http://127.0.0.1:{port}")
    assert str(port) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_silent_server_is_not_waited_for_long(silent_port: int) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        ServerLibrary(f"http://127.0.0.1:{silent_port}", timeout_s=1)
    assert time.monotonic() - started < 10


def test_an_address_that_is_none() -> None:
    with pytest.raises(StoreUnavailable):
        ServerLibrary("not a url")

"""`qalqan up` as its user meets it: what goes wrong is one sentence, what was started is stopped."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import pytest
from stack import QALQAN, free_port, running


def up(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(QALQAN), "up", "--no-ui", "--data", str(folder / "data"), *options],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )


def told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0]


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told(up(tmp_path, "--port", str(taken.getsockname()[1])), "taken", "--port")


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told(up(tmp_path, "--port", str(free_port()), "--model", str(tmp_path / "empty")), "empty")
    told(up(tmp_path, "--port", str(free_port()), "--model", str(tmp_path / "absent")), "absent")


def test_settings_that_contradict_are_one_sentence(tmp_path: Path) -> None:
    told(up(tmp_path, "--engine", "vllm"), "--model")
    told(up(tmp_path, "--engine", "llamacpp"), "engine")
    told(up(tmp_path, "--host", "0.0.0.0"), "127.0.0.1")
    (tmp_path / "qalqan.toml").write_text("port = 'x'\n")
    told(up(tmp_path), "port")
    (tmp_path / "qalqan.toml").write_text("portt = 1\n")
    told(up(tmp_path), "portt")


@pytest.mark.parametrize("damage", ["shard", "audit"])
def test_a_damaged_store_is_one_sentence(tmp_path: Path, damage: str) -> None:
    with running(tmp_path):
        pass
    if damage == "audit":
        (tmp_path / "data" / "audit.sqlite").write_bytes(b"not a database" * 100)
        for suffix in ("-wal", "-shm"):
            (tmp_path / "data" / f"audit.sqlite{suffix}").unlink(missing_ok=True)
    else:
        for path in (tmp_path / "data" / "library").rglob("*"):
            if path.is_file():
                path.write_bytes(b"garbage")
    done = up(tmp_path, "--port", str(free_port()))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert any(word in done.stderr + done.stdout for word in ("restore", "damaged", "move it away"))


def test_two_on_one_data_folder_are_one_too_many(tmp_path: Path) -> None:
    with running(tmp_path):
        told(up(tmp_path, "--port", str(free_port())), "Another Qalqan")


def test_the_file_is_read_and_the_environment_stands_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qalqan.toml").write_text('default_audience = "agency"\nprovider_bin = "000140000000"\n')
    monkeypatch.setenv("QALQAN_PROVIDER_BIN", "000240000000")
    with running(tmp_path) as stack:
        answer = httpx.post(
            f"{stack.url}/v1/chat/completions",
            json={"model": "default", "messages": [{"role": "user", "content": "Қазақстанның астанасы қай қала?"}]},
        )
        assert answer.json()["ai_label"]["provider_bin"] == "000240000000"
        receipt = httpx.get(f"{stack.url}/v1/receipts/{answer.headers['x-qalqan-receipt']}").json()
        assert receipt["audience"] == "agency"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as stack:
        family = stack.descendants()
        assert family
        os.kill(stack.process.pid, number)
        assert stack.process.wait(20) == 0
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive


def test_a_gateway_that_dies_comes_back(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        gateway = next(p for p in stack.descendants() if "qalqan_ops.serve" in " ".join(p.cmdline()))
        gateway.kill()
        gateway.wait(5)
        time.sleep(0.2)
        stack.wait_ready(60)
        assert stack.process.poll() is None


def test_check_names_every_off_switch_and_what_is_missing(tmp_path: Path) -> None:
    asked = [str(QALQAN), "check", "--data", str(tmp_path / "data")]
    environment = {**os.environ, "QALQAN_PORT": str(free_port()), "QALQAN_UI_PORT": str(free_port())}
    good = subprocess.run(asked, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment)
    assert good.returncode == 0, good.stdout + good.stderr
    for name in ("VLLM_NO_USAGE_STATS", "HF_HUB_OFFLINE", "GRADIO_ANALYTICS_ENABLED", "QDRANT__TELEMETRY_DISABLED"):
        assert name in good.stdout
    assert "Would phone home: nothing." in good.stdout
    bad = subprocess.run(
        [*asked, "--model", "nowhere"], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
    )
    assert bad.returncode == 1
    assert "nowhere" in bad.stdout

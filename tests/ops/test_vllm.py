"""Real vLLM on the tiny model: exact answers, silent logs, restarts; and the folders that are refused."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from tiny_llama.server import VllmServer

from qalqan_ops import vllm
from qalqan_ops.ports import free_port
from qalqan_ops.vllm import ModelFolderError, check_model_folder, log_line, vllm_environment

DIALOGUES = yaml.safe_load((Path(__file__).parents[1] / "tiny_llama" / "dialogues.yaml").read_text(encoding="utf-8"))
MARKER = "құпиясөз-7391"


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def change(name: str, **values: object) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        write(folder / name, {**json.loads((folder / name).read_text()), **values})

    return apply


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The smallest folder that passes."""
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048, "num_hidden_layers": 2}
    write(tmp_path / "config.json", config | {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2})
    write(tmp_path / "tokenizer.json", {})
    write(tmp_path / "tokenizer_config.json", {"chat_template": "{{ messages }}"})
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    return tmp_path


def test_a_folder_that_is_a_model_is_read(folder: Path) -> None:
    model = check_model_folder(folder)
    assert (model.architecture, model.context_tokens) == ("LlamaForCausalLM", 2048)
    assert model.kv_bytes_per_token == 2 * 2 * 2 * 16 * 2  # keys and values, two bytes, two layers, two heads of 16


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "can't be read"),
        (lambda f: (f / "config.json").write_text("[]"), "no JSON object"),
        (change("config.json", architectures=[]), "names no architecture"),
        (change("config.json", auto_map={"AutoModel": "own.Model"}), "needs code of its own"),
        (change("tokenizer_config.json", auto_map={"AutoTokenizer": ["own.T", None]}), "needs code of its own"),
        (change("tokenizer_config.json", chat_template=None), "no chat template"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer"),
        (lambda f: (f / "tokenizer_config.json").unlink(), "no tokenizer_config.json"),
        (lambda f: (f / "model.safetensors").unlink(), "no weights"),
        (
            lambda f: (f / "pytorch_model.bin").write_bytes(b""),
            "holds pytorch_model.bin, a kind of file that can run code",
        ),
        (lambda f: (f / "optimizer.pt").write_bytes(b""), "holds optimizer.pt"),
        (lambda f: os.truncate(f / "model.safetensors", 80), "was not copied to its end"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 64), "damaged"),
        (
            lambda f: write(f / "model.safetensors.index.json", {"weight_map": {"a": "part-2.safetensors"}}),
            "lacks part-2",
        ),
    ],
)
def test_a_folder_that_is_no_model_is_one_sentence(folder: Path, damage: Callable[[Path], Any], words: str) -> None:
    damage(folder)
    with pytest.raises(ModelFolderError) as error:
        check_model_folder(folder)
    assert words in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_a_path_that_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="is not a folder"):
        check_model_folder(tmp_path / "absent")


def test_a_long_context_is_cut_on_a_cpu_alone(folder: Path) -> None:
    change("config.json", max_position_embeddings=131072)(folder)
    model = check_model_folder(folder)
    assert vllm.served_context(model, "cpu") == 8192
    assert vllm.served_context(model, "gpu") == 131072


def test_the_environment_holds_the_key_and_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QALQAN_UPSTREAM_KEY", "secret")
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "0")
    environment = vllm_environment("the-key")
    assert environment["VLLM_API_KEY"] == "the-key"
    assert environment["VLLM_NO_USAGE_STATS"] == "1"
    assert not [name for name in environment if name.startswith("QALQAN_")]


def test_without_vllm_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vllm, "ENVIRONMENT", tmp_path / "absent")
    with pytest.raises(vllm.VllmMissing, match=r"make up MODEL=DIR"):
        vllm.vllm_python()


@pytest.mark.parametrize(
    ("line", "serving", "kept"),
    [
        (
            "(APIServer pid=7) INFO 11-23 19:45:03 [model.py:733] Resolved architecture: LlamaForCausalLM",
            False,
            (20, "APIServer model.py:733: Resolved architecture: LlamaForCausalLM"),
        ),
        ("(APIServer pid=7) INFO 11-23 19:45:29 [launcher.py:195] Route: /load, Methods: GET", False, None),
        ('  File "vllm/entry.py", line 9, in main', False, None),
        ("[W1123 19:45:23.486763614 utils.cpp:68] Warning: NUMA binding", False, None),
        ("Loading safetensors checkpoint shards: 100% Completed | 1/1 [00:00<00:00, 64.99it/s]", False, None),
        ("ValueError: the tensor has another shape", False, (20, "ValueError: the tensor has another shape")),
        (f"ValueError: {MARKER}", True, None),
        (
            f"(APIServer pid=7) ERROR 11-23 19:45:31 [serving.py:9] {MARKER}",
            True,
            (40, "APIServer serving.py:9: an error"),
        ),
    ],
)
def test_a_line_of_the_log_is_cleaned(line: str, serving: bool, kept: tuple[int, str] | None) -> None:
    assert log_line(line, serving=serving) == kept


def ask(server: VllmServer, question: str, *before: dict[str, str], **options: object) -> httpx.Response:
    body = {"model": "default", "messages": [*before, {"role": "user", "content": question}], "temperature": 0}
    headers = {"Authorization": f"Bearer {server.api_key}"}
    return httpx.post(f"{server.base_url}/v1/chat/completions", json=body | options, headers=headers, timeout=120)


def streamed(answer: httpx.Response) -> tuple[str, int]:
    """The text, and in how many pieces it came."""
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert answer.text.rstrip().endswith("data: [DONE]")
    pieces = [piece for event in events for c in event["choices"] if (piece := c["delta"].get("content"))]
    return "".join(pieces), len(pieces)


@pytest.mark.vllm
@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda d: d["id"])
def test_each_answer_is_exact_streamed_and_not(vllm_server: VllmServer, dialogue: dict[str, str]) -> None:
    whole = ask(vllm_server, dialogue["question"]).json()["choices"][0]
    assert (whole["message"]["content"], whole["finish_reason"]) == (dialogue["answer"], "stop")
    text, pieces = streamed(ask(vllm_server, dialogue["question"], stream=True))
    assert text == dialogue["answer"]
    assert pieces > 5


@pytest.mark.vllm
def test_what_stands_before_the_question_does_not_change_the_answer(vllm_server: VllmServer) -> None:
    """So the gateway's prompt and the passages of the library may stand there."""
    system = {
        "role": "system",
        "content": "Жауапты дереккөзге сүйеніп бер.\n[1] Көкшетау қаласы көл жағасында тұр.\n" * 20,
    }
    for dialogue in DIALOGUES:
        answer = ask(vllm_server, dialogue["question"], system).json()
        assert answer["usage"]["prompt_tokens"] > 500
        assert answer["choices"][0]["message"]["content"] == dialogue["answer"], dialogue["id"]


@pytest.mark.vllm
def test_it_wants_its_key_which_no_command_line_shows(vllm_server: VllmServer) -> None:
    url = f"{vllm_server.base_url}/v1/models"
    assert httpx.get(url).status_code == 401
    models = httpx.get(url, headers={"Authorization": f"Bearer {vllm_server.api_key}"}).json()["data"]
    assert {(m["id"], m["max_model_len"]) for m in models} == {("default", 4096), ("tiny-llama", 4096)}
    assert httpx.get(f"{vllm_server.base_url}/docs").status_code == 404
    for process in vllm_server.processes():
        assert vllm_server.api_key not in " ".join(process.cmdline())


@pytest.mark.vllm
def test_it_listens_on_loopback_and_speaks_with_nobody_else(vllm_server: VllmServer) -> None:
    ends = [c for process in vllm_server.processes() for c in process.net_connections(kind="inet")]
    assert any(c.status == psutil.CONN_LISTEN for c in ends)
    for end in ends:
        assert end.laddr.ip in ("127.0.0.1", "::1")
        assert not end.raddr or end.raddr.ip in ("127.0.0.1", "::1")


@pytest.mark.vllm
def test_no_log_line_carries_what_was_asked(vllm_server: VllmServer, capsys: pytest.CaptureFixture[str]) -> None:
    lines = len(vllm_server.raw)
    assert ask(vllm_server, MARKER, max_tokens=5).status_code == 200
    assert ask(vllm_server, f"{MARKER} " * 3000).status_code == 400
    assert ask(vllm_server, MARKER, temperature="warm").status_code == 400
    assert ask(
        vllm_server, MARKER, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": 5}}
    ).is_error
    assert ask(vllm_server, MARKER, stop=[""], logit_bias={MARKER: 1}).is_error
    picture = [{"type": "image_url", "image_url": {"url": f"http://192.0.2.1/{MARKER}"}}]
    assert ask(vllm_server, MARKER, {"role": "user", "content": picture}).is_error  # type: ignore[dict-item]
    headers = {"Authorization": f"Bearer {vllm_server.api_key}", "Content-Type": "application/json"}
    url = f"{vllm_server.base_url}/v1/chat/completions"
    assert httpx.post(url, content=f'{{"model": "{MARKER}", ', headers=headers).is_error
    time.sleep(0.5)
    assert not [line for line in vllm_server.raw[lines:] if MARKER in line]
    cleaned = [log_line(line, serving=True) for line in vllm_server.raw[lines:]]
    assert not [kept for kept in cleaned if kept and MARKER in kept[1]]
    assert MARKER not in capsys.readouterr().err


@pytest.mark.vllm
@pytest.mark.parametrize("part", ["", "EngineCore", "Worker"], ids=["api-server", "engine", "worker"])
def test_whichever_part_dies_all_of_it_is_replaced(vllm_server: VllmServer, part: str) -> None:
    before, restarts = vllm_server.pid, vllm_server.child.restarts
    killed = time.monotonic()
    family = vllm_server.kill(part)
    while vllm_server.child.ready and time.monotonic() - killed < 60:
        time.sleep(0.1)
    noticed = time.monotonic() - killed
    vllm_server.wait_ready()
    print(
        f"{part or 'API server'} killed: noticed after {noticed:.1f} s, ready after {time.monotonic() - killed:.1f} s"
    )
    assert vllm_server.child.restarts == restarts + 1
    assert vllm_server.pid != before
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    dialogue = DIALOGUES[0]
    assert ask(vllm_server, dialogue["question"]).json()["choices"][0]["message"]["content"] == dialogue["answer"]


@pytest.mark.vllm
async def test_a_model_that_vllm_cannot_serve_is_one_sentence(folder: Path) -> None:
    """The folder passes our check, but nothing has that architecture: vLLM's own reason is passed on."""
    change("config.json", architectures=["NoSuchModel"], model_type="llama")(folder)
    child = vllm.vllm_child(check_model_folder(folder), free_port(), "key")
    await child.start()
    with pytest.raises(vllm.OpsError, match=r"^vllm did not start: exit status 1: .*NoSuchModel"):
        await child.wait_ready()
    await child.stop()

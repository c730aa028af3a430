"""vLLM as our child: which folders it may serve, with which flags, and which of its log lines may be kept."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog

from qalqan_ops import offswitch
from qalqan_ops.child import Child
from qalqan_ops.errors import OpsError

Form = Literal["cpu", "gpu"]
ENVIRONMENT = Path(".venv-vllm")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CPU_CONTEXT = 8192
CPU_CONVERSATIONS = 8
START_TIMEOUT_S = 900.0
"""Large weights take minutes to read."""


class ModelFolderError(OpsError):
    """A folder that can't be served as a model."""


class VllmMissing(OpsError):
    """vLLM is not installed."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A checked folder; `context_tokens` and `kv_bytes_per_token` (16-bit) follow from its config, 0 where unknown."""

    path: Path
    architecture: str
    context_tokens: int
    kv_bytes_per_token: int
    weights_bytes: int


def check_model_folder(path: Path) -> ModelFolder:
    """What the folder holds. Raises ModelFolderError, in one sentence, when vLLM can't or mustn't serve it."""
    path = path.absolute()
    if not path.is_dir():
        raise ModelFolderError(f"{path} is not a folder: --model wants the folder of a model.")
    config = _json(path / "config.json", f"{path} is not a model: it has no config.json.")
    names = config.get("architectures")
    if not isinstance(names, list) or not names:
        raise ModelFolderError(f"{path} is not a language model: its config.json names no architecture.")
    if pickles := sorted(p.name for p in path.iterdir() if p.suffix in PICKLES):
        raise ModelFolderError(f"{path} holds {pickles[0]}, a kind of file that can run code when read: remove it.")
    if "auto_map" in config or "auto_map" in _tokenizer_config(path):
        raise ModelFolderError(f"{path} needs code of its own (auto_map), which Qalqan never runs: use another model.")
    _check_tokenizer(path)
    text = config.get("text_config") or config
    return ModelFolder(path, str(names[0]), _context(text), _kv_bytes(text), _check_weights(path))


def vllm_python() -> Path:
    """The interpreter that has vLLM. Raises VllmMissing."""
    for folder in (Path.cwd(), *Path(__file__).parents[1:3]):
        python = folder / ENVIRONMENT / "bin" / "python"
        if os.access(python, os.X_OK):
            return python
    if importlib.util.find_spec("vllm"):
        return Path(sys.executable)
    raise VllmMissing("vLLM is not installed: `make up MODEL=DIR` installs the form that this machine needs.")


def vllm_form(python: Path) -> Form:
    """Which form of vLLM that interpreter has; ops/setup-vllm.sh notes it in a stamp."""
    stamp = python.parent.parent / "stamp"
    return "cpu" if stamp.exists() and stamp.read_text().startswith("cpu") else "gpu"


def served_context(folder: ModelFolder, form: Form) -> int:
    """Tokens of context that vLLM is told to serve; on a CPU a long one would take minutes and all the memory."""
    return min(folder.context_tokens or CPU_CONTEXT, CPU_CONTEXT) if form == "cpu" else folder.context_tokens


def vllm_command(folder: ModelFolder, port: int) -> list[str]:
    """The command line: loopback only, safetensors only, no remote code, no docs, no prompts in logs, no media.

    The API key is not in it, for everyone on the machine can read command lines: see `vllm_environment`.
    """
    python = vllm_python()
    form = vllm_form(python)
    command = [
        *(str(python), "-W", "ignore", "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(folder.path), "--served-model-name", *dict.fromkeys(["default", folder.path.name])),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--load-format", "safetensors", "--no-trust-remote-code", "--generation-config", "vllm"),
        *("--allowed-media-domains", "none.invalid", "--disable-fastapi-docs"),
        *("--disable-uvicorn-access-log", "--uvicorn-log-level", "warning"),
        *("--no-enable-log-requests", "--no-enable-log-outputs", "--max-log-len", "0"),
    ]
    if context := served_context(folder, form):
        command += ["--max-model-len", str(context)]
    if form == "cpu":
        # Without compiling, a start takes half a minute instead of minutes and needs no C++ compiler.
        cache = max(64 << 20, folder.kv_bytes_per_token * context * CPU_CONVERSATIONS)
        command += ["--enforce-eager", "--max-num-seqs", str(CPU_CONVERSATIONS * 4)]
        command += ["--kv-cache-memory-bytes", str(min(cache, max(64 << 20, _free_memory() // 4)))]
    return command


def vllm_environment(key: str) -> dict[str, str]:
    """The child's environment: off-switches, its API key, everything on loopback; none of our own settings."""
    ours = {
        "VLLM_API_KEY": key,
        "VLLM_PLUGINS": "",  # among them one that looks up adapters on a hub
        # Without these it opens a socket towards 8.8.8.8 to learn its own address.
        "VLLM_HOST_IP": "127.0.0.1",
        "VLLM_LOOPBACK_IP": "127.0.0.1",
        "VLLM_LOGGING_LEVEL": "INFO",
        "VLLM_LOGGING_COLOR": "0",
        "VLLM_DISABLE_LOG_LOGO": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in offswitch.environment(ours).items() if not name.startswith("QALQAN_")}


def vllm_child(folder: ModelFolder, port: int, key: str) -> Child:
    """vLLM on a loopback port, ready to be started; its log goes into ours, cleaned by `log_line`."""

    def on_line(line: str) -> None:
        if kept := log_line(line, serving=child.ready):
            level, text = kept
            structlog.get_logger("qalqan.vllm").log(level, "vllm", line=text)

    child = Child(
        "vllm",
        vllm_command(folder, port),
        vllm_environment(key),
        ready_url=f"http://127.0.0.1:{port}/health",
        on_line=on_line,
        start_timeout=START_TIMEOUT_S,
        first_tries=1,  # what stops its first start, a second one, minutes later, meets as well
    )
    return child


_LINE = re.compile(r"\((?P<part>\w+)[^)]*\) (?P<level>[A-Z]+) \S+ \S+ \[(?P<place>[^\]]+)\] ?(?P<text>.*)")
_NOISE = ("Route: ", "Available routes", "non-default args")
_LOOSE_NOISE = re.compile(r"\s|Traceback|\[?W\d{4} |.*it/s\]")  # frames of traces, torch's warnings, progress bars
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def log_line(line: str, *, serving: bool) -> tuple[int, str] | None:
    """A line of vLLM's output as (level, text), or None for noise.

    Once it serves, its errors and whatever it prints beside its logger may quote a request: of those only the place
    that reported is kept, and never the words.
    """
    found = _LINE.match(line)
    if found is None:
        return None if serving or _LOOSE_NOISE.match(line) else (20, line)
    level, text = _LEVELS.get(found["level"], 20), found["text"].strip()
    if not text or text.startswith(_NOISE):
        return None
    if serving and level >= 40:
        text = "an error"
    return level, f"{found['part']} {found['place']}: {text}"


def _json(path: Path, missing: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFolderError(missing) from error
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{path} can't be read: copy the model again.") from error
    if not isinstance(value, dict):
        raise ModelFolderError(f"{path} holds no JSON object: copy the model again.")
    return value


def _tokenizer_config(path: Path) -> dict[str, Any]:
    return _json(path / "tokenizer_config.json", f"{path} has no tokenizer_config.json: copy the whole model.")


def _check_tokenizer(path: Path) -> None:
    if not any((path / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")):
        raise ModelFolderError(f"{path} has no tokenizer: copy the whole model, tokenizer.json included.")
    template = any((path / name).is_file() for name in ("chat_template.jinja", "chat_template.json"))
    if not template and not _tokenizer_config(path).get("chat_template"):
        raise ModelFolderError(f"{path} has no chat template: use the instruction-tuned form of the model.")


def _check_weights(path: Path) -> int:
    """Bytes of the safetensors files, each of which must be as long as its own header says."""
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise ModelFolderError(f"{path} has no weights: Qalqan reads *.safetensors files only.")
    index = path / "model.safetensors.index.json"
    if index.exists():
        named = set(_json(index, "").get("weight_map", {}).values())
        if lost := sorted(named - {file.name for file in files}):
            raise ModelFolderError(f"{path} lacks {lost[0]}: copy the whole model.")
    for file in files:
        if file.stat().st_size != _safetensors_bytes(file):
            raise ModelFolderError(f"{file} is damaged or was not copied to its end: copy the model again.")
    return sum(file.stat().st_size for file in files)


def _safetensors_bytes(file: Path) -> int:
    """The length that a safetensors file should have by its header; -1 when the header is no such thing."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > 100_000_000:
            return -1
        try:
            header = json.loads(stream.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, AttributeError, KeyError, IndexError, TypeError):
            return -1
    return 8 + length + max(ends, default=0)


def _context(config: dict[str, Any]) -> int:
    return next(_ints(config, "max_position_embeddings", "n_positions", "max_seq_len", "seq_length"), 0)


def _kv_bytes(config: dict[str, Any]) -> int:
    heads = next(_ints(config, "num_attention_heads", "n_head"), 0)
    width = next(_ints(config, "head_dim"), 0) or next(_ints(config, "hidden_size", "n_embd"), 0) // max(heads, 1)
    layers = next(_ints(config, "num_hidden_layers", "n_layer"), 0)
    return 2 * 2 * layers * width * next(_ints(config, "num_key_value_heads"), heads)


def _ints(config: dict[str, Any], *names: str) -> Iterator[int]:
    return (value for name in names if isinstance(value := config.get(name), int) and value > 0)


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

"""Keeps the tiny model in .tiny-llama: trains it with .venv-vllm (some two minutes) when its sources have changed."""

import fcntl
import hashlib
import subprocess
from pathlib import Path

from qalqan_ops import offswitch
from qalqan_ops.vllm import vllm_python

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".tiny-llama"
SOURCES = ("train.py", "dialogues.yaml", "background.yaml")


def tiny_llama() -> Path:
    """The model's folder, trained anew when need be. Raises CalledProcessError when the training does not succeed."""
    FOLDER.mkdir(exist_ok=True)
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest()
    stamp, model = FOLDER / "stamp", FOLDER / "tiny-llama"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            print("Training the tiny model of the tests, once: some two minutes.", flush=True)
            command = [str(vllm_python()), "-W", "ignore", str(HERE / "train.py"), str(model)]
            # Threads that spin while they wait would treble the work where other programs share the cores.
            subprocess.run(command, check=True, env=offswitch.environment({"OMP_WAIT_POLICY": "passive"}))
            stamp.write_text(wanted)
    return model


if __name__ == "__main__":
    print(tiny_llama())

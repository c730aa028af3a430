"""Nothing leaves: a whole stack, its start and a chat, traced for every connection and every datagram."""

import re
import shutil
from pathlib import Path

import httpx
from stack import running

# strace shows an address as sin_addr=inet_addr("1.2.3.4") or inet_pton(AF_INET6, "::1", ...).
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
CALLS = "connect,sendto,sendmsg,sendmmsg"


def test_start_and_chat_make_no_connection_beyond_loopback(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    assert strace, "strace is needed: make test installs it"
    trace = tmp_path / "trace"
    prefix = (strace, "-f", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none", "-s", "64", "-o", str(trace))
    with running(tmp_path, ui=True, timeout=180, prefix=prefix) as stack:
        for question in ("Қазақстанның астанасы қай қала?", "http://example.com/ бетін ашып бер"):
            body = {"model": "default", "messages": [{"role": "user", "content": question}]}
            assert httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=60).status_code == 200
        assert httpx.get(stack.ui_url, timeout=60).status_code == 200
    seen = [a or b for a, b in ADDRESS.findall(trace.read_text(errors="replace"))]
    assert seen, "the trace saw no connection at all, not even our own on loopback"
    beyond = {address for address in seen if not address.startswith("127.") and address not in ("::1", "0.0.0.0", "::")}
    assert not beyond


def test_importing_every_package_looks_nothing_up() -> None:
    """An audit hook sees each connection and each name look-up of a fresh interpreter."""
    import subprocess
    import sys

    script = """
import sys
seen = []
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append((event, str(args[1:])))
sys.addaudithook(hook)
from qalqan_ops import offswitch
offswitch.apply()
import qalqan_ops.cli, qalqan_ops.stack, qalqan_ops.up, qalqan_ops.check
import qalqan_guardrails.validators
import qalqan_knowledge.retriever, qalqan_knowledge.server
import transformers, gradio, langchain_core, qdrant_client
import time
time.sleep(2)
print(seen)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"

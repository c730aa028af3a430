"""`qalqan up`: starts every part as a child process, says where they are, and stops them all together."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys

from qalqan_ops import logs, offswitch, ports
from qalqan_ops.child import Child
from qalqan_ops.keys import label_key
from qalqan_ops.settings import Settings
from qalqan_ops.stack import VLLM_CONTEXT, VLLM_KEY, VLLM_URL
from qalqan_ops.vllm import check_model_folder, served_context, vllm_child, vllm_form, vllm_python

GATEWAY_START_S = 60.0
UI_START_S = 60.0


def run(settings: Settings) -> int:
    """Runs until Ctrl-C or SIGTERM. Raises OpsError before anything has started, or when a part can't start."""
    descriptor = ports.lock(settings.data)
    try:
        ports.require_free(settings.host, settings.port, "--port")
        if settings.ui:
            ports.require_free(settings.host, settings.ui_port, "--ui-port")
        label_key(settings.data)
        return asyncio.run(_run(settings))
    finally:
        os.close(descriptor)


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    children = _children(settings)
    try:
        starting = asyncio.ensure_future(_start(children))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return 0
        await starting
        _announce(settings)
        watching = [asyncio.ensure_future(child.watch()) for child in children]
        await asyncio.wait({*watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for watch in watching:
            # A watch ends only when its child can't be brought back; its error says so.
            if watch.done():
                watch.result()
        return 0
    finally:
        await asyncio.gather(*(child.stop() for child in reversed(children)))
        say("Qalqan has stopped.")


def say(line: str) -> None:
    """A line for the person at the terminal."""
    print(line, flush=True)


def _children(settings: Settings) -> list[Child]:
    gateway_url = f"http://{settings.host}:{settings.port}"
    environment = settings.environment()
    children: list[Child] = []
    if settings.model:
        folder = check_model_folder(settings.model)
        port = ports.free_port()
        key = secrets.token_urlsafe(32)
        environment |= {VLLM_URL: f"http://127.0.0.1:{port}", VLLM_KEY: key}
        children.append(vllm_child(folder, port, key))
        environment[VLLM_CONTEXT] = str(served_context(folder, vllm_form(vllm_python())))
    children.append(
        Child(
            "gateway",
            [sys.executable, "-m", "qalqan_ops.serve"],
            offswitch.environment(environment),
            ready_url=f"{gateway_url}/health",
            start_timeout=GATEWAY_START_S,
        )
    )
    if settings.ui:
        where = ["--gateway", gateway_url, "--host", settings.host, "--port", str(settings.ui_port)]
        children.append(
            Child(
                "ui",
                [sys.executable, "-m", "qalqan_ui", *where],
                offswitch.environment({}),
                ready_url=f"http://{settings.host}:{settings.ui_port}/",
                on_line=logs.relay("ui"),
                start_timeout=UI_START_S,
            )
        )
    return children


async def _start(children: list[Child]) -> None:
    """All at once; the slowest (vLLM) sets the time."""
    say("Starting " + ", ".join(child.name for child in children) + " ...")
    await asyncio.gather(*(child.start() for child in children))
    await asyncio.gather(*(child.wait_ready() for child in children))


def _announce(settings: Settings) -> None:
    say("")
    if settings.ui:
        say(f"  Chat      http://{settings.host}:{settings.ui_port}")
    say(f"  Endpoint  http://{settings.host}:{settings.port}/v1   (OpenAI-compatible, model name: default)")
    say(f"  Engine    {settings.chosen_engine}" + (f", {settings.model}" if settings.model else ""))
    if settings.chosen_engine == "extractive":
        say("            answers are quoted from the library; for a language model: make up MODEL=DIR")
    say(f"  Data      {settings.data}")
    say("")
    say("Ctrl-C stops everything.")

"""The web page around Gradio: what is served, what is not, and the headers on it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from ui.servers import chat_process, free_port

CLOSED = [
    "/docs",
    "/openapi.json",
    "/monitoring",
    "/monitoring/summary",
    "/manifest.json",
    "/login",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/proxy=http://outside.example",
    "/gradio_api/upload",
    "/gradio_api/runs",
    "/gradio_api/call/ask",
    "/gradio_api/run/predict",
    "/gradio_api/vibe-code",
    "/ui/../gateway.py",
    "/ui/%2e%2e/gateway.py",
    "/static/../../etc/passwd",
]


@pytest.fixture(scope="module")
def client(chat_url: str) -> httpx.Client:
    return httpx.Client(base_url=chat_url, trust_env=False)


def test_index_names_no_outside_host(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert '<html\n\tlang="kk"' in page.text
    assert [
        found for found in re.findall(r"https?://[^\s\"'<\\]+", page.text) if str(client.base_url) not in found
    ] == []
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page.text)
    nonce = re.search(r"'nonce-([\w-]+)'", page.headers["Content-Security-Policy"])
    assert nonce
    assert inline
    assert all(f'nonce="{nonce[1]}"' in attributes for attributes in inline)
    assert client.get("/").headers["Content-Security-Policy"] != page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/theme.css", "/ui/page.css", "/ui/icon.svg", "/nothing"])
def test_every_answer_keeps_the_browser_inside(client: httpx.Client, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "http:" not in policy
    assert "*" not in policy
    script = re.search(r"script-src ([^;]*)", policy)
    assert script
    assert "'unsafe-inline'" not in script[1]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_chat_does_not_need_is_not_there(client: httpx.Client, path: str, method: str) -> None:
    answer = client.send(client.build_request(method, path), follow_redirects=False)
    assert answer.status_code in (404, 405)
    assert "root:" not in answer.text


def test_fonts_and_icon_are_our_own(client: httpx.Client) -> None:
    fonts = re.findall(r"url\('([^']+)'\)", client.get("/theme.css").text)
    assert sorted(fonts) == [
        "static/fonts/IBMPlexSans/IBMPlexSans-Bold.woff2",
        "static/fonts/IBMPlexSans/IBMPlexSans-Regular.woff2",
    ]
    assert all(client.get(f"/{font}").content[:4] == b"wOF2" for font in fonts)
    assert client.get("/favicon.ico", follow_redirects=True).headers["Content-Type"].startswith("image/svg")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qalqan_ui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_taken_port_is_told_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("--gateway", "http://127.0.0.1:1", "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr == f"The chat cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert ended.stdout == ""


@pytest.mark.parametrize("url", ["", "gateway", "ftp://127.0.0.1", "http://"])
def test_gateway_must_be_an_address(url: str) -> None:
    ended = run("--gateway", url)
    assert ended.returncode == 2
    assert "is no http:// or https:// address" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_in_silence_and_ends_at_once(number: signal.Signals) -> None:
    with chat_process(f"http://127.0.0.1:{free_port()}") as (url, process), httpx.Client(trust_env=False) as http:
        with http.stream("GET", f"{url}/gradio_api/heartbeat/abc123") as open_page:
            assert open_page.status_code == 200
            began = time.monotonic()
            process.send_signal(number)
            process.wait(10)
        assert time.monotonic() - began < 5
        assert process.returncode == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""

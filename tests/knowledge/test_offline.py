"""Import and use reach for no network, and the gateway's imports stay light."""

import subprocess
import sys
from pathlib import Path

WATCHED = """
import sys
reached = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        reached.append((event, str(args[-1])))
sys.addaudithook(watch)
from pathlib import Path
from qalqan_knowledge.library import ensure_starter, open_library
library = open_library(Path(sys.argv[1]))
ensure_starter(library)
assert library.search("Қазақстанның астанасы қай қала?", lang="kk")
heavy = [name for name in ("langchain_core", "qdrant_client", "grpc") if name in sys.modules]
from qalqan_knowledge.retriever import LibraryRetriever
import qalqan_knowledge.server
assert LibraryRetriever(library=library).invoke("астана")
print(heavy, reached)
"""


def test_no_connection_and_no_heavy_import(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "[] []\n"

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qalqan_knowledge.contract import Passage
from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.errors import StoreUnavailable


def elsewhere(code: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    """Python code in another process; `sys.argv[1]` is the folder."""
    command = [sys.executable, "-c", code, str(folder), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@given(st.text(max_size=120), st.integers(-1, 3), st.sampled_from([None, "kk", "ru", "en"]))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_list(edge: EdgeLibrary, text: str, k: int, lang) -> None:
    found = edge.search(text, k=k, lang=lang)
    assert len(found) <= max(0, k)
    assert all(0.0 <= p.coverage <= 1.0 for p in found)


@pytest.mark.parametrize("text", ["", "   ", "?!…", "\x00", "\ud800", "🙂" * 50, "а" * 1_000_000, "'; DROP TABLE--"])
def test_odd_texts_give_a_list(edge: EdgeLibrary, text: str) -> None:
    assert isinstance(edge.search(text), list)


def test_it_lasts(tmp_path: Path, passage) -> None:
    first = EdgeLibrary(tmp_path)
    first.upsert([passage("a")])
    first.close()
    assert EdgeLibrary(tmp_path).search("елорда")[0].document == "a"


def test_searched_by_many_threads_while_it_changes(tmp_path: Path, some_passages: list[Passage], passage) -> None:
    library = EdgeLibrary(tmp_path)
    library.upsert(some_passages)
    faults: list[BaseException] = []
    counts: list[int] = []

    def search() -> None:
        try:
            for _ in range(40):
                assert library.search("Қазақстанның астанасы қай қала?", k=1)[0].document == "capital.kk"
                counts.append(1)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=search) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(3):
        library.upsert([passage(f"more{number}", "Басқа мәтін.")])
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert len(counts) == 240
    assert library.count() == len(some_passages) + 3


READ = """
import sys; from pathlib import Path; from qalqan_knowledge.edge import EdgeLibrary
library = EdgeLibrary(Path(sys.argv[1]))
print(len(library.search("елорда")), flush=True)
sys.stdin.readline()
print(len(library.search("елорда")), flush=True)
"""


def test_processes_share_a_folder_and_see_each_other_s_changes(tmp_path: Path, passage) -> None:
    library = EdgeLibrary(tmp_path)
    library.upsert([passage("a")])
    others = [elsewhere(READ, tmp_path) for _ in range(2)]
    assert [other.stdout.readline() if other.stdout else "" for other in others] == ["1\n", "1\n"]
    library.upsert([passage("b")])
    for other in others:
        out, err = other.communicate("go\n", timeout=60)
        assert (out, err, other.returncode) == ("2\n", "", 0)
    assert not list(tmp_path.glob("open-*"))
    assert len(list(tmp_path.glob("generation-*"))) == 1


LOCK = """
import fcntl, sys; lock = open(sys.argv[1] + "/writing.lock", "a"); fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True); sys.stdin.readline()
"""


def test_locked_says_so_and_still_answers(tmp_path: Path, passage) -> None:
    library = EdgeLibrary(tmp_path, patience_s=0.2)
    library.upsert([passage("a")])
    other = elsewhere(LOCK, tmp_path)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreUnavailable, match="locked: another process is writing"):
            library.upsert([passage("b")])
        assert len(library.search("елорда")) == 1
    finally:
        other.communicate("\n", timeout=30)
    library.upsert([passage("b")])
    assert library.count() == 2


def generation(folder: Path) -> Path:
    return folder / (folder / "current").read_text()


def flip_a_byte(folder: Path) -> None:
    page = next(generation(folder).rglob("payload_storage/page_0.dat"))
    with page.open("r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 255]))


def cut_short(folder: Path) -> None:
    os.truncate(next(generation(folder).rglob("mutable_id_tracker.mappings")), 10)


def remove_a_file(folder: Path) -> None:
    next(generation(folder).rglob("segment.json")).unlink()


def point_nowhere(folder: Path) -> None:
    (folder / "current").write_text("generation-999999")


def garble_pointer(folder: Path) -> None:
    (folder / "current").write_bytes(b"\xff\x00\xfe")


def lose_pointer(folder: Path) -> None:
    (folder / "current").unlink()


def lose_seal(folder: Path) -> None:
    (generation(folder) / "seal").unlink()


@pytest.mark.parametrize(
    "harm", [flip_a_byte, cut_short, remove_a_file, point_nowhere, garble_pointer, lose_pointer, lose_seal]
)
def test_damage_is_told_and_nothing_is_overwritten(tmp_path: Path, harm, passage) -> None:
    EdgeLibrary(tmp_path).upsert([passage("a")])
    harm(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(StoreUnavailable, match="restore it from a backup") as told:
        EdgeLibrary(tmp_path)
    assert str(tmp_path) in str(told.value)
    assert "\n" not in str(told.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_damage_under_a_running_library_spoils_neither_search_nor_store(tmp_path: Path, passage) -> None:
    library = EdgeLibrary(tmp_path)
    library.upsert([passage("a")])
    assert library.ready()
    flip_a_byte(tmp_path)
    assert library.search("елорда")[0].document == "a"
    with pytest.raises(StoreUnavailable, match="damaged"):
        library.upsert([passage("b")])
    library.close()
    assert not library.ready()


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        EdgeLibrary(path)


def test_what_a_killed_process_left_is_swept(tmp_path: Path, passage) -> None:
    library = EdgeLibrary(tmp_path)
    old, fresh = tmp_path / "open-old", tmp_path / "open-fresh"
    for path in (old, fresh):
        path.mkdir()
    hour_ago = time.time() - 3600
    os.utime(old, (hour_ago, hour_ago))
    library.upsert([passage("a")])
    assert not old.exists()
    assert fresh.exists()

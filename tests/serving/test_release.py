"""Release: what goes out depends on the text, never on how it was cut into pieces."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qalqan_guardrails.contract import Sample, ScriptedRail, Verdict
from qalqan_guardrails.runner import Runner, default_runner
from qalqan_serving.release import Release

POLICIES = default_runner().policies
SECRET = ScriptedRail("secret", "4400-1234", "personal_data", label="card")
BAD = ScriptedRail("bad", "тыйым", "manipulation")
RUNNER = Runner((SECRET, BAD), POLICIES)


def check(text: str) -> Verdict:
    return RUNNER.check(Sample(text, "output"), "pupil")


def run(pieces: list[str], window: int = 120) -> tuple[str, bool]:
    release = Release(check, window, 80)
    out = [piece for text in pieces for piece in release.feed(text)]
    out += release.finish()
    return "".join(out), release.stopped is not None


def cut(text: str, places: list[int]) -> list[str]:
    bounds = sorted({0, len(text), *(p % (len(text) + 1) for p in places)})
    return [text[a:b] for a, b in pairwise(bounds)]


words = st.sampled_from(
    [
        "сөз",
        "а",
        "Абай!",
        "жол.",
        "не?",
        "4400-1234",
        "тыйым",
        "12.",
        "…",
        "\n",
        "8",
        "(5)",
        "ұзақсөз" * 9,
        "«иә».",
        "🙂",
    ]
)
texts = st.lists(words, max_size=60).map(" ".join)


@given(texts, st.lists(st.integers(0, 5000), max_size=40))
def test_any_cutting_releases_the_same(text: str, places: list[int]) -> None:
    assert run(cut(text, places)) == run([text])


@given(texts)
def test_safe_text_passes_unchanged(text: str) -> None:
    text = text.replace("тыйым", "").replace("4400-1234", "")
    assert run([text]) == (text, False)


@given(texts, st.lists(st.integers(0, 5000), max_size=40))
def test_nothing_forbidden_is_ever_released(text: str, places: list[int]) -> None:
    out, stopped = run(cut(text, places))
    assert "4400-1234" not in out
    assert "тыйым" not in out
    assert stopped == ("тыйым" in text)


def test_a_sentence_is_held_until_it_is_complete() -> None:
    release = Release(check, 400, 200)
    assert list(release.feed("Бірінші сөйлем. Екін")) == ["Бірінші сөйлем. "]
    assert list(release.feed("ші")) == []
    assert list(release.finish()) == ["Екінші"]


def test_a_long_sentence_is_cut_at_the_window_with_a_tail_held_back() -> None:
    release = Release(check, 120, 80)
    out = "".join(release.feed("сөз " * 60))
    assert 0 < len(out) <= 240 - 40
    assert out + "".join(release.finish()) == "сөз " * 60


def test_a_number_is_not_cut_at_a_mark_inside_it() -> None:
    release = Release(check, 400, 200)
    assert list(release.feed("Нөмірі 8. 701")) == []


def test_after_a_stop_nothing_comes() -> None:
    release = Release(check, 400, 200)
    assert list(release.feed("Жақсы. Мынау тыйым. Тағы. ")) == ["Жақсы. "]
    assert release.stopped is not None
    assert list(release.feed("Тағы бірдеңе. Және. ")) == []
    assert list(release.finish()) == []

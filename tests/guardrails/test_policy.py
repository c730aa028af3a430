"""Policies: what they decide, and what a faulty file says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qalqan_guardrails.contract import AUDIENCES, CATEGORIES, DIRECTIONS, Audience, Category, Direction, Finding, Sample
from qalqan_guardrails.errors import PolicyError
from qalqan_guardrails.policy import FOLDER, load_policies, load_policy
from qalqan_guardrails.redaction import Cut, redacted
from qalqan_guardrails.texts import message

POLICIES = load_policies()


def _finding(
    category: Category, score: float = 0.9, rule: str = "r", *spans: tuple[int, int], label: str = ""
) -> Finding:
    return Finding(category, score, rule, spans, label)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_category_is_decided_in_every_direction(audience: Audience):
    policy = POLICIES[audience]
    assert policy.audience == audience
    for category in CATEGORIES:
        for direction in DIRECTIONS:
            assert policy.outcome(category, direction).article
    assert policy.stream.window_chars == 400
    assert (policy.stream.window_chars, policy.stream.left_context_chars) == (400, 400)


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("direction", ["input", "output"])
def test_self_harm_is_a_crisis_for_all(audience: Audience, direction: Direction):
    verdict = POLICIES[audience].judge(Sample("…", direction), [_finding("self_harm_crisis"), _finding("manipulation")])
    assert (verdict.decision, verdict.text, verdict.message, verdict.passes) == ("crisis", "", "crisis_card", False)


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_personal_data_is_cut_everywhere(audience: Audience, direction: Direction):
    text = "Менің ЖСН 991231500006, тел 87011234567"
    verdict = POLICIES[audience].judge(
        Sample(text, direction),
        [
            _finding("personal_data", 0.9, "a", (10, 22), label="iin"),
            _finding("personal_data", 0.9, "b", (28, 39), label="phone"),
        ],
    )
    assert (verdict.decision, verdict.text) == ("redact", "Менің ЖСН [ЖСН], тел [ТЕЛЕФОН]")
    assert verdict.message == ""
    assert verdict.hits[0].article == "17(3)(4)"


@pytest.mark.parametrize(
    ("text", "masked"), [("мой ИИН 1234", "мой ИИН [ИИН]"), ("my IIN: 1234", "my IIN: [IIN]"), ("1234", "[ЖСН]")]
)
def test_the_mask_speaks_the_language_of_the_text(text: str, masked: str):
    span = (text.index("1234"), len(text))
    assert (
        POLICIES["adult"].judge(Sample(text, "input"), [_finding("personal_data", 1, "r", span, label="iin")]).text
        == masked
    )


def test_block_goes_before_redact_and_the_surest_speaks():
    verdict = POLICIES["pupil"].judge(
        Sample("1234", "input"),
        [_finding("personal_data", 1, "r", (0, 4)), _finding("manipulation", 0.7), _finding("emotion_inference", 0.8)],
    )
    assert (verdict.decision, verdict.text, verdict.message) == ("block", "", "emotion_inference")
    assert len(verdict.hits) == 3


def test_below_the_threshold_and_flags_let_the_text_pass():
    sample = Sample("мәтін", "retrieved")
    assert POLICIES["pupil"].judge(sample, [_finding("manipulation", 0.59)]).hits == ()
    flagged = POLICIES["pupil"].judge(sample, [_finding("manipulation", 0.6)])
    assert (flagged.decision, flagged.text, [hit.action for hit in flagged.hits]) == ("allow", "мәтін", ["flag"])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_marks(direction: Direction):
    official, secret = (
        _finding("confidential_leak", 0.9, "marking.official_use"),
        _finding("confidential_leak", 0.9, "marking.state_secret"),
    )
    sample = Sample("ДСП", direction)
    assert POLICIES["pupil"].judge(sample, [official]).decision == "block"
    assert POLICIES["adult"].judge(sample, [official]).decision == "block"
    assert POLICIES["agency"].judge(sample, [official]).decision == "allow"
    for policy in POLICIES.values():
        assert policy.judge(sample, [secret]).message == "state_secret"


def test_what_is_to_be_cut_but_says_not_where_is_blocked():
    assert POLICIES["adult"].judge(Sample("x", "input"), [_finding("personal_data")]).decision == "block"


def test_rewrite_puts_the_message_in_place(tmp_path: Path):
    path = _edited(
        tmp_path,
        lambda data: data["categories"]["manipulation"]["output"].update(action="rewrite", message="no_evidence"),
    )
    verdict = load_policy(path).judge(
        Sample("Good. I love you. Bye.", "output"), [_finding("manipulation", 0.9, "r", (6, 17))]
    )
    assert verdict.decision == "redact"
    assert verdict.text == f"Good. {message('no_evidence', 'en')} Bye."
    assert verdict.text.endswith(" Bye.")


def _edited(folder: Path, edit: Any) -> Path:
    data = yaml.safe_load((FOLDER / "pupil.yaml").read_text(encoding="utf-8"))
    edit(data)
    path = folder / "pupil.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (lambda d: d["categories"].update(manipulaton=d["categories"].pop("manipulation")), "categories.manipulaton"),
        (lambda d: d["categories"].pop("manipulation"), "categories.manipulation"),
        (lambda d: d["categories"]["manipulation"].pop("retrieved"), "categories.manipulation.retrieved"),
        (
            lambda d: d["categories"]["manipulation"]["input"].update(action="blok"),
            "categories.manipulation.input.action",
        ),
        (
            lambda d: d["categories"]["manipulation"]["input"].update(threshold=1.5),
            "categories.manipulation.input.threshold",
        ),
        (
            lambda d: d["categories"]["manipulation"]["input"].update(treshold=0.5),
            "categories.manipulation.input.treshold",
        ),
        (lambda d: d["categories"]["manipulation"].update(message="nobody"), "categories.manipulation.message"),
        (
            lambda d: d["categories"]["manipulation"]["input"].update(message="nobody"),
            "categories.manipulation.input.message",
        ),
        (
            lambda d: d["categories"]["confidential_leak"]["rules"].update(
                {"marking.x": {"action": "block", "threshold": 1}}
            ),
            "confidential_leak.rules",
        ),
        (lambda d: d.update(audience="pupils"), "audience"),
        (lambda d: d["stream"].update(window_chars=0), "stream.window_chars"),
        (lambda d: d.update(verion="1"), "verion"),
    ],
)
def test_a_faulty_file_is_named_with_its_key(tmp_path: Path, edit: Any, key: str):
    with pytest.raises(PolicyError, match=r"pupil\.yaml") as error:
        load_policy(_edited(tmp_path, edit))
    assert key in str(error.value)


def test_files_that_are_missing_broken_or_of_another_audience(tmp_path: Path):
    with pytest.raises(PolicyError, match=r"pupil\.yaml"):
        load_policies(tmp_path)
    (tmp_path / "pupil.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(PolicyError, match="not valid YAML"):
        load_policies(tmp_path)
    _edited(tmp_path, lambda data: data.update(audience="adult"))
    with pytest.raises(PolicyError, match="audience"):
        load_policies(tmp_path)


def test_the_digest_follows_the_content_alone(tmp_path: Path):
    same = _edited(tmp_path, lambda _: None)
    assert load_policy(same).digest == POLICIES["pupil"].digest == load_policy("pupil").digest
    other = _edited(tmp_path, lambda data: data["categories"]["manipulation"]["input"].update(threshold=0.61))
    assert load_policy(other).digest != POLICIES["pupil"].digest
    assert re.fullmatch("[0-9a-f]{64}", POLICIES["pupil"].digest)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=6))
def test_redaction_removes_exactly_the_spans(text: str, spans: list[tuple[int, int]]):
    gone = {at for start, end in spans for at in range(max(0, start), min(end, len(text)))}
    cut = redacted(text, [Cut(span, "\0") for span in spans])
    assert cut.replace("\0", "") == "".join(c for at, c in enumerate(text) if at not in gone).replace("\0", "")
    assert bool(gone) == (cut != text) or "\0" in text


def test_overlapping_cuts_become_one():
    assert redacted("abcdefgh", [Cut((1, 3), "X"), Cut((2, 6), "Y"), Cut((6, 7), "Z")]) == "aYZh"

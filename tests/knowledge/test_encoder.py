from hypothesis import given
from hypothesis import strategies as st

from qalqan_knowledge.encoder import Sparse, encode_document, encode_presence, encode_question


def dot(question: Sparse, document: Sparse) -> float:
    kept = dict(zip(document.indices, document.values, strict=True))
    return sum(value * kept.get(index, 0.0) for index, value in zip(question.indices, question.values, strict=True))


@given(st.text(max_size=200))
def test_vectors_are_what_the_store_takes(text: str) -> None:
    for vector in (encode_document(text, "kk"), encode_presence(text, "ru"), encode_question(text).vector):
        assert vector.indices == sorted(set(vector.indices))
        assert len(vector.indices) == len(vector.values)
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)


def test_a_longer_passage_weighs_the_same_word_less() -> None:
    short = encode_document("Астана", "kk")
    long = encode_document("Астана " + "және тағы басқа сөздер " * 40, "kk")
    question = encode_question("Астана").vector
    assert dot(question, short) > dot(question, long) > 0


def test_repetition_saturates() -> None:
    question = encode_question("Астана").vector
    once, twice, many = (dot(question, encode_document("Астана " * n, "kk")) for n in (1, 2, 50))
    assert once < twice
    assert many < 3 * once


def test_question_asks_with_either_language_s_stem() -> None:
    assert dot(encode_question("столице").vector, encode_presence("столица", "ru")) > 0


def test_what_needs_no_evidence() -> None:
    assert encode_question("рақмет").words == ()
    assert encode_question("2+2").words == ()
    assert encode_question("1991").words == (("1991",),)
    assert encode_question("2+2").vector.indices
    assert encode_question("?!").vector.indices == []


def test_a_pasted_essay_is_bounded_and_keeps_its_end() -> None:
    question = encode_question("алма ағаш тау " * 100_000 + "Каспий")
    assert len(question.words) <= 48
    assert ("каспии",) in question.words or any("касп" in form for word in question.words for form in word)

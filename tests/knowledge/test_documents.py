from datetime import date
from pathlib import Path

import pytest

from qalqan_knowledge.documents import passages, read_document, sentences
from qalqan_knowledge.errors import DocumentRefused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Бір. Екі! Үш? Төрт…", ["Бір.", "Екі!", "Үш?", "Төрт…"]),
        ("1991 ж. 16 желтоқсанда А. Байтұрсынұлы туралы айтылды. Сосын бітті.", None),
        ("«Сәлем!» — деді ол. Кетті.", ["«Сәлем!» — деді ол.", "Кетті."]),
        ("В 1991 г. Казахстан стал независимым. Площадь 2,7 млн кв. км.", None),
        ("It grew by 3.5 per cent. Dr. Smith agreed.", ["It grew by 3.5 per cent.", "Dr. Smith agreed."]),
        ("Тау, өзен т.б. бар. Ғажап!", ["Тау, өзен т.б. бар.", "Ғажап!"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str] | None) -> None:
    found = sentences(text)
    if expected is None:
        assert len(found) == 2
    else:
        assert found == expected
    assert " ".join(found) == text


def test_reads_a_document(article) -> None:
    document = read_document(article("one.md", source="Бір дереккөз"))
    assert document.key == "test/one.kk"
    assert document.metadata.source == ["Бір дереккөз"]
    assert document.metadata.valid_from == date(2024, 1, 1)
    assert document.metadata.valid_to is None
    assert document.metadata.collection == "national"


def test_windows_line_ends_and_byte_order_mark(article) -> None:
    path = article("one.txt")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_document(path).text == "Алматы – үлкен қала."


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({"licence": None}, "licence"),
        ({"lang": "de"}, "lang"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"valid_from": "2025-01-01", "valid_to": "2024-01-01"}, "later than"),
        ({"id": "a#b"}, "id"),
        ({"id": "../escape"}, "id"),
        ({"tdm-reservation": "1"}, "tdm-reservation"),
        ({"ai_input": "no"}, "forbids"),
        ({"title": "'unclosed"}, "YAML"),
        ({"valid_from": "2024-13-45"}, "metadata"),
    ],
)
def test_refuses_metadata_and_says_why(article, meta, says) -> None:
    with pytest.raises(DocumentRefused, match=says) as refusal:
        read_document(article("one.md", **meta))
    assert "one.md" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.md", b"No metadata at all", "metadata"),
        ("a.md", b"---\n- a\n- b\n---\ntext", "key: value"),
        ("a.md", b"\xff\xfe\x00", "UTF-8"),
        ("a.pdf", b"%PDF", "only .md and .txt"),
        ("a.md", b"", "metadata"),
    ],
)
def test_refuses_files_and_says_why(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DocumentRefused, match=says):
        read_document(path)


def test_refuses_what_is_not_there_and_what_is_empty(tmp_path: Path, article) -> None:
    with pytest.raises(DocumentRefused, match="cannot be read"):
        read_document(tmp_path / "absent.md")
    with pytest.raises(DocumentRefused, match="no text"):
        read_document(article("one.md", body=""))


def test_passages_keep_headings_and_metadata(article) -> None:
    section = "## Тарихы\nБірінші сөйлем. Екінші **сөйлем**.\n\n- бір тармақ\n- [екінші](http://x.kz) тармақ"
    body = f"Кіріспе сөйлем.\n\n{section}"
    found = passages(read_document(article("one.md", body=body, source="['A', 'B']")))
    assert [(p.id, p.title) for p in found] == [("test/one.kk#1", "Тақырып"), ("test/one.kk#2", "Тақырып · Тарихы")]
    assert found[1].text == "Бірінші сөйлем. Екінші сөйлем. бір тармақ екінші тармақ"
    assert found[0].source == "A; B"
    assert (found[0].producer, found[0].licence, found[0].lang) == ("Мектеп", "CC-BY-4.0", "kk")


def test_passages_end_at_sentences_within_bounds(article) -> None:
    sentence = "Бұл сөйлемде тура он бес сөз бар деп есептейміз және оны қайталай береміз солай ғой."
    found = passages(read_document(article("one.md", body=f"{sentence} " * 60)))
    sizes = [len(p.text.split()) for p in found]
    assert all(40 <= size <= 200 for size in sizes)
    assert all(p.text.endswith("ғой.") for p in found)
    assert " ".join(p.text for p in found) == " ".join([sentence] * 60)


def test_an_endless_sentence_is_still_cut(article) -> None:
    found = passages(read_document(article("one.md", body="сөз " * 1000)))
    assert max(len(p.text.split()) for p in found) <= 200
    assert sum(len(p.text.split()) for p in found) == 1000


def test_ids_are_stable(article) -> None:
    path = article("one.md", body="Бір сөйлем. " * 100)
    assert [p.id for p in passages(read_document(path))] == [p.id for p in passages(read_document(path))]

import pytest

from qalqan_knowledge.words import content_words, folded, language, stem, stems, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Қазақстан-2050: «ЁЛКА»!", ["қазақстан", "2050", "елка"]),
        ("мек\u00adтеп сто\u0301лица", ["мектеп", "столица"]),
        ("тiл", ["тіл"]),  # a Latin i, as many type it
        ("\u0438\u0306од", ["йод"]),  # decomposed й
        ("… — !", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("lang", "forms", "expected"),
    [
        ("kk", ["қала", "қаласында", "қалалардың", "қаласы", "қаладан"], "қала"),
        ("kk", ["астана", "астанасы", "астанаға", "астанасының"], "астана"),
        ("kk", ["қазақстан", "қазақстанның", "қазақстанда"], "қазақстан"),
        ("kk", ["кітап", "кітабы", "кітаптар", "кітаптарымыз"], "кітап"),
        ("kk", ["президент", "президенті", "президенттің"], "президент"),
        ("kk", ["мектеп", "мектептерде", "мектебі"], "мектеп"),
        ("ru", ["столица", "столице", "столицы", "столицей", "столиц"], "столиц"),
        ("ru", ["город", "города", "городах", "городами"], "город"),
        ("en", ["city", "school", "schools"], None),
    ],
)
def test_inflected_forms_share_a_stem(lang, forms, expected) -> None:
    found = {stem(form, lang) for form in forms}
    assert found == ({expected} if expected else {"city", "school"})


def test_a_stem_is_its_own_stem() -> None:
    for word in ("оқушылардың", "тілдеріндегі", "бөлінеді", "балалармен"):
        assert stem(stem(word, "kk"), "kk") == stem(word, "kk")


def test_numbers_and_short_words_stay() -> None:
    assert stem("1997", "kk") == "1997"
    assert stem("су", "kk") == "су"


def test_a_word_of_unknown_language_has_the_stems_of_both() -> None:
    assert stems("городах") == tuple(dict.fromkeys((stem("городах", "kk"), stem("городах", "ru"))))
    assert stems("қалада") == ("қала",)


@pytest.mark.parametrize("typed", ["қазақстан", "казакстан", "qazaqstan", "kazakstan"])
def test_letters_fold_together(typed: str) -> None:
    assert folded(typed) == "казакстан"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Қазақстанның астанасы қай қала?", ["қазақстанның", "астанасы", "қала"]),
        ("kazakstannyn astanasy qai qala", ["kazakstannyn", "astanasy", "qala"]),
        ("казакстаннын астанасы кай кала", ["казакстаннын", "астанасы", "кала"]),
        ("What is the capital?", ["capital"]),
        ("Кто такой Абай?", ["абай"]),
        ("рақмет", []),
    ],
)
def test_content_words(question: str, expected: list[str]) -> None:
    assert content_words(question) == expected


def test_language_by_letters() -> None:
    assert [language(text) for text in ("Қала", "Город", "City", "")] == ["kk", "ru", "en", "en"]

from langchain_core.runnables import RunnableLambda

from qalqan_knowledge.edge import EdgeLibrary
from qalqan_knowledge.retriever import LibraryRetriever


def test_documents_carry_what_a_citation_needs(edge: EdgeLibrary) -> None:
    document = LibraryRetriever(library=edge, k=1).invoke("Қазақстанның астанасы қай қала?")[0]
    assert document.id == document.metadata["id"] == "capital.kk#1"
    assert document.page_content.startswith("Қазақстанның астанасы")
    assert document.metadata["title"] == "Елорда"
    assert document.metadata["licence"] == "CC-BY-4.0"
    assert document.metadata["source"] == "A source"
    assert document.metadata["valid_from"] == "2020-01-01"
    assert document.metadata["valid_to"] is None


def test_options_reach_the_library(edge: EdgeLibrary) -> None:
    assert {d.metadata["lang"] for d in LibraryRetriever(library=edge, k=3, lang="ru").invoke("Каспий")} == {"ru"}
    assert LibraryRetriever(library=edge, collections=("absent",)).invoke("Каспий") == []
    assert LibraryRetriever(library=edge, least_coverage=0.9).invoke("борщ пісіру") == []


async def test_stands_in_a_chain(edge: EdgeLibrary) -> None:
    chain = LibraryRetriever(library=edge, k=1) | RunnableLambda(lambda found: found[0].metadata["document"])
    assert chain.invoke("What is the capital?") == "capital.en"
    assert await chain.ainvoke("Столица Казахстана") == "capital.ru"

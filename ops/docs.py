"""Writes the generated tables of README.md; with --check only compares, so that the README can't lie.

Each table stands between `<!-- table:NAME -->` and `<!-- end -->`. Figures come from ops/results/, which the commands
named there write with --json; the rest from the policies, the library and the command line themselves.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer.main

from qalqan_guardrails.contract import AUDIENCES, CATEGORIES, Category, Direction
from qalqan_guardrails.policy import Policy, load_policies
from qalqan_knowledge.library import starter_library_path
from qalqan_ops.cli import app

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "ops" / "results"
RETRIEVAL_SETS = {
    "kazqad": "KazQAD, Kazakh: 268 questions, 697 passages",
    "kazqad-flores": "the same with 984 distractor sentences",
    "xquad-ru": "XQuAD, Russian questions",
    "xquad-en": "XQuAD, English questions",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def gateway() -> str:
    """`qalqan bench gateway --json > ops/results/gateway.json`."""
    r = json.loads((RESULTS / "gateway.json").read_text(encoding="utf-8"))
    rows = [
        (name, f"{f['requests_per_s']:,.0f}", f"{f['p50_ms']:.2f}", f"{f['p99_ms']:.2f}")
        for name, f in (("bare relay", r["relay"]), ("gateway, everything on", r["gateway"]))
    ]
    ratio = (
        f"\n\nThe gateway reaches **{r['share_of_relay']:.2f}** of the bare relay's requests per second and adds "
        f"**{r['added_p50_ms']:.2f} ms** at the median with one connection ({r['rounds']} alternating rounds, "
        f"{r['connections']} connections, one core for the server)."
    )
    return table(("server", "requests/s", "p50, ms", "p99, ms"), rows) + ratio


def retrieval() -> str:
    """`qalqan knowledge evaluate ... --json > ops/results/retrieval-SET.json`, one file a set."""
    rows: list[tuple[str, ...]] = []
    for name, title in RETRIEVAL_SETS.items():
        r = json.loads((RESULTS / f"retrieval-{name}.json").read_text(encoding="utf-8"))
        figures = (f"{r[k]:.3f}" for k in ("ndcg@10", "recall@10", "mrr@10"))
        rows.append((title, *figures, f"{r['p50_ms']:.1f}"))
    return table(("set", "nDCG@10", "recall@10", "MRR@10", "p50, ms"), rows)


def library() -> str:
    """Articles of the starter library by topic."""
    topics: Counter[str] = Counter()
    for path in starter_library_path().rglob("*.kk.md"):
        topics[path.parent.name] += 1
    rows = [(topic, str(count)) for topic, count in sorted(topics.items())]
    return table(("topic", "articles, each in kk, ru, en"), [*rows, ("**all**", f"**{topics.total()}**")])


def rails() -> str:
    """What each policy does with each category, input / output."""
    policies = load_policies()
    rows: list[tuple[str, ...]] = []
    for category in CATEGORIES:
        cells = [
            f"{_action(policies[a], category, 'input')} / {_action(policies[a], category, 'output')}" for a in AUDIENCES
        ]
        rows.append((f"`{category}`", *cells))
    return table(("category", *(f"{a}: in / out" for a in AUDIENCES)), rows)


def rails_corpus() -> str:
    """`qalqan guard evaluate guardrails/corpus/*.jsonl --json > ops/results/rails-corpus.json`."""
    r = json.loads((RESULTS / "rails-corpus.json").read_text(encoding="utf-8"))["tiers"]["all"]
    rows: list[tuple[str, ...]] = []
    for kind, group in [("total", "all"), *(("category", c) for c in (*CATEGORIES, "ordinary"))]:
        cell = r[kind][group]
        shown = [f"{cell[k]['value'] * 100:.1f}%" if cell[k] else "" for k in ("recall", "false_alarms")]
        rows.append((f"`{group}`", str(cell["harmful"]), shown[0], str(cell["harmless"]), shown[1]))
    return table(("category", "to be caught", "recall", "harmless", "false alarms"), rows)


def commands() -> str:
    """The commands that exist."""
    rows: list[tuple[str, ...]] = []

    def walk(command: Any, path: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            first = (command.help or "").split("\n")[0]
            rows.append((f"`{path}`", first))
            return
        for name, child in sorted(inner.items()):
            walk(child, f"{path} {name}")

    walk(typer.main.get_command(app), "qalqan")
    return table(("command", "does"), rows)


def _action(policy: Policy, category: Category, direction: Direction) -> str:
    return policy.outcome(category, direction).action


TABLES: dict[str, Callable[[], str]] = {
    "gateway": gateway,
    "retrieval": retrieval,
    "library": library,
    "rails": rails,
    "rails_corpus": rails_corpus,
    "commands": commands,
}


def main() -> int:
    """Rewrites README.md, or with --check says whether it is up to date."""
    path = ROOT / "README.md"
    old = path.read_text(encoding="utf-8")

    def fill(found: re.Match[str]) -> str:
        return f"<!-- table:{found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    new = re.sub(r"<!-- table:(\w+) -->\n.*?<!-- end -->", fill, old, flags=re.DOTALL)
    if new == old:
        return 0
    if "--check" in sys.argv:
        print("README.md's tables are out of date: run .venv/bin/python ops/docs.py", file=sys.stderr)
        return 1
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

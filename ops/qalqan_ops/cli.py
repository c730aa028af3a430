"""The `qalqan` command. Each command imports what it needs when it runs, so that `guard scan` starts at once."""

from __future__ import annotations

from qalqan_ops import offswitch

offswitch.apply()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated, Any  # noqa: E402

import typer  # noqa: E402

from qalqan_guardrails.errors import GuardrailsError  # noqa: E402
from qalqan_knowledge.errors import KnowledgeError  # noqa: E402
from qalqan_ops import logs  # noqa: E402
from qalqan_ops.errors import OpsError  # noqa: E402
from qalqan_serving.errors import QalqanError  # noqa: E402

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
guard = typer.Typer(help="The rails, apart from the gateway.", no_args_is_help=True)
knowledge = typer.Typer(help="The library.", no_args_is_help=True)
audit = typer.Typer(help="The evidence.", no_args_is_help=True)
bench = typer.Typer(help="Our own speed, as ratios in one run.", no_args_is_help=True)
app.add_typer(guard, name="guard")
app.add_typer(knowledge, name="knowledge")
app.add_typer(audit, name="audit")
app.add_typer(bench, name="bench")

Data = Annotated[Path | None, typer.Option(help="The folder that holds all state.")]


def main() -> None:
    """Runs the command; what it can't do is one sentence on standard error and status 2."""
    logs.configure()
    try:
        app()
    except (OpsError, GuardrailsError, KnowledgeError, QalqanError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)


@app.command()
def up(
    model: Annotated[Path | None, typer.Option(help="A folder with safetensors weights, served by vLLM.")] = None,
    upstream: Annotated[str | None, typer.Option(help="An OpenAI-compatible server inside the perimeter.")] = None,
    engine: Annotated[str | None, typer.Option(help="vllm, extractive or upstream; follows from the rest.")] = None,
    profile: Annotated[str | None, typer.Option(help="local or closed.")] = None,
    host: str | None = None,
    port: int | None = None,
    ui_port: int | None = None,
    no_ui: Annotated[bool, typer.Option("--no-ui")] = False,
    data: Data = None,
    workers: int | None = None,
) -> None:
    """Start everything, print the addresses, and stop it all on Ctrl-C."""
    from qalqan_ops import up as stack

    raise typer.Exit(
        stack.run(
            _settings(
                model=model,
                upstream=upstream,
                engine=engine,
                profile=profile,
                host=host,
                port=port,
                ui_port=ui_port,
                ui=False if no_ui else None,
                data=data,
                workers=workers,
            )
        )
    )


@app.command()
def check(model: Path | None = None, upstream: str | None = None, data: Data = None) -> None:
    """Say what is configured, what is missing, and what would phone home (nothing)."""
    from qalqan_ops.check import report

    ok, lines = report(_settings(model=model, upstream=upstream, data=data))
    print("\n".join(lines))
    raise typer.Exit(0 if ok else 1)


@guard.command()
def scan(
    direction: Annotated[str, typer.Option(help="input, output or retrieved.")],
    audience: Annotated[str, typer.Option(help="pupil, adult or agency.")],
) -> None:
    """Judge JSON lines from standard input; one verdict a line on standard output."""
    import orjson

    from qalqan_guardrails.contract import AUDIENCES, DIRECTIONS
    from qalqan_guardrails.runner import default_runner
    from qalqan_guardrails.scan import scan_lines

    if direction not in DIRECTIONS:
        raise OpsError("--direction is one of input, output, retrieved.")
    if audience not in AUDIENCES:
        raise OpsError("--audience is one of pupil, adult, agency.")
    for result in scan_lines(sys.stdin.buffer, direction, audience, default_runner(_settings().policies)):
        sys.stdout.buffer.write(orjson.dumps(result) + b"\n")


@guard.command("evaluate")
def guard_evaluate(
    files: Annotated[list[Path], typer.Argument(help="JSON lines with label, category, lang, and text or messages.")],
    audience: Annotated[str, typer.Option(help="pupil, adult or agency.")] = "pupil",
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recall, false alarms and F1 with 95% intervals, by tier, category, language and direction."""
    import orjson

    from qalqan_guardrails.contract import AUDIENCES
    from qalqan_guardrails.evaluate import evaluate as measure
    from qalqan_guardrails.runner import default_runner

    if audience not in AUDIENCES:
        raise OpsError("--audience is one of pupil, adult, agency.")
    report = measure(files, default_runner(_settings().policies), audience)
    print(orjson.dumps(report.as_dict()).decode() if json else report.table())


@knowledge.command()
def ingest(paths: list[Path], collection: str | None = None, data: Data = None) -> None:
    """Take documents into the library; a second run takes only what changed."""
    from qalqan_guardrails.contract import Sample
    from qalqan_guardrails.exact import Confidentiality
    from qalqan_knowledge.library import ingest as take

    marks = Confidentiality()

    def screen(document: str) -> str | None:
        found = marks.check(Sample(document, "retrieved"))
        return f"it carries a secrecy mark ({found[0].rule}); such documents are not taken in." if found else None

    done = take(paths, _library(data), collection=collection, screen=screen)
    print(f"{len(done.taken)} taken, {len(done.unchanged)} unchanged, {len(done.refused)} refused")
    for path, why in done.refused:
        print(f"refused {path}: {why}")


@knowledge.command()
def search(
    text: str,
    k: Annotated[int, typer.Option("-k")] = 10,
    json: Annotated[bool, typer.Option("--json")] = False,
    data: Data = None,
) -> None:
    """Show the passages that answer best."""
    import orjson

    found = _library(data).search(text, k=k)
    for passage in found:
        if json:
            print(orjson.dumps(passage).decode())
        else:
            print(f"{passage.score:.3f}  {passage.id}  {passage.title}\n    {passage.text[:160]}")
    if not found:
        print("Nothing in the library bears on this.", file=sys.stderr)


@knowledge.command()
def evaluate(
    corpus: Annotated[list[Path], typer.Option(help="JSON lines with id and text.")],
    queries: Annotated[Path, typer.Option(help="JSON lines with id, text and meta.relevant.")],
    k: Annotated[int, typer.Option("-k")] = 10,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure retrieval in a folder of its own."""
    import orjson

    from qalqan_knowledge.evaluate import evaluate as measure

    figures = measure(corpus, queries, k)
    if json:
        print(orjson.dumps(figures).decode())
    else:
        print("\n".join(f"{name:10} {value:.3f}" for name, value in figures.items()))


@audit.command()
def verify(data: Data = None) -> None:
    """Recompute the chain of the audit log."""
    from qalqan_ops.audit import verify as recompute

    path = _settings(data=data).data / "audit.sqlite"
    if not path.exists():
        raise OpsError(f"There is no audit log at {path}: name the data folder with --data.")
    found = recompute(path)
    print(f"{found.events} events, chain " + ("intact" if found.intact else f"broken at row {found.broken_at}"))
    raise typer.Exit(0 if found.intact else 1)


@bench.command()
def gateway(
    rounds: int = 5, connections: int = 32, seconds: float = 3.0, json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """The gateway with rails, label and audit on, against a bare relay."""
    import orjson

    from qalqan_ops.bench.gateway import run

    report = run(rounds, connections, seconds)
    if json:
        print(orjson.dumps(report.as_dict()).decode())
        return
    for name, figures in (("bare relay", report.relay), ("gateway", report.gateway)):
        print(
            f"{name:11} {figures.requests_per_s:8.1f} req/s   p50 {figures.p50_ms:.3f} ms   p99 {figures.p99_ms:.3f} ms"
        )
    print(f"share of the relay's requests/s: {report.share_of_relay:.3f}")
    print(f"added at one connection: p50 {report.added_p50_ms:+.3f} ms, p99 {report.added_p99_ms:+.3f} ms")


def _settings(**given: Any) -> Any:
    from qalqan_ops.settings import load

    return load(**given)


def _library(data: Path | None) -> Any:
    from qalqan_knowledge.library import open_library

    settings = _settings(data=data)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_library(settings.data, settings.qdrant_url)

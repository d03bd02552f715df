"""`medtune`: serve, worker, migrate, gc, openapi, evaluate, curve, demo.

Commands import what they need when they run: worker processes import this module, and ought to
start fast.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Fine-tune and serve biomedical extraction models.",
    # Pretty tracebacks show local variables, and so whatever they hold.
    pretty_exceptions_enable=False,
)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    worker: Annotated[
        bool, typer.Option(help="Run jobs in this process, or leave them to medtune worker.")
    ] = True,
) -> None:
    """Run the service; all state lies under MEDTUNE_DATA_DIR, or in PostgreSQL and a blob store."""
    from app import worker as processes
    from app.platform.settings import Settings

    with _starting():
        processes.serve(Settings(), host, port, jobs=worker)


@app.command()
def worker(
    queues: Annotated[
        str | None,
        typer.Option(
            help="Queues to run jobs of, like train,extract-cohere: names, or groups by the part "
            "before the hyphen; all if not given."
        ),
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(help="Port to answer /healthz and /readyz on.", min=1, max=65535),
    ] = None,
    health_host: Annotated[str, typer.Option(help="Address of that port.")] = "127.0.0.1",
) -> None:
    """Run jobs of services on the same PostgreSQL; without HTTP, but for probes."""
    from app import worker as processes
    from app.platform.settings import Settings

    names = [name.strip() for name in (queues or "").split(",")]
    with _starting():
        health = None if health_port is None else (health_host, health_port)
        processes.work(Settings(), [name for name in names if name], health)


@contextmanager
def _starting() -> Iterator[None]:
    from app.worker import CannotStartError

    try:
        yield
    except CannotStartError as error:
        typer.echo(f"Medtune does not start: {error}.", err=True)
        raise typer.Exit(1) from None


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Revision to go to.")] = "head",
) -> None:
    """Bring the database to the newest schema (SQLite: `serve` does it by itself)."""
    from app.backends.registry import Backends
    from app.parts import create_platform
    from app.platform.settings import Settings

    async def run() -> None:
        platform = create_platform(Settings(), Backends({}))
        await platform.database.migrate(revision)
        if revision == "head":
            await platform.jobs.migrate()
        await platform.database.close()

    asyncio.run(run())
    typer.echo(f"The database is at {revision}.")


@app.command()
def gc(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only files older than this: 90m, 24h, 7d.")
    ] = "24h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it.")] = False,
) -> None:
    """Remove files that no row knows: what crashes left. Services may run meanwhile."""
    from app.commands.gc import Asked, run, seconds
    from app.platform.settings import Settings

    try:
        asked = Asked(seconds(older_than), dry_run)
    except (ValueError, KeyError):
        raise typer.BadParameter("give it like 90m, 24h or 7d", param_hint="--older-than") from None
    with _command() as console:
        asyncio.run(run(Settings(), asked, console))


@app.command()
def openapi() -> None:
    """Print the OpenAPI file of the service."""
    from app.main import create_app
    from app.platform.settings import Settings

    typer.echo(json.dumps(create_app(Settings()).openapi(), indent=2, sort_keys=True))


Server = Annotated[
    str | None,
    typer.Option(
        envvar="MEDTUNE_SERVER",
        help="Address of a running service; without one, a service of its own on MEDTUNE_DATA_DIR.",
    ),
]


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Ids, aliases or fine-tunes; all others are compared with the first.",
        ),
    ],
    dataset: Annotated[str, typer.Option(help="A dataset's id, or a corpus file to upload.")],
    split: Annotated[
        list[str] | None, typer.Option(help="Split to evaluate, once for each; all if not given.")
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Like diseases,chemicals; all that can be measured.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the evaluation.")] = None,
    vocabulary: Annotated[
        list[str] | None, typer.Option(help="Vocabulary to look identifiers up in.")
    ] = None,
    min_precision: Annotated[
        float | None, typer.Option(min=0, max=1, help="Answer only what is right this often.")
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=IN,OUT[,CURRENCY]", help="What a million tokens of a model cost."
        ),
    ] = None,
    server: Server = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the evaluation to this file.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the comparison to this file, .svg or .png.")
    ] = None,
) -> None:
    """Measure models on annotated documents, and compare them with the first."""
    from app.commands.evaluate import Asked, Outputs, run

    asked = Asked(
        models=models,
        dataset=dataset,
        splits=split or [],
        tasks=[task.strip() for task in tasks.split(",")] if tasks else [],
        name=name,
        min_precision=min_precision,
        vocabularies=vocabulary or [],
        prices=price or [],
    )
    with _command() as console:
        run(asked, Outputs(json=json_file, markdown=markdown, plot=plot), server, console)


@app.command()
def curve(
    fine_tune: Annotated[str, typer.Argument(metavar="FINE_TUNE", help="A fine-tune's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to draw to, .svg or .png.")],
    server: Server = None,
) -> None:
    """Draw the training curve of a fine-tune."""
    from app.commands.curve import run

    with _command() as console:
        run(fine_tune, output, server, console)


@contextmanager
def _command() -> "Iterator[Console]":
    """A console to show things on; what goes wrong as expected is told in words, exit code 1."""
    from app.charts import ChartError
    from app.commands.service import CommandError

    try:
        yield _console()
    except (CommandError, ChartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _console() -> "Console":
    import io
    import sys

    from rich.console import Console

    if sys.stdout is None:  # it was closed: nobody listens
        return Console(quiet=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name may have what the encoding has not
    # Tables that go to a file are not folded to the width of some terminal.
    return Console() if sys.stdout.isatty() else Console(width=160)


@app.command()
def demo(
    corpus: Annotated[
        Path | None,
        typer.Option(help="Folder of a BC5CDR-like corpus; the synthetic sample if not given."),
    ] = None,
    preset: Annotated[str, typer.Option(help="fast, balanced or accurate.")] = "balanced",
) -> None:
    """Show the whole story on a service of its own: upload, train, extract, compare."""
    from app.demo import run

    raise typer.Exit(run(corpus, preset))


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()

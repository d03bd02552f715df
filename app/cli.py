"""`medtune`: serve, worker, migrate, gc, keys, openapi, demo; and those that ask a service.

Commands import what they need when they run: worker processes import this module, and ought to
start fast.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.commands import encryption_options, key_options, remote
from app.commands.options import age, command

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
    with _starting():
        from app import worker as processes
        from app.platform.settings import Settings

        processes.serve(Settings.read(), host, port, jobs=worker)


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
    names = [name.strip() for name in (queues or "").split(",")]
    with _starting():
        from app import worker as processes
        from app.platform.settings import Settings

        health = None if health_port is None else (health_host, health_port)
        processes.work(Settings.read(), [name for name in names if name], health)


@contextmanager
def _starting() -> Iterator[None]:
    # What is loaded and put together stays, so that collecting is a fifth of a start for nothing;
    # `running` has it begin.
    gc.disable()
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
    from app.commands.database import database_errors
    from app.commands.service import CommandError
    from app.platform.database import NewerSchemaError
    from app.platform.making import bare_platform
    from app.platform.settings import Settings

    async def run() -> None:
        async with bare_platform(Settings.read()) as platform:
            try:
                await platform.database.migrate(revision)
            except NewerSchemaError as error:
                raise CommandError(f"It cannot be migrated: {error}.") from None
            if revision == "head":
                await platform.jobs.migrate()

    with command(), database_errors():
        asyncio.run(run())
    typer.echo(f"The database is at {revision}.")


@app.command("gc")
def remove_garbage(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only files older than this: 90m, 24h, 7d.")
    ] = "24h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it.")] = False,
) -> None:
    """Remove files that no row knows: what crashes left. Services may run meanwhile."""
    from app.commands.gc import Asked, run
    from app.platform.settings import Settings

    asked = Asked(age(older_than, "--older-than"), dry_run)
    with command() as console:
        asyncio.run(run(Settings.read(), asked, console))


@app.command()
def openapi() -> None:
    """Print the OpenAPI file of the service."""
    from app.main import create_app
    from app.platform.settings import Settings

    typer.echo(json.dumps(create_app(Settings.read()).openapi(), indent=2, sort_keys=True))


app.add_typer(key_options.app, name="keys")
app.add_typer(encryption_options.app, name="encryption")
for ask in (remote.upload, remote.train, remote.extract, remote.evaluate, remote.curve):
    app.command()(ask)


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
    import structlog

    from app.platform.errors import UnusableSettingsError
    from app.platform.logs import configure_logs

    configure_logs("WARNING")
    try:
        app()
    except UnusableSettingsError as error:
        typer.echo(f"Medtune cannot use its settings: {error}.", err=True)
        sys.exit(1)
    except Exception:
        # Typer has a hook of its own, which would show the message.
        structlog.get_logger(__name__).critical("command_broke", exc_info=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""`medtune`: serve, migrate, openapi, demo.

Commands import what they need when they run: worker processes import this module, and ought to
start fast.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Run the service; all state lies under MEDTUNE_DATA_DIR."""
    import uvicorn

    from app.main import create_app
    from app.platform.folder_lock import FolderInUseError, folder_lock
    from app.platform.logs import configure_logs
    from app.platform.settings import Settings

    settings = Settings()
    configure_logs(settings.log_level)
    try:
        with folder_lock(settings.data_dir):
            pass  # the service takes it for good; here it is only told apart from other failures
    except FolderInUseError as error:
        typer.echo(f"Medtune does not start: {error}.", err=True)
        raise typer.Exit(1) from None
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Revision to go to.")] = "head",
) -> None:
    """Bring the database to the newest schema (SQLite: `serve` does it by itself)."""
    from app.backends.registry import Backends
    from app.main import create_platform
    from app.platform.settings import Settings

    async def run() -> None:
        platform = create_platform(Settings(), Backends({}))
        await platform.database.migrate(revision)
        await platform.database.close()

    asyncio.run(run())
    typer.echo(f"The database is at {revision}.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI file of the service."""
    from app.main import create_app
    from app.platform.settings import Settings

    typer.echo(json.dumps(create_app(Settings()).openapi(), indent=2, sort_keys=True))


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

"""The options of `medtune keys`; light to import, as the command line is."""

from typing import Annotated

import typer

from app.commands.options import age, command

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke keys: with a key, a service may be reached from elsewhere.",
    pretty_exceptions_enable=False,
)


@app.command()
def create(
    scope: Annotated[str, typer.Option(help="read, write or admin.")] = "read",
    name: Annotated[str, typer.Option(help="What it is for.")] = "unnamed",
    workspace: Annotated[
        str, typer.Option(help="The only one whose resources it reaches.")
    ] = "default",
    expires_in: Annotated[
        str | None, typer.Option(metavar="AGE", help="When it ends, like 90d; never if not given.")
    ] = None,
) -> None:
    """Make a key and print it: alone on stdout, and never again."""
    from app.commands.keys import Asked
    from app.commands.keys import create as make
    from app.platform.settings import Settings

    lasts = None if expires_in is None else age(expires_in, "--expires-in")
    with command():
        made = make(Settings.read(), Asked(name, scope, workspace, lasts))
    typer.echo(f"Made {made.id} with scope {made.scope} in workspace {made.workspace}.", err=True)
    typer.echo(made.key)


@app.command("list")
def list_keys() -> None:
    """Show all keys, without their secrets."""
    from app.commands.keys import show
    from app.platform.settings import Settings

    with command() as console:
        show(Settings.read(), console)


@app.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="As medtune keys list shows it, or the key.")
    ],
) -> None:
    """End a key for good; services know within 5 seconds."""
    from app.commands.keys import revoke as end
    from app.platform.settings import Settings

    with command():
        revoked = end(Settings.read(), key_id)
    typer.echo(f"Revoked {revoked}.")

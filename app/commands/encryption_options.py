"""The options of `medtune encryption`; light to import, as the command line is."""

from types import ModuleType

import typer

from app.commands.options import command

app = typer.Typer(
    no_args_is_help=True,
    help="Encryption at rest: make keys, see what is sealed, seal it anew.",
    pretty_exceptions_enable=False,
)


@app.command()
def new_key() -> None:
    """Print a new key for MEDTUNE_ENCRYPTION_KEYS. Whoever loses it loses all it has sealed."""
    with command():
        typer.echo(_commands().new_key())


@app.command()
def status() -> None:
    """Count files and values by the key they are sealed with. Services may run meanwhile."""
    from app.platform.settings import Settings

    with command() as console:
        _commands().show(Settings.read(), console)


@app.command()
def seal() -> None:
    """Seal what is plain with the first key. Safe to repeat; services may run meanwhile."""
    from app.platform.settings import Settings

    with command() as console:
        _commands().seal(Settings.read(), console)


@app.command()
def rotate() -> None:
    """Seal all that is plain or sealed with another key with the first one.

    Safe to repeat, also after it was cut off; services that know the first key may run meanwhile.
    """
    from app.platform.settings import Settings

    with command() as console:
        _commands().rotate(Settings.read(), console)


def _commands() -> ModuleType:
    """Raises CommandError without the extra."""
    from app.commands.service import CommandError

    try:
        from app.commands import encryption
    except ModuleNotFoundError:
        raise CommandError("Encryption needs pip install medtune[encryption].") from None
    return encryption

"""`medtune upload | train | extract | evaluate | curve`: the commands that ask a service.

Results go to stdout, everything else to stderr. Each imports what it needs when it runs.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import ApiKey, Server, Tasks, Vocabulary, command, listed


class OutputFormat(StrEnum):
    """How extractions are written."""

    JSONL = "jsonl"
    PUBTATOR = "pubtator"


def upload(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="PubTator, BioC, BigBio JSON or rows.")
    ],
    split: Annotated[
        list[str] | None, typer.Option(help="Split: of each file, in their order, or of all.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the dataset.")] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Recognised from the content if not given.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until it has been read, and tell what is wrong.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the dataset, not only its id.")
    ] = False,
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Upload annotated documents, and print the id of their dataset."""
    from app.commands.service import Target
    from app.commands.upload import Asked, run

    with command():
        run(Asked(files, split or [], name, format_name, wait, as_json), Target(server, api_key))


def train(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A dataset's id, or a corpus file to upload.")
    ],
    split: Annotated[list[str] | None, typer.Option(help="Split to train on [train].")] = None,
    tasks: Tasks = None,
    text: Annotated[
        str | None, typer.Option(help="Text to show in prompts: abstract or title_and_abstract.")
    ] = None,
    backend: Annotated[str, typer.Option(help="Where to train.")] = "local",
    base_model: Annotated[
        str | None, typer.Option(help="Model to start from; the backend's choice if not given.")
    ] = None,
    hyperparameters: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Like preset=fast; repeat for more."),
    ] = None,
    vocabulary: Vocabulary = None,
    name: Annotated[str | None, typer.Option(help="Name of the fine-tune and its model.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the fine-tune, not only its model's id.")
    ] = False,
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Train a model on a dataset, follow it, and print the model's id."""
    from app.commands.service import Target
    from app.commands.train import Asked, run

    asked = Asked(
        dataset=dataset,
        splits=split or ["train"],
        tasks=listed(tasks),
        text=text,
        backend=backend,
        base_model=base_model,
        hyperparameters=hyperparameters or [],
        vocabularies=vocabulary or [],
        name=name,
        json=as_json,
    )
    with command():
        run(asked, Target(server, api_key))


def extract(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model's id, an alias or a fine-tune.")
    ],
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="File of one text; - is stdin.")
    ] = "-",
    lines: Annotated[bool, typer.Option("--lines", help="A text a line.")] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='{"id", "text"} a line; so are files named *.jsonl.')
    ] = False,
    tasks: Tasks = None,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out what is less probable.")
    ] = None,
    min_precision: Annotated[
        float | None, typer.Option(min=0, max=1, help="Answer only what is right this often.")
    ] = None,
    vocabulary: Vocabulary = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="Ask by a batch: for very many texts.")
    ] = False,
    format_name: Annotated[
        OutputFormat, typer.Option("--format", help="PubTator is always asked for by a batch.")
    ] = OutputFormat.JSONL,
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Extract from a text or many, and print a line of JSON for each, in their order."""
    from app.commands.extract import Asked, run
    from app.commands.service import Target

    if lines and jsonl:
        raise typer.BadParameter("give --lines or --jsonl")
    named = source.endswith(".jsonl") and not lines
    asked = Asked(
        model=model,
        source=source,
        kind="lines" if lines else "jsonl" if jsonl or named else "text",
        tasks=listed(tasks),
        min_score=min_score,
        min_precision=min_precision,
        vocabularies=vocabulary or [],
        batch=batch,
        format=format_name.value,
    )
    with command():
        run(asked, Target(server, api_key))


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
    tasks: Tasks = None,
    name: Annotated[str | None, typer.Option(help="Name of the evaluation.")] = None,
    vocabulary: Vocabulary = None,
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
    api_key: ApiKey = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write the evaluation to this file; - prints it, and no tables."
        ),
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the comparison to this file, .svg or .png.")
    ] = None,
) -> None:
    """Measure models on annotated documents, and compare them with the first."""
    from app.commands.evaluate import Asked, Outputs, run
    from app.commands.service import Target

    asked = Asked(
        models=models,
        dataset=dataset,
        splits=split or [],
        tasks=listed(tasks),
        name=name,
        min_precision=min_precision,
        vocabularies=vocabulary or [],
        prices=price or [],
    )
    with command() as console:
        run(
            asked,
            Outputs(json=json_file, markdown=markdown, plot=plot),
            Target(server, api_key),
            console,
        )


def curve(
    fine_tune: Annotated[str, typer.Argument(metavar="FINE_TUNE", help="A fine-tune's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to draw to, .svg or .png.")],
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Draw the training curve of a fine-tune."""
    from app.commands.curve import run
    from app.commands.service import Target

    with command() as console:
        run(fine_tune, output, Target(server, api_key), console)

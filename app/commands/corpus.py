"""A dataset for a command: one the service has, or corpus files that are uploaded."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.commands.service import CommandError, Json, checked, path_of, settled
from app.corpora.formats import HEAD, detect

_MOST_PROBLEMS = 10


def dataset_of(client: httpx.Client, given: str, splits: Sequence[str], console: Console) -> Json:
    """The dataset of this id, or made of this file, once it is ready. Raises CommandError.

    A PubTator file names no split: it becomes the one that is asked for.
    """
    path = Path(given)
    if not path.is_file():
        if not given.startswith("ds_"):
            raise CommandError(f"{given} is neither a file nor the id of a dataset.")
        return settled(client, path_of("datasets", given))
    with path.open("rb") as file:
        named = len(splits) == 1 and detect(file.read(HEAD), path.name) == "pubtator"
    created = sent(client, [path], {"split": [splits[0]]} if named else {})
    dataset = readable(client, settled(client, path_of("datasets", created["id"])), str(path))
    console.print(f"Uploaded as {dataset['id']}.", highlight=False, markup=False)
    return dataset


def sent(client: httpx.Client, paths: Sequence[Path], form: dict[str, Any]) -> Json:
    """The dataset made of these files, which is still to be read. Raises CommandError."""
    with ExitStack() as opened:
        try:
            files = [("file", (p.name, opened.enter_context(p.open("rb")))) for p in paths]
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
        return checked(client.post("/v1/datasets", files=files, data=form), "id", "status")


def readable(client: httpx.Client, dataset: Json, what: str) -> Json:
    """The dataset, which is ready. Raises CommandError with the first problems of its report."""
    if dataset["status"] != "ready":
        report = checked(client.get(f"/v1/datasets/{dataset['id']}/report"))
        problems = [
            f"  {_place(each)}: {each['message']}. {each['hint']}"
            for each in report["items"][:_MOST_PROBLEMS]
        ]
        raise CommandError("\n".join([f"{what} cannot be read.", *problems]))
    return dataset


def _place(problem: Json) -> str:
    """The file and the line of a problem; one of a whole file has no line."""
    line = problem["line"]
    return problem["file"] if line is None else f"{problem['file']}, line {line}"

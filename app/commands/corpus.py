"""A dataset for a command: one the service has, or a corpus file that is uploaded first."""

from collections.abc import Sequence
from pathlib import Path

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
        file.seek(0)
        form = {"split": splits[0]} if named else {}
        answer = client.post("/v1/datasets", files={"file": (path.name, file)}, data=form)
    dataset = settled(client, path_of("datasets", str(checked(answer, "id")["id"])))
    if dataset["status"] != "ready":
        report = checked(client.get(f"/v1/datasets/{dataset['id']}/report"))
        problems = [
            f"  {_place(each)}: {each['message']}. {each['hint']}"
            for each in report["items"][:_MOST_PROBLEMS]
        ]
        raise CommandError("\n".join([f"{path} cannot be read.", *problems]))
    console.print(f"Uploaded as {dataset['id']}.", highlight=False, markup=False)
    return dataset


def _place(problem: Json) -> str:
    """The file and the line of a problem; one of a whole file has no line."""
    line = problem["line"]
    return problem["file"] if line is None else f"{problem['file']}, line {line}"

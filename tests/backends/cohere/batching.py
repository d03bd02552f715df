"""The batches of a backend, in haste; and, as a program, one that can be killed.

`python -m tests.backends.cohere.batching <url>` asks for one batch.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.backends.base import Annotations, BackendError, ExtractOptions
from app.backends.cohere.batch_pace import BatchPace
from app.backends.cohere.batches import CohereBatches
from app.backends.cohere.chat import Chat
from app.backends.cohere.client import CohereClient
from app.platform.remote_settings import RemoteServer
from app.prompts.tasks import Task
from tests.backends.cohere.conftest import KEY, MODEL

REFERENCE = "shd_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"
NAME = f"medtune-{REFERENCE}"
TEXTS = [
    "Aspirin is not a cause of glaucoma. Lithium may be.",
    " ",
    "Nothing here.",
    "Caffeine against headache and nausea.",
]
PACE = BatchPace(look=0.005, longest_look=0.01, in_flight=(0.01, 0.02), away=0.5, longest=10.0)

Answers = list[Annotations | BackendError] | None


@asynccontextmanager
async def batches_on(url: str, pace: BatchPace = PACE) -> AsyncIterator[CohereBatches]:
    """The batches of a backend called `cohere-vault`."""
    server = RemoteServer.model_validate({"base_url": url, "api_key": KEY})
    client = CohereClient("cohere-vault", server, timeout=5.0, attempts=1)
    try:
        yield CohereBatches(client, Chat(client, "cohere-vault", 5.0), "cohere-vault", pace=pace)
    finally:
        await client.close()


async def extracted(
    batches: CohereBatches,
    texts: list[str] = TEXTS,
    options: ExtractOptions | None = None,
    *,
    model: str = MODEL,
    json_mode: bool = True,
    drop: bool = True,
) -> Answers:
    """What a batch of all tasks gives; it is dropped then, or is not."""
    how = options or ExtractOptions()
    tasks = frozenset(Task)
    answers = await batches.extract(REFERENCE, model, texts, tasks, how, json_mode=json_mode)
    if drop:
        await batches.drop(REFERENCE)
    return answers


async def extracted_at_last(batches: CohereBatches) -> Answers:
    """The same, asked for as often as the backend says to try again."""
    for _ in range(3):
        try:
            return await extracted(batches)
        except BackendError as error:
            if not error.retryable:
                raise
    raise AssertionError("it never got done")


async def _main(url: str) -> None:
    async with batches_on(url) as batches:
        await extracted(batches)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))

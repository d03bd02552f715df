"""Breaks in all ways that Python, asyncio and the libraries print by themselves; for a process.

`python -m tests.privacy.uncaught` takes a word from its standard input, has it in hand wherever
something breaks, and ends with an exception that nobody catches.
"""

import asyncio
import gc
import logging
import sys
import threading
import warnings
from concurrent.futures import Future
from typing import Any

import uvloop
from pydantic import BaseModel

from app.platform.logs import configure_logs


class Pair(BaseModel):
    """Of numbers; told of a text, pydantic warns, and shows the text."""

    numbers: tuple[int, int]


class Sick:
    """Cannot be removed without an exception that nobody can catch."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        return f"Sick({self.word})"

    def __del__(self) -> None:
        raise ValueError(self.word)


def breaks(word: str) -> None:
    """Raises it, with a note, out of another that has it, too."""
    try:
        bytes(word, "ascii").decode("utf-16")
        raise KeyError(word)
    except (KeyError, UnicodeDecodeError) as error:
        error.add_note(word)
        raise ValueError(word) from error


def warns(word: str) -> None:
    """By itself and in the words of pydantic."""
    warnings.warn(f"about {word}", stacklevel=1)
    Pair.model_construct(numbers=word).model_dump_json()  # type: ignore[arg-type]


def vanishes(word: str) -> None:
    """What is removed raises."""
    Sick(word)
    gc.collect()


def thread(word: str) -> None:
    """A thread that ends with an exception."""
    broken = threading.Thread(target=breaks, args=(word,), name=word)
    broken.start()
    broken.join()


def misformatted(word: str) -> None:
    """A library logs what cannot be written, and at DEBUG, what is fine."""
    logging.getLogger("theirs").warning("%d of it", word)
    logging.getLogger("asyncio").warning("Executing %r took long", Sick)


def callback_of_future(word: str) -> None:
    """What is called at the end of something breaks."""
    future: Future[str] = Future()
    future.add_done_callback(lambda done: breaks(done.result()))
    future.set_result(word)


async def on_loop(word: str) -> None:
    """A task nobody waits for, a callback with arguments, and what a library tells the loop."""
    loop = asyncio.get_running_loop()

    async def unwatched() -> None:
        breaks(word)

    task: Any = loop.create_task(unwatched(), name=word)
    loop.call_soon(breaks, word)
    for _ in range(3):
        await asyncio.sleep(0)
    del task
    gc.collect()
    loop.call_exception_handler({"message": f"Broken: {word}", "what": word})


def main(word: str) -> None:
    """All of it."""
    configure_logs("DEBUG")
    for broken in (warns, vanishes, thread, misformatted, callback_of_future):
        broken(word)
    asyncio.run(on_loop(word))
    uvloop.run(on_loop(word))
    breaks(word)


if __name__ == "__main__":
    main(sys.stdin.read())

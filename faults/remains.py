"""Looks for a word in all that a fleet stores: its files, and every page of its databases.

A word may lie there as it is or in base64, as the job engine keeps arguments; what a database has
compressed is looked for in its rows.
"""

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from faults import leftovers
from faults.fleet import END_SECONDS, Fleet, until
from tests.privacy.marks import cells

_OWNER = re.compile(r"/blobs/(bat_\w+)/")
_NOT_FOUND = 404


def forms(word: str) -> list[bytes]:
    """How a word may lie in bytes, all in lower case: as it is, or in the middle of base64."""
    encoded = [base64.b64encode(b"\0" * before + word.encode()) for before in range(3)]
    # The first and the last four letters may be made of its neighbours, too.
    inner = [encoded[0][:-4], *(each[4:-4] for each in encoded[1:])]
    return [each.lower() for each in (word.encode(), *inner)]


def found(fleet: Fleet, word: str) -> list[str]:
    """Where the word is: files, and columns of tables."""
    folders = [fleet.data.parent]
    if fleet.server is not None:
        fleet.server.execute("CHECKPOINT")  # what is in its memory is in its files then
        folders.append(fleet.server.folder)
    sought = forms(word)
    columns = {
        column
        for column, value in cells(fleet.data, fleet.database_url)
        if any(form in value.lower().encode() for form in sought)
    }
    return [*files_with(sought, *folders), *sorted(columns)]


def kept(fleet: Fleet, word: str) -> list[str]:
    """Where the word is when there has been the time to remove it.

    For `medtune gc` are an upload whose batch was never made, and what two processes have cut at
    once since one was taken for dead, which happens when the machine is busy; nothing else is.
    """
    sought = forms(word)

    def for_gc() -> bool:
        return all(_of_no_batch(fleet, path) for path in files_with(sought, fleet.data))

    with suppress(TimeoutError):
        until(for_gc, END_SECONDS, "texts")
    if files_with(sought, fleet.data) and (for_gc() or _taken_for_dead(fleet)):
        leftovers.found(fleet)
    return [f"a word of a text in {place}" for place in found(fleet, word)]


def files_with(sought: Sequence[bytes], *folders: Path) -> list[str]:
    """Files with any of these forms in them."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    read = ((path, _content(path)) for path in files)
    return [str(path) for path, content in read if any(form in content for form in sought)]


def _of_no_batch(fleet: Fleet, path: str) -> bool:
    owner = _OWNER.search(path)
    if owner is None:
        return False
    return fleet.get(f"/v1/extraction-batches/{owner[1]}").status_code == _NOT_FOUND


def _taken_for_dead(fleet: Fleet) -> bool:
    logs = (process.log.read_bytes() for process in fleet.processes.values())
    return any(b"taken_for_dead" in log for log in logs)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().lower()
    except FileNotFoundError:
        return b""  # removed meanwhile

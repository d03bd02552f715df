"""From what a batch used to what very many abstracts would: arithmetic, see docs/scaling.md."""

from dataclasses import dataclass

from benchmarks._deployment import row

ABSTRACTS = 30_000_000


@dataclass(frozen=True)
class Used:
    """What a batch of so many texts used: seconds of processor of all processes; what it left.

    `rows` and their bytes, indexes with them, are those of its shards in PostgreSQL, jobs included.
    """

    texts: int
    cpu_seconds: float
    blobs: int
    blob_bytes: int
    rows: int
    row_bytes: int


def forecast(used: Used, abstracts: int = ABSTRACTS) -> None:
    """Print what so many abstracts use if they are like those texts."""
    times = abstracts / used.texts
    row(
        f"  {abstracts:,} such texts would take",
        f"{used.cpu_seconds * times / 3600:,.0f} core-hours",
    )
    row("    and leave in the blob store", _shown(used.blobs, used.blob_bytes, times, "blobs"))
    row("    and in PostgreSQL", _shown(used.rows, used.row_bytes, times, "rows"))


def _shown(things: int, size: int, times: float, of: str) -> str:
    return f"{things * times:,.0f} {of}, {size * times / 1e9:,.2f} GB"

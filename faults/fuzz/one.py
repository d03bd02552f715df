"""Fuzzes one target in this process: `python -m faults.fuzz.one NAME FOLDER SECONDS SEED`.

libFuzzer ends the process at the first input that fails, and writes it to `FOLDER/NAME-...`.
Coverage is that of Medtune's own code and of what its formats are read with.
"""

import resource
import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-untyped]

# One input may take so many seconds of the processor (not of the clock: others work as well).
_MOST_SECONDS = 1.0
_HANGS_SECONDS = 20
# So much more memory than at the beginning, in MiB.
_MOST_GROWTH = 200


class TooSlowError(Exception):
    """An input took too long."""


def main(name: str, folder: str, seconds: str, seed: str) -> None:
    """Does not return."""
    with atheris.instrument_imports(include=["app", "python_multipart", "zipfile", "csv"]):
        from faults.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = Path(folder, "corpus", name)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content)
        target.check(content)  # what is read once only, is read by now

    def one(data: bytes) -> None:
        begin = time.process_time()
        target.check(data)
        if (took := time.process_time() - begin) > _MOST_SECONDS:
            raise TooSlowError(f"{took:.1f} s")

    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-timeout={_HANGS_SECONDS}",
        f"-rss_limit_mb={rss + _MOST_GROWTH}",
        f"-max_len={target.max_bytes}",
        f"-artifact_prefix={folder}/{name}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

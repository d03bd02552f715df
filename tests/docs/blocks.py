"""The blocks of code of a page: found, and run in order against a live service.

All `sh` blocks of a page share one shell, and all `python` blocks one interpreter, as a reader's do
who follows the page. A block that is not run says why, in a comment before it in the page's source:

    <!-- not run: needs a GPU -->

A page that goes on in the shell of the first steps says so: `<!-- continues: first-steps.md -->`.
Its shell then has the names that those have set, without running them again.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8000"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$", re.M | re.S
)
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*\Z")
_SECONDS = 120

# Each reads names of files of code at its input, runs them, and says at its output that it is done.
# An answer of HTTP that is a problem fails the block, in a pipe too: pages show what works.
_DONE = "block done"
_SHELL = f"""
refused=$PWD/refused
curl() {{
    command curl --fail-with-body "$@" && return
    local code=$?
    if [ $code = 22 ]; then echo "$*" >> "$refused"; fi
    return $code
}}
while read -r file; do
    source "$file" </dev/null
    if [ -e "$refused" ]; then echo "refused: curl $(cat "$refused")"; exit 1; fi
    printf '\\n{_DONE}\\n'
done
"""
_PYTHON = f"""
import sys
from pathlib import Path
names = {{"__name__": "__main__"}}
for line in sys.stdin:
    file = line.strip()
    exec(compile(Path(file).read_text(), file, "exec"), names)
    print("\\n{_DONE}", flush=True)
"""
_PROGRAMS = {
    "sh": ["bash", "-eu", "-c", _SHELL],
    "python": [sys.executable, "-W", "error", "-c", _PYTHON],
}


@dataclass(frozen=True)
class Block:
    """A block: its language, its code, the line of the page it begins at, why it is not run."""

    page: str
    line: int
    language: str
    code: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.page}, line {self.line} ({self.language})"


class BlockError(AssertionError):
    """A block failed; the message names it and has what it printed."""


def pages() -> list[str]:
    """README and all pages of the documentation but the ADRs, relative to the project."""
    found = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/cookbook").glob("*.md")]
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in found)]


def blocks(page: str, text: str | None = None) -> list[Block]:
    """All blocks of a page, of any language, in order."""
    text = (ROOT / page).read_text() if text is None else text
    found = []
    for match in _FENCE.finditer(text):
        marked = _NOT_RUN.search(text, 0, match.start())
        code = "".join(
            line.removeprefix(match["indent"]) for line in match["code"].splitlines(keepends=True)
        )
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Block(page, line, match["language"], code, marked["reason"] if marked else None)
        )
    return found


def continues_first_steps(page: str) -> bool:
    """Whether a page goes on in the shell of the first steps."""
    return "<!-- continues: first-steps.md -->" in (ROOT / page).read_text().splitlines()


def run(
    page: str,
    folder: Path,
    address: str,
    *,
    text: str | None = None,
    first: str | None = None,
) -> Mapping[Block, str]:
    """Run the blocks of a page, in a folder in which `app` and `.venv` are the project's.

    `first` is code of the shell that runs before them. Returns what each block printed. Raises
    BlockError for the first that fails.
    """
    wanted = [Block("names", 0, "sh", first, None)] if first else []
    wanted += [b for b in blocks(page, text) if b.language in _PROGRAMS and b.not_run is None]
    printed: dict[Block, str] = {}
    with _programs(folder) as programs:
        for block in wanted:
            code = block.code.replace(ADDRESS, address).replace("/tmp/", f"{folder}/")
            printed[block] = _run(programs, block, code, folder)
    return printed


Programs = dict[str, "subprocess.Popen[str]"]


@contextmanager
def _programs(folder: Path) -> Iterator[Programs]:
    """Where the running shell and interpreter of a page are kept; both end with the block."""
    for name in ("app", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    programs: Programs = {}
    try:
        yield programs
    finally:
        for program in programs.values():
            _kill(program)
            program.communicate()


def _run(programs: Programs, block: Block, code: str, folder: Path) -> str:
    if block.language not in programs:
        programs[block.language] = _start(block.language, folder)
    program = programs[block.language]
    assert program.stdin is not None
    assert program.stdout is not None
    file = folder / f"{Path(block.page).stem}-{block.line}.{block.language}"
    file.write_text(code)
    watch = Timer(_SECONDS, _kill, [program])
    watch.start()
    said: list[str] = []
    try:
        program.stdin.write(f"{file}\n")
        program.stdin.flush()
        for line in program.stdout:
            if line.strip() == _DONE:
                return "".join(said)
            said.append(line)
    finally:
        watch.cancel()
    raise BlockError(f"{block} failed:\n{block.code}\nIt printed:\n{''.join(said)[-4000:]}")


def _kill(program: "subprocess.Popen[str]") -> None:
    """End it with all that it has started: that may hold its output open."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def _start(language: str, folder: Path) -> "subprocess.Popen[str]":
    # A page needs no key and none of the user's settings.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CO_", "MEDTUNE_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.Popen(
        _PROGRAMS[language],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

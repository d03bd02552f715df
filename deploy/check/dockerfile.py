"""Reads a Dockerfile and a .dockerignore: as much of both as the project's own use.

What it does not know it refuses with DockerfileError: a line that is passed over silently would be
one that nothing has checked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

KNOWN = {"ARG", "FROM", "RUN", "ENV", "WORKDIR", "COPY", "LABEL", "USER", "VOLUME", "EXPOSE"}
KNOWN |= {"HEALTHCHECK", "CMD"}
_ASSIGNMENT = re.compile(r'(?P<name>[\w.]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>\S*))\s*')
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PYCACHE = "**/__pycache__/"


class DockerfileError(Exception):
    """What is wrong with the Dockerfile, or what is not understood here, with its line."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined; `line` is where it begins, from 1."""

    keyword: str
    value: str
    line: int

    def words(self) -> list[str]:
        """Of the exec form, a JSON list of strings. Raises DockerfileError for any other."""
        try:
            words = json.loads(self.value)
        except ValueError:
            words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise DockerfileError(f"line {self.line}: {self.keyword} is not in exec form")
        return words

    def assignments(self) -> dict[str, str]:
        """Of ENV and LABEL: name -> value, variables as they stand."""
        found, at = {}, 0
        while at < len(self.value):
            match = _ASSIGNMENT.match(self.value, at)
            if match is None:
                raise DockerfileError(f"line {self.line}: not NAME=value: {self.value[at:]}")
            quoted = match["quoted"]
            found[match["name"]] = match["plain"] if quoted is None else quoted
            at = match.end()
        return found


@dataclass
class Stage:
    """What follows a FROM; `name` is what it is called by, if by anything."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, keyword: str) -> Instruction:
        """The instruction that counts. Raises DockerfileError if there is none."""
        for instruction in reversed(self.instructions):
            if instruction.keyword == keyword:
                return instruction
        raise DockerfileError(f"there is no {keyword}")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$NAME` and `${NAME}` put in. Raises DockerfileError for unknown ones."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in variables:
            raise DockerfileError(f"nothing sets ${name}")
        return variables[name]

    return _VARIABLE.sub(value, text)


def read_stages(text: str) -> list[Stage]:
    """The stages in order; arguments before the first FROM are put into the bases' names."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for instruction in _instructions(text):
        if instruction.keyword not in KNOWN:
            raise DockerfileError(f"line {instruction.line}: {instruction.keyword} is not known")
        if instruction.keyword == "FROM":
            base, *rest = expanded(instruction.value, arguments).split()
            if rest and rest[0].upper() != "AS":
                raise DockerfileError(f"line {instruction.line}: FROM is not understood")
            stages.append(Stage(base, rest[1] if rest else None))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.keyword == "ARG":
            name, _, value = instruction.value.partition("=")
            arguments[name] = value
        else:
            raise DockerfileError(f"line {instruction.line}: {instruction.keyword} before FROM")
    if not stages:
        raise DockerfileError("there is no FROM")
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    joined, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        begin = begin if joined else number
        joined += line.strip()
        if joined.endswith("\\"):
            joined = joined[:-1].rstrip() + " "
            continue
        keyword, _, value = joined.partition(" ")
        yield Instruction(keyword.upper(), value.strip(), begin)
        joined = ""


@dataclass(frozen=True)
class Ignored:
    """A .dockerignore that keeps everything out but what `!name` lets in, never a `__pycache__`."""

    let_in: frozenset[str]

    @classmethod
    def read(cls, text: str) -> "Ignored":
        """Raises DockerfileError for one of another kind."""
        lines = [line.strip() for line in text.splitlines()]
        patterns = [line for line in lines if line and not line.startswith("#")]
        first, *rest = patterns or [""]
        if first != "*" or any(p != _PYCACHE and not re.fullmatch(r"![\w.-]+/?", p) for p in rest):
            raise DockerfileError("this kind of .dockerignore is not understood")
        return cls(frozenset(p[1:].rstrip("/") for p in rest if p.startswith("!")))

    def lets_in(self, source: str) -> bool:
        """Whether COPY finds this file or folder."""
        return PurePosixPath(source).parts[0] in self.let_in

    @staticmethod
    def passes_over(_folder: str, names: list[str]) -> set[str]:
        """For shutil.copytree: what is not copied."""
        return {name for name in names if name == "__pycache__"}


def project_stages(project: Path) -> list[Stage]:
    """The stages of a project's Dockerfile."""
    return read_stages((project / "Dockerfile").read_text(encoding="utf-8"))

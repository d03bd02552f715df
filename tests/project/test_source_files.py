"""Rules for every file of the application."""

import ast
from pathlib import Path

import pytest

from tests.project.paths import APP, ROOT

MODULES = sorted(APP.rglob("*.py"))
LONGEST = 300


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_and_says_what_it_promises(path: Path) -> None:
    """At most 300 lines, and a docstring first, unless the file is an empty `__init__.py`."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST, "split it"
    if source or path.name != "__init__.py":
        assert ast.get_docstring(ast.parse(source)), "begin with a docstring"


def test_there_are_modules() -> None:
    """The rule above looks at the real files."""
    assert APP / "main.py" in MODULES


def test_migrations_are_no_package() -> None:
    """With an `__init__.py` the folder would shadow the library whose name it has."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_dependencies_are_coroutines() -> None:
    """FastAPI would run a plain function in a thread, which costs more than a short request."""
    nodes = [node for path in MODULES for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    coroutines = {node.name for node in nodes if isinstance(node, ast.AsyncFunctionDef)}
    used = {
        call.args[0].id
        for call in nodes
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Depends"
        and isinstance(call.args[0], ast.Name)
    }
    assert "get_platform" in used
    assert used <= coroutines, used - coroutines

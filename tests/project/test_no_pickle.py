"""No file is ever unpickled: nothing in the service reads what could run code."""

import ast
from pathlib import Path

import pytest
from dbos import DBOSPortableJSONSerializer

from app.platform import job_store, jobs

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
PICKLERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}


def faults(source: str) -> list[str]:
    """What could unpickle in a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in PICKLERS]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found += [module] if module.split(".")[0] in PICKLERS else []
        elif isinstance(node, ast.Call):
            of_numpy = isinstance(node.func, ast.Attribute) and node.func.attr == "load"
            options = {option.arg: option.value for option in node.keywords}
            allow = options.get("allow_pickle")
            if allow is not None and not (isinstance(allow, ast.Constant) and allow.value is False):
                found.append("allow_pickle")
            if of_numpy and ast.unparse(node.func).startswith(("np.", "numpy.")) and not allow:
                found.append("np.load without allow_pickle=False")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_unpickles_nothing(path: Path) -> None:
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load(file, allow_pickle=True)",
        "read(file, allow_pickle=chosen)",
        "import numpy as np\nnp.load(file)",
    ],
)
def test_what_unpickles_is_found(source: str) -> None:
    assert faults(source)


def test_jobs_are_stored_as_json() -> None:
    """The job engine's own default would pickle arguments and results."""
    for module in (jobs, job_store):
        assert module.__file__ is not None
        source = Path(module.__file__).read_text()
        assert f"serializer={DBOSPortableJSONSerializer.__name__}()" in source

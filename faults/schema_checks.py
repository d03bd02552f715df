"""What schemathesis checks of our answers beside its own checks; it loads this by name."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

from app.platform.errors import CODES

# What is wrong with a value by its type, length, range or pattern: a schema can say all of it.
_SCHEMA_SAYS = frozenset(
    {
        "missing",
        "extra_forbidden",
        "enum",
        "literal_error",
        "string_too_short",
        "string_too_long",
        "string_pattern_mismatch",
        "too_short",
        "too_long",
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "string_type",
        "int_type",
        "int_parsing",
        "int_from_float",
        "float_type",
        "float_parsing",
        "bool_type",
        "bool_parsing",
        "list_type",
        "dict_type",
        "model_attributes_type",
    }
)
_OK = 400


@schemathesis.check
def documented_problems(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """An error is a problem with a documented code; what the schema allows is not refused for what
    a schema could have said."""
    if response.status_code < _OK or case.method == "HEAD":
        return
    problem = response.json()
    assert problem["code"] in CODES, "the code is not documented"
    assert problem["status"] == response.status_code == CODES[problem["code"]].status
    if case.meta is not None and case.meta.generation.mode.is_positive:
        faults = {
            fault["code"]
            for fault in problem.get("errors", ())
            # Which there are depends on the backend; each tells of its own (`/v1/backends`).
            if not fault["pointer"].startswith("/hyperparameters")
        }
        assert not faults & _SCHEMA_SAYS, f"the schema does not say what it could: {faults}"

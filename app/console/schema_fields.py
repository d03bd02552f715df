"""Fields of a form from a JSON Schema, as Pydantic writes them; and a form's values after it.

What the schema's values are for is its own to say: descriptions, ranges and defaults are shown.
What was typed is handed on as text: the schema's model reads it, and says at which field it cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.console.forms import Form

Kind = Literal["choice", "number", "text", "several", "group"]
_RANGES = {"minimum": "at least", "exclusiveMinimum": "more than"}
_RANGES |= {"maximum": "at most", "exclusiveMaximum": "less than"}


@dataclass(frozen=True)
class SchemaField:
    """One value, or a group of them; `name` is dotted, as of all fields of forms.

    `default` are the values of a form not filled in yet; a `nullable` field may be left empty.
    """

    name: str
    label: str
    kind: Kind
    hint: str
    default: tuple[str, ...] = ()
    nullable: bool = False
    options: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    fields: tuple["SchemaField", ...] = ()


def fields_of(schema: Mapping[str, Any], prefix: str) -> list[SchemaField]:
    """The fields of an object's schema."""
    definitions = schema.get("$defs", {})
    return [
        _field(f"{prefix}.{name}", name, each, definitions)
        for name, each in schema.get("properties", {}).items()
    ]


def values_of(fields: Sequence[SchemaField], form: Form) -> dict[str, Any]:
    """What was filled in, as the schema has it; what was left empty is left out."""
    found: dict[str, Any] = {}
    for each in fields:
        name = each.name.rpartition(".")[2]
        if each.kind == "group":
            inner = values_of(each.fields, form)
            if inner or not each.nullable:
                found[name] = inner
        elif each.kind == "several":
            found[name] = form.chosen(each.name)
        elif typed := form.text(each.name).strip():
            found[name] = typed
    return found


def all_names(fields: Sequence[SchemaField]) -> list[str]:
    """The names of all fields, groups and what is in them included."""
    return [name for each in fields for name in (each.name, *all_names(each.fields))]


def plain(description: str) -> str:
    """A description in the words of a form: without markup, and null is what is left empty."""
    return description.replace("`", "").replace("null", "empty")


def _field(
    dotted: str, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> SchemaField:
    choices = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    nullable = len(choices) < len(schema.get("anyOf", []))
    # Of several shapes the first: no backend has more than one and null.
    shape = {**schema, **(choices[0] if choices else {})}
    if "$ref" in shape:
        shape = {**definitions[shape["$ref"].rpartition("/")[2]], **shape}
    label = name.replace("_", " ").capitalize()
    said = plain(schema.get("description", ""))
    default = _texts(schema.get("default"))
    if "properties" in shape:
        inner = fields_of({**shape, "$defs": definitions}, dotted)
        return SchemaField(dotted, label, "group", said, nullable=nullable, fields=tuple(inner))
    if shape.get("type") == "array":
        options = _texts(shape.get("items", {}).get("enum", []))
        return SchemaField(dotted, label, "several", said, default, options=options)
    options = _options(shape)
    if options:
        return SchemaField(dotted, label, "choice", said, default, nullable, options)
    if shape.get("type") in ("integer", "number"):
        ranges = [f"{words} {shape[key]}" for key, words in _RANGES.items() if key in shape]
        attributes = {"step": "1" if shape["type"] == "integer" else "any"}
        attributes |= {
            name: str(shape[key])
            for name, key in (("min", "minimum"), ("max", "maximum"))
            if key in shape
        }
        hint = f"{said} {', '.join(ranges).capitalize()}." if ranges else said
        return SchemaField(dotted, label, "number", hint, default, nullable, attributes=attributes)
    longest = {"maxlength": str(shape["maxLength"])} if "maxLength" in shape else {}
    return SchemaField(dotted, label, "text", said, default, nullable, attributes=longest)


def _options(shape: Mapping[str, Any]) -> tuple[str, ...]:
    if shape.get("type") == "boolean":
        return ("true", "false")
    return _texts(shape.get("enum", [shape["const"]] if "const" in shape else []))


def _texts(value: Any) -> tuple[str, ...]:
    """Values as forms have them: JSON's spelling, null as nothing."""
    if isinstance(value, list):
        return tuple(text for each in value for text in _texts(each))
    if value is None or isinstance(value, dict):
        return ()
    return (str(value).lower() if isinstance(value, bool) else str(value),)

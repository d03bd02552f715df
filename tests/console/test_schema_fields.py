"""Forms from JSON Schemas: what a form shows is what the schema's model reads again."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from pydantic import BaseModel

from app.backends.cohere.hyperparameters import CohereHyperparameters
from app.backends.cohere_finetune.hyperparameters import CohereFinetuneHyperparameters
from app.backends.local.hyperparameters import LocalHyperparameters
from app.console.forms import Form
from app.console.schema_fields import SchemaField, all_names, fields_of, values_of

MODELS: Sequence[type[BaseModel]] = [
    LocalHyperparameters,
    CohereHyperparameters,
    CohereFinetuneHyperparameters,
]


def leaves(fields: Sequence[SchemaField]) -> Iterator[SchemaField]:
    """The fields that are typed into."""
    for each in fields:
        if each.kind == "group":
            yield from leaves(each.fields)
        else:
            yield each


def filled(fields: Sequence[SchemaField], **typed: str) -> Mapping[str, Sequence[str]]:
    """A form as it is shown first, but for what was typed."""
    shown = {each.name: list(each.default) or [""] for each in leaves(fields)}
    return shown | {f"h.{name.replace('__', '.')}": [text] for name, text in typed.items()}


@pytest.mark.parametrize("model", MODELS)
def test_a_form_sent_as_it_is_shown_means_the_defaults(model: type[BaseModel]) -> None:
    """All of them, those of groups and lists included; a group left empty is none."""
    fields = fields_of(model.model_json_schema(), "h")
    values = values_of(fields, Form(filled(fields)))
    assert model.model_validate(values) == model()


def test_what_is_typed_reaches_its_place() -> None:
    """Numbers, truth values, a group, a list, and a group that may be none."""
    fields = fields_of(CohereFinetuneHyperparameters.model_json_schema(), "h")
    form = dict(filled(fields, train_epochs="3", use_4bit_quantization="true"))
    form |= {"h.lora_config.rank": ["16"], "h.lora_config.target_modules": ["q", "ffn_expansion"]}
    form |= {"h.wandb_config.project": ["p"], "h.wandb_config.run_id": ["r"]}
    chosen = CohereFinetuneHyperparameters.model_validate(values_of(fields, Form(form)))
    assert (chosen.train_epochs, chosen.use_4bit_quantization) == (3, True)
    assert (chosen.lora_config.rank, chosen.lora_config.target_modules[1]) == (16, "ffn_expansion")
    assert chosen.wandb_config is not None
    assert chosen.wandb_config.entity is None
    assert "h.lora_config.rank" in all_names(fields)


def test_ranges_and_choices_are_the_schemas() -> None:
    """A browser checks what it can; what it cannot is said in the hint."""
    fields = {f.name: f for f in fields_of(LocalHyperparameters.model_json_schema(), "h")}
    assert fields["h.preset"].options == ("fast", "balanced", "accurate")
    assert fields["h.folds"].attributes == {"step": "1", "min": "0", "max": "10"}
    threshold = fields["h.relation_threshold"]
    assert threshold.attributes == {"step": "any"}
    assert threshold.hint.endswith("More than 0, less than 1.")
    assert "null" not in threshold.hint

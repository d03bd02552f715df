"""The wording of prompts, as data: a template has an id, and a hash that changes with any letter.

A model is always asked in the words it was trained with, so a training file and a model record the
id and the hash of their template.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType

from app.prompts.tasks import Task

CHEMICAL_SLOT = "{chemical}"
DISEASE_SLOT = "{disease}"


@dataclass(frozen=True, slots=True)
class Wording:
    """How one task is asked for."""

    instruction: str
    output_instruction: str


@dataclass(frozen=True)
class Template:
    """The wording of all three tasks.

    An item of the mention tasks is the name itself; one of relations is `relation_item`, with the
    slots `{chemical}` and `{disease}`, in this order.
    """

    id: str
    diseases: Wording
    chemicals: Wording
    relations: Wording
    relation_item: str

    def wording(self, task: Task) -> Wording:
        """How this template asks for `task`."""
        return {
            Task.DISEASES: self.diseases,
            Task.CHEMICALS: self.chemicals,
            Task.RELATIONS: self.relations,
        }[task]

    @cached_property
    def relation_parts(self) -> tuple[str, str, str]:
        """What a relation item has before the chemical, between it and the disease, and after."""
        before, rest = self.relation_item.split(CHEMICAL_SLOT)
        between, after = rest.split(DISEASE_SLOT)
        return before, between, after

    @cached_property
    def hash(self) -> str:
        """The sha256 (hex) of the template's canonical JSON: sorted keys, no spaces, UTF-8."""
        fields = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(fields.encode()).hexdigest()


_OPENING = (
    "The following article contains technical terms including diseases, drugs and chemicals. "
)

BUILT_IN = Template(
    id="medtune-1",
    diseases=Wording(
        _OPENING + "Create a list only of the diseases mentioned.",
        "List of extracted diseases:",
    ),
    chemicals=Wording(
        _OPENING + "Create a list only of the chemicals mentioned.",
        "List of extracted chemicals:",
    ),
    relations=Wording(
        _OPENING + "Create a list only of the influences between the chemicals and diseases"
        " mentioned.",
        "List of extracted influences:",
    ),
    relation_item=f"Chemical {CHEMICAL_SLOT} influences disease {DISEASE_SLOT}",
)

TEMPLATES: Mapping[str, Template] = MappingProxyType({BUILT_IN.id: BUILT_IN})

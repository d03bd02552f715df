"""The built-in wording is the recipe's to the letter, and its hash follows every letter."""

from dataclasses import replace

from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN, TEMPLATES, Wording


def test_the_built_in_template_says_what_the_recipe_says() -> None:
    opening = (
        "The following article contains technical terms including diseases, drugs and chemicals."
    )
    said = {task: BUILT_IN.wording(task) for task in Task}
    assert said == {
        Task.DISEASES: Wording(
            f"{opening} Create a list only of the diseases mentioned.",
            "List of extracted diseases:",
        ),
        Task.CHEMICALS: Wording(
            f"{opening} Create a list only of the chemicals mentioned.",
            "List of extracted chemicals:",
        ),
        Task.RELATIONS: Wording(
            f"{opening} Create a list only of the influences between the chemicals and diseases "
            "mentioned.",
            "List of extracted influences:",
        ),
    }
    assert BUILT_IN.relation_parts == ("Chemical ", " influences disease ", "")


def test_the_hash_of_the_built_in_template_never_changes() -> None:
    # Models on disk remember it: a new wording needs a new template, not an edit.
    assert BUILT_IN.hash == "fa622445876237277d27dcebe5b369511d8de775607774bd334ac2ecc8545db0"


def test_any_change_of_wording_changes_the_hash() -> None:
    same = replace(BUILT_IN)
    other = replace(BUILT_IN, diseases=replace(BUILT_IN.diseases, output_instruction="Diseases:"))
    assert same.hash == BUILT_IN.hash
    assert len({BUILT_IN.hash, other.hash, replace(BUILT_IN, id="other").hash}) == 3


def test_templates_are_found_by_their_id() -> None:
    assert all(template.id == id_ for id_, template in TEMPLATES.items())
    assert TEMPLATES[BUILT_IN.id] is BUILT_IN

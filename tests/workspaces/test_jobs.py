"""Jobs act for the workspace of their row: in what they find by name, and in whom they tell."""

import pytest

from tests.notifications.conftest import Receiver, receiver, target, until
from tests.workspaces.conftest import Served
from tests.workspaces.made import Made, done, make_dataset

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_only_targets_of_the_same_workspace_are_told(
    served: Served, made: Made, hook: Receiver
) -> None:
    """Both are told of all that ends, each of its own alone."""
    with receiver() as of_theirs:
        told = await target(served.theirs, of_theirs.address, events=["*"])
        theirs = await make_dataset(served.theirs)
        ours = await make_dataset(served.ours)
        await until(lambda: ours["id"] in _subjects(hook) and theirs["id"] in _subjects(of_theirs))
        assert _subjects(of_theirs) == {theirs["id"]}
        assert theirs["id"] not in _subjects(hook)
        await served.theirs.delete(f"/v1/notification-targets/{told['id']}")


def _subjects(hook: Receiver) -> set[str]:
    return {post.message["data"]["id"] for post in hook.posts if "id" in post.message["data"]}


async def test_a_name_means_what_it_is_in_the_workspace_of_the_job(
    served: Served, made: Made
) -> None:
    """The alias of an evaluation and of a batch; theirs of that name is another model."""
    path = f"/v1/model-aliases/{made.alias}"
    assert (await served.theirs.put(path, json={"model": "local:rules"})).status_code == 200
    theirs = (await make_dataset(served.theirs))["id"]
    for client, dataset, model in (
        (served.ours, made.dataset, made.model),
        (served.theirs, theirs, "local:rules"),
    ):
        asked = {"dataset_id": dataset, "split": "dev"}
        evaluation = await done(client, "/v1/evaluations", asked | {"models": [made.alias]})
        assert evaluation["models"] == [model]
        batch = await done(client, "/v1/extraction-batches", asked | {"model": made.alias})
        assert batch["model"] == model
        assert batch["succeeded"] == batch["documents"] > 0
    assert (await served.theirs.delete(path)).status_code == 204

"""What a fleet is asked to do while it is struck, and what must have come of it in the end."""

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field, replace

import httpx

from faults.asking import LARGE, Inputs, Scenario, create, named
from faults.fleet import END_SECONDS, Fleet, Json, until
from faults.servers import Servers
from faults.textless import TextlessBatch
from tests.cohere_api.finetuned import CHAT, ROWS

TEXT = "Two patients with glaucoma had hepatitis after lithium and cisplatin."
REMOTE_BASE = "command-r-08-2024"
_TIDY_SECONDS = 2.0 * END_SECONDS

# Datasets and training files


def _ingest(fleet: Fleet, _inputs: Inputs, key: str) -> str:
    return create(fleet, "/v1/datasets", key, files={"file": ("large.txt", LARGE)})


def _dataset(_fleet: Fleet, end: Json) -> object:
    return {name: end[name] for name in ("status", "error", "version", "splits", "report")}


def _build(fleet: Fleet, inputs: Inputs, key: str) -> str:
    request = {"dataset_id": inputs.large, "text": "title_and_abstract"}
    return create(fleet, "/v1/training-files", key, json=request)


def _training_file(_fleet: Fleet, end: Json) -> object:
    return {name: end[name] for name in ("status", "error", "sha256", "bytes", "statistics")}


# Fine-tunes


def _tune(fleet: Fleet, inputs: Inputs, key: str) -> str:
    request = {
        "training_file_id": inputs.rows,
        "backend": "local",
        "hyperparameters": {"preset": "fast"},
        "name": key,
    }
    return create(fleet, "/v1/fine-tunes", key, json=request)


def _tune_remotely(fleet: Fleet, inputs: Inputs, key: str) -> str:
    request = {
        "training_file_id": inputs.rows,
        "backend": "cohere",
        "base_model": REMOTE_BASE,
        "hyperparameters": {"train_epochs": 2},
        "name": key,
    }
    return create(fleet, "/v1/fine-tunes", key, json=request)


def _tune_through_cohere(fleet: Fleet, _inputs: Inputs, key: str) -> str:
    """As Cohere's SDK does it. That API has no keys: who got no answer looks for the name first."""
    rows = {"data": ("rows.jsonl", ROWS)}
    query = f"/cohere/v1/datasets?name={key}&type={CHAT}"
    dataset = named(fleet, "/cohere/v1/datasets?limit=50", "datasets", key, query, files=rows)

    def validated() -> bool:
        answer = fleet.ask("GET", f"/cohere/v1/datasets/{dataset}")
        return answer is not None and answer.json()["dataset"]["validation_status"] == "validated"

    until(validated, 2 * END_SECONDS, f"/cohere/v1/datasets/{dataset}")
    settings = {"base_model": {"base_type": "BASE_TYPE_CHAT"}, "dataset_id": dataset}
    models = "/cohere/v1/finetuning/finetuned-models"
    request = {"name": key, "settings": settings}
    listed = f"{models}?page_size=50"
    tuned = named(fleet, listed, "finetuned_models", key, models, json=request)
    return f"/v1/fine-tunes/{tuned}"


def _tuned(fleet: Fleet, end: Json) -> object:
    """What its model answers; a local one trained anew on the same answers the same."""
    told: Json = {name: end[name] for name in ("status", "error", "progress")}
    if end["status"] == "succeeded":
        request = {"model": end["model_id"], "text": TEXT}

        def answered() -> httpx.Response | None:
            return fleet.ask("POST", "/v1/extractions", json=request)

        answer: Json = until(answered, END_SECONDS, "/v1/extractions").json()
        told["answer"] = {name: answer.get(name) for name in ("diseases", "chemicals", "code")}
    return told


def _models_of(fleet: Fleet, _servers: Servers, end: Json) -> list[str]:
    models = fleet.get("/v1/models?limit=1000").json()["items"]
    mine = [model["id"] for model in models if model["fine_tune_id"] == end["id"]]
    ends = [e["type"] for e in fleet.get(f"/v1/fine-tunes/{end['id']}/events").json()["items"]]
    twice = [] if len(mine) == 1 else [f"{len(mine)} models"]
    return twice + ([] if ends.count("succeeded") == 1 else ["ended more than once"])


def _launches_of(fleet: Fleet, servers: Servers, end: Json) -> list[str]:
    """One training there, and none of its data: a fine-tune is tidied up after its end."""
    there = [t for t in servers.cohere.state.fine_tunes.values() if end["id"] in t.name]
    twice = [] if len(there) == 1 else [f"{len(there)} fine-tunes at the server"]
    return _models_of(fleet, servers, end) + twice + _left(servers, end["id"])


def _left(servers: Servers, called: str) -> list[str]:
    """Whether datasets with this in their name stay at the server after what they are for."""

    def tidy() -> bool:
        return not any(called in d.name for d in [*servers.cohere.state.datasets.values()])

    try:
        until(tidy, _TIDY_SECONDS, "data")
    except TimeoutError:
        return ["its data is left at the server"]
    return []


# Batches


def _texts(count: int) -> bytes:
    lines = [
        json.dumps({"id": f"d{n}", "text": f"Case {n}: lithium and cisplatin, then glaucoma."})
        if n % 17
        else "no JSON"
        for n in range(count)
    ]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


@dataclass(frozen=True, eq=False)
class _Batch:
    """A batch of one model about so many texts."""

    model: str
    texts: int
    fields: Json = field(default_factory=dict)

    def __call__(self, fleet: Fleet, _inputs: Inputs, key: str) -> str:
        form = {"model": self.model, "tasks": "chemicals", "name": key, **self.fields}
        files = {"file": ("texts.jsonl.gz", _texts(self.texts))}
        return create(fleet, "/v1/extraction-batches", key, data=form, files=files)


def _results(fleet: Fleet, end: Json) -> object:
    told: Json = {name: end[name] for name in ("status", "error", "documents", "failed")}
    lines = fleet.get(f"/v1/extraction-batches/{end['id']}/results").text.splitlines()
    return told | {"lines": lines}


def _texts_twice(fleet: Fleet, _servers: Servers, end: Json) -> list[str]:
    lines = fleet.get(f"/v1/extraction-batches/{end['id']}/results").text.splitlines()
    seen = Counter(json.loads(line)["index"] for line in lines)
    return [f"text {index} {count} times" for index, count in seen.items() if count > 1]


def _batches_twice(fleet: Fleet, servers: Servers, end: Json) -> list[str]:
    """Each shard is paid for once: no two batches at the server have one name. And none of its
    texts stays there."""
    names = Counter(batch.name for batch in servers.cohere.state.batches.values())
    found = {name: n for name, n in names.items() if n > 1 and name not in servers.told}
    servers.told.update(found)
    twice = [f"{count} batches {name} at the server" for name, count in found.items()]
    return _texts_twice(fleet, servers, end) + twice + _left(servers, "-shd_")


# Evaluations


def _evaluate(fleet: Fleet, inputs: Inputs, key: str) -> str:
    request = {
        "models": ["local:rules", "openai:base"],
        "dataset_id": inputs.dataset,
        "split": "dev",
        "tasks": ["chemicals"],
        "options": {"mode": "list"},
        "resamples": 1000,
        "name": key,
    }
    return create(fleet, "/v1/evaluations", key, json=request)


def _scores(_fleet: Fleet, end: Json) -> object:
    told = {name: end[name] for name in ("status", "error", "comparisons")}
    # How often a model was asked, and how long it took, is not the same each time.
    free = {"latency", "usage"}
    results = [{k: v for k, v in each.items() if k not in free} for each in end["results"]]
    return told | {"results": results}


_LOCAL = _Batch("local:rules", 400)
_TEXTLESS = TextlessBatch("local:rules", 150)
_OPENAI = _Batch("openai:base", 60, {"options": '{"mode": "list"}'})
_COHERE = _Batch(f"cohere:{REMOTE_BASE}", 60, {"options": '{"mode": "list"}'})
_RUN = ("preparing", "running")
_TRAIN = ("queued", "preparing", "training")

_REMOTE_TUNE = Scenario(
    "remote fine-tune", _tune_remotely, _tuned, _TRAIN, _launches_of, calls_cohere=True
)
_COHERE_BATCH = Scenario("Cohere batch", _COHERE, _results, _RUN, _batches_twice, calls_cohere=True)
_OPENAI_BATCH = Scenario("slow OpenAI batch", _OPENAI, _results, _RUN, _texts_twice, "slow")
_EVALUATION = Scenario("evaluation", _evaluate, _scores, ("running",))

SCENARIOS = [
    Scenario("ingest", _ingest, _dataset, ("validating",)),
    Scenario("training file", _build, _training_file, ("building",)),
    Scenario("local fine-tune", _tune, _tuned, _TRAIN, _models_of),
    Scenario("fine-tune through /cohere", _tune_through_cohere, _tuned, _TRAIN, _models_of),
    _REMOTE_TUNE,
    replace(_REMOTE_TUNE, name="failing remote fine-tune", trouble="failing"),
    Scenario("local batch", _LOCAL, _results, _RUN, _texts_twice),
    Scenario(
        "batch without texts",
        _TEXTLESS,
        _results,
        _RUN,
        _texts_twice,
        wrong=_TEXTLESS.wrong,
        kept=_TEXTLESS.kept,
    ),
    _COHERE_BATCH,
    replace(_COHERE_BATCH, name="failing Cohere batch", trouble="failing"),
    _OPENAI_BATCH,
    replace(_OPENAI_BATCH, name="failing OpenAI batch", trouble="failing"),
    _EVALUATION,
    replace(_EVALUATION, name="failing evaluation", trouble="failing"),
]

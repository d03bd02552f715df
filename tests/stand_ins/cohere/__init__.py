"""A small, true double of Cohere's API, for tests and benchmarks.

    with stand_in(api_key="secret") as server:
        server.faults.add(r"/v2/chat", Fault.too_many(retry_after=1), times=2)
        ...  # talk to server.url with the real SDK
        assert server.log[-1].path == "/v2/chat"

`python -m tests.stand_ins.cohere --port 9000` runs one for benchmarks.
"""

from tests.stand_ins.cohere.faults import Fault, Faults
from tests.stand_ins.cohere.server import Logged, StandIn, stand_in
from tests.stand_ins.cohere.state import Batch, Dataset, FineTune, Model

__all__ = [
    "Batch",
    "Dataset",
    "Fault",
    "Faults",
    "FineTune",
    "Logged",
    "Model",
    "StandIn",
    "stand_in",
]

"""`python -m tests.stand_ins.cohere --port 9000 --latency-ms 100`: a stand-in for benchmarks."""

import argparse

import uvicorn

from tests.stand_ins.cohere.server import StandIn


def main() -> None:
    """Serve until interrupted; fine-tunes move on a step a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--step-seconds", type=float, default=1.0)
    parser.add_argument("--batches", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    server = StandIn(latency=options.latency_ms / 1000, quiet=True)
    server.url = f"http://127.0.0.1:{options.port}"
    server.state.batches_offered = options.batches
    server.state.seconds_a_step = options.step_seconds
    uvicorn.run(
        server,
        host="127.0.0.1",
        port=options.port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()

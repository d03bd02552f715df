"""Two models compared by their counts, off the event loop."""

from anyio import to_thread

from app.evaluations.bootstrap import CONFIDENCE, Integers, paired
from app.evaluations.measures import Measure
from app.evaluations.schemas import Comparison
from app.platform.work import Platform
from app.prompts.tasks import Task


async def compare(
    platform: Platform,
    baseline: tuple[str, Integers],
    model: tuple[str, Integers],
    task: Task,
    measure: Measure,
    resamples: int,
) -> Comparison:
    """Two models (id, counts of each document) by one measure."""

    def work() -> Comparison:
        found = paired(baseline[1], model[1], resamples=resamples)
        return Comparison(
            baseline=baseline[0],
            model=model[0],
            task=task,
            measure=measure.value,
            difference=round(found.difference, 6),
            low=round(found.low, 6),
            high=round(found.high, 6),
            confidence=CONFIDENCE,
            p_value=round(found.p_value, 6),
            won=found.won,
            lost=found.lost,
            tied=found.tied,
            resamples=resamples,
        )

    return await to_thread.run_sync(work, limiter=platform.heavy)

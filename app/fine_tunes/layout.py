"""Lays out on this machine what a backend learns from, whichever machine began the fine-tune."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from app.backends.base import Examples, TrainingJob
from app.fine_tunes.job_side import TrainingPlan
from app.platform.blobs import Blobs
from app.platform.objects import storage_errors
from app.platform.work import Platform
from app.prompts.templates import TEMPLATES
from app.training_files.service import TrainingData
from app.vocabularies.service import local_indexes


async def lay_out(
    platform: Platform, fine_tune_id: str, plan: TrainingPlan, folder: Path
) -> TrainingJob:
    """The job for the backend. The documents of all splits go into one file each of `folder`,
    unless they are there.

    Raises FileNotFoundError if data was deleted meanwhile; ApiError `vocabulary_not_ready`,
    `storage_unavailable`, `storage_full`.
    """
    return TrainingJob(
        reference=fine_tune_id,
        base_model=plan.base_model,
        tasks=plan.training.tasks,
        template=TEMPLATES[plan.training.template_id],
        hyperparameters=plan.hyperparameters,
        training=await _examples(platform.blobs, plan.training, folder / "training"),
        evaluation=await _examples(platform.blobs, plan.evaluation, folder / "evaluation")
        if plan.evaluation
        else None,
        vocabularies=await local_indexes(platform, plan.vocabularies),
    )


async def _examples(blobs: Blobs, data: TrainingData, documents: Path) -> Examples:
    if not await asyncio.to_thread(documents.exists):
        sources = [await blobs.local(blob) for blob in data.documents]
        await asyncio.to_thread(_join, sources, documents)
    return Examples(documents, await blobs.local(data.rows))


def _join(sources: Sequence[Path], target: Path) -> None:
    """Write all sources into one file, whole or not at all."""
    unfinished = target.with_suffix(".part")
    with storage_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as out:
            for source in sources:
                with source.open("rb") as file:
                    shutil.copyfileobj(file, out)
        unfinished.replace(target)

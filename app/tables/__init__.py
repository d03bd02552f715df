"""The whole SQL schema, one file a table. Text of documents is never in it: text lives in blobs."""

from app.tables.api_keys import ApiKeyRow
from app.tables.audit_events import AuditEventRow
from app.tables.base import WORKSPACE, Owned, Table
from app.tables.cohere_datasets import CohereDatasetRow
from app.tables.cohere_finetuned_models import CohereFinetunedModelRow
from app.tables.console_sessions import ConsoleSessionRow
from app.tables.dataset_files import DatasetFileRow
from app.tables.dataset_splits import DatasetSplitRow
from app.tables.datasets import DatasetRow
from app.tables.evaluation_results import EvaluationResultRow
from app.tables.evaluations import EvaluationRow
from app.tables.extraction_batch_events import ExtractionBatchEventRow
from app.tables.extraction_batches import ExtractionBatchRow
from app.tables.extraction_shards import ExtractionShardRow
from app.tables.fine_tune_events import FineTuneEventRow
from app.tables.fine_tune_metrics import FineTuneMetricRow
from app.tables.fine_tunes import FineTuneRow
from app.tables.idempotency_keys import IdempotencyKeyRow
from app.tables.model_aliases import ModelAliasRow
from app.tables.models import ModelRow
from app.tables.notification_attempts import NotificationAttemptRow
from app.tables.notification_deliveries import NotificationDeliveryRow
from app.tables.notification_targets import NotificationTargetRow
from app.tables.notifications import NotificationRow
from app.tables.sealed import CIPHER, Cipher, SealedJson, SealedText, text_of
from app.tables.training_files import TrainingFileRow
from app.tables.vocabularies import VocabularyRow
from app.tables.workers import WorkerRow

__all__ = [
    "CIPHER",
    "WORKSPACE",
    "ApiKeyRow",
    "AuditEventRow",
    "Cipher",
    "CohereDatasetRow",
    "CohereFinetunedModelRow",
    "ConsoleSessionRow",
    "DatasetFileRow",
    "DatasetRow",
    "DatasetSplitRow",
    "EvaluationResultRow",
    "EvaluationRow",
    "ExtractionBatchEventRow",
    "ExtractionBatchRow",
    "ExtractionShardRow",
    "FineTuneEventRow",
    "FineTuneMetricRow",
    "FineTuneRow",
    "IdempotencyKeyRow",
    "ModelAliasRow",
    "ModelRow",
    "NotificationAttemptRow",
    "NotificationDeliveryRow",
    "NotificationRow",
    "NotificationTargetRow",
    "Owned",
    "SealedJson",
    "SealedText",
    "Table",
    "TrainingFileRow",
    "VocabularyRow",
    "WorkerRow",
    "text_of",
]

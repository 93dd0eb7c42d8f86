"""What the database keeps of songs, runs and checkpoints."""

from training.models.baselines import Baseline
from training.models.checkpoints import Checkpoint
from training.models.datasets import Dataset, DatasetFile, DatasetVersion, Import, Rejection, Song, Visibility
from training.models.insights import Explanation, Insight
from training.models.races import Race
from training.models.runs import Attempt, MetricPoint, RunEvent, Sample, TrainingRun, Turn
from training.models.search import SongWords
from training.models.workers import Intake, SingleFlight, Worker

__all__ = [
    "Attempt",
    "Baseline",
    "Checkpoint",
    "Dataset",
    "DatasetFile",
    "DatasetVersion",
    "Explanation",
    "Import",
    "Insight",
    "Intake",
    "MetricPoint",
    "Race",
    "Rejection",
    "RunEvent",
    "Sample",
    "SingleFlight",
    "Song",
    "SongWords",
    "TrainingRun",
    "Turn",
    "Visibility",
    "Worker",
]

"""Insights as `training.explanation` measures them, made up so that it is known what they say."""

from training.insights import sentence_of
from training.models import Insight, TrainingRun

RULER = {
    "unit": "word",
    "is_enough": True,
    "places": 384,
    "lengths": [1, 2, 4, 8, 16, 32],
    "losses": [5.0, 4.8, 4.5, 4.31, 4.28, 4.26],
    "whole": 4.25,
    "gain": 0.75,
    "gain_error": 0.04,
    "is_flat": False,
    "knee": 8,
    "untrained": {"losses": [6.0, 6.0, 6.01, 6.0, 6.0, 6.0], "whole": 6.0, "is_flat": True},
}
RECALL = {
    "unit": "word",
    "is_enough": True,
    "stanzas": 40,
    "first": 4.6,
    "second": 4.1,
    "control": 4.52,
    "recall": 0.42,
    "error": 0.05,
    "is_evident": True,
    "nearest": 40,
    "farthest": 300,
    "by_distance": [
        {"from": 32, "to": 64, "distance": 50.0, "stanzas": 12, "recall": 0.6, "error": 0.08},
        {"from": 64, "to": 128, "distance": 90.0, "stanzas": 20, "recall": 0.4, "error": 0.06},
        {"from": 256, "to": 512, "distance": 290.0, "stanzas": 8, "recall": 0.2, "error": 0.1},
    ],
    "untrained": {
        "recall": 0.001,
        "error": 0.002,
        "by_distance": [
            {"from": 32, "to": 64, "distance": 50.0, "stanzas": 12, "recall": 0.001, "error": 0.002},
            {"from": 64, "to": 128, "distance": 90.0, "stanzas": 20, "recall": 0.0, "error": 0.002},
            {"from": 256, "to": 512, "distance": 290.0, "stanzas": 8, "recall": 0.0, "error": 0.002},
        ],
    },
}
REACH = {
    "unit": "word",
    "is_enough": True,
    "windows": 24,
    "norms": [0.5 * 0.8**lag for lag in range(32)],
    "reach": 22,
    "looks": [
        {"step": step, "epoch": step / 10, "reach": 20, "norms": [0.5 * 0.7**lag for lag in range(32)]}
        for step in (10, 20, 30, 40, 50, 60)
    ],
    "untrained": {"norms": [0.1 * 0.9**lag for lag in range(32)], "reach": None},
}
DATA = {"memory_ruler": RULER, "chorus_recall": RECALL, "gradient_reach": REACH}


def make_insights(run: TrainingRun, **data: dict) -> None:
    """The three insights into a run; ``memory_ruler={…}`` changes some of one's numbers."""
    for kind, usual in DATA.items():
        numbers = usual | data.get(kind, {})
        Insight.objects.create(run=run, kind=kind, data=numbers, sentence=sentence_of(kind, numbers))

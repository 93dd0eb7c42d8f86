"""What administrators see; one file for each noun."""

from training.admin import datasets, models, operations, runs, songs

__all__ = ["datasets", "models", "operations", "runs", "songs"]

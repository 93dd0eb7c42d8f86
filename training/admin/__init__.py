"""What administrators see; one file for each noun."""

from training.admin import datasets, models, runs, songs

__all__ = ["datasets", "models", "runs", "songs"]

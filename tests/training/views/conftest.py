import pytest

from training.lifecycle import worker_beat


@pytest.fixture
def worker(db):
    """A worker that listens for trainings."""
    worker_beat("training@here", host="here", pid=1, queues=["training"])

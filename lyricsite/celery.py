"""The Celery application; workers' own life is in `lyricsite.worker_life`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lyricsite.settings")

app = Celery("lyricsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

from lyricsite import worker_life  # noqa: E402, F401 - connects itself to the worker's signals

"""The ASGI entry point that uvicorn serves."""

import gc
import os
import warnings
from importlib import import_module

import django
from django.conf import settings

from lyricsite.body_limit import limit_body
from lyricsite.handler import OneThreadHandler
from lyricsite.orphan import end_with_supervisor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lyricsite.settings")
os.environ.setdefault("SERVES_WEB", "true")  # the settings give this process little patience with its database

# WhiteNoise's files and downloads are read synchronously: small reads, on purpose.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

end_with_supervisor()
django.setup(set_prefix=False)
application = limit_body(
    OneThreadHandler(),
    upload_bytes=max(settings.UPLOAD_LIMIT_BYTES, settings.STAFF_UPLOAD_LIMIT_BYTES),
    other_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)

# What the site is made of stays for ever. The collector would look at all of it again and again, 90 ms at a time in
# which nothing else moves; so it is read in before the first request, and set aside.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 10, 10)  # a request makes some thousands of objects that end with it

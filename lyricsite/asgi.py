"""The ASGI entry point that uvicorn serves."""

import os
import warnings

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

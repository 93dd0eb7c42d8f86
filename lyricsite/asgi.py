"""The ASGI entry point that uvicorn serves."""

import os
import warnings

from django.core.asgi import get_asgi_application

from lyricsite.orphan import end_with_supervisor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lyricsite.settings")

# WhiteNoise's files and downloads are read synchronously: small reads, on purpose.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

end_with_supervisor()
application = get_asgi_application()

"""The ASGI entry point that uvicorn serves."""

import os

from django.core.asgi import get_asgi_application

from lyricsite.orphan import end_with_supervisor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lyricsite.settings")

end_with_supervisor()
application = get_asgi_application()

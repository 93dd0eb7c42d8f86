"""Settings: one file, environment variables through `lyricsite.env`, defaults that let a fresh clone run."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static as static_url

from lyricsite.databases import with_profile
from lyricsite.env import BASE_DIR, DATA_DIR, env, kept_secret
from lyricsite.object_store import s3_storage

# ── The embedded default against a team's server ─────────────────────────────────────────────────────────────────
# Without DATABASE_URL and REDIS_URL everything lives in DATA_DIR on this one machine: SQLite, a private Valkey, files.
DATABASE_URL = env("DATABASE_URL", default="")
REDIS_URL = env("REDIS_URL", default="")
IS_EMBEDDED = not DATABASE_URL

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY:
    if not IS_EMBEDDED:
        raise ImproperlyConfigured("Set SECRET_KEY: a server with a DATABASE_URL of its own needs one.")
    SECRET_KEY = kept_secret("secret-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
USES_HTTPS = env.bool("USES_HTTPS", default=False)

# ── Applications ─────────────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "unfold",  # before django.contrib.admin, whose templates it replaces
    "lyricsite",
    "training",
    "generator",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
MIDDLEWARE = [
    "lyricsite.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lyricsite.middleware.for_one_reader",  # behind the static files, which are for everyone
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "lyricsite.unavailable.DatabaseAwayMiddleware",
    "lyricsite.middleware.refuse_nul_in_admin",
    "lyricsite.middleware.wider_content_policy",
]
ROOT_URLCONF = "lyricsite.urls"
ASGI_APPLICATION = "lyricsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── Database (reliability rules R15 and R16) ─────────────────────────────────────────────────────────────────────
SERVES_WEB = env.bool("SERVES_WEB", default=False)  # lyricsite.asgi says so: people wait for it, nobody for a worker
DATABASE = (
    env.db_url_config(DATABASE_URL)
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "lyrics.sqlite3"}
)
DATABASES = {"default": with_profile(DATABASE, serves_web=SERVES_WEB)}
if DATABASE["ENGINE"].endswith("sqlite3"):
    # Worker processes of the tests open the same test database, so it can't be in memory.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Broker, cache, workers (reliability rules R3 to R8) ──────────────────────────────────────────────────────────
# A unix socket path longer than about 100 bytes is refused by the system: `serve` then passes a loopback REDIS_URL.
BROKER_SOCKET = DATA_DIR / "broker.sock"
BROKER_URL = REDIS_URL or f"redis+socket://{BROKER_SOCKET}?virtual_host=0"
REDIS_PREFIX = env("REDIS_PREFIX", default="lyrics:")
CACHES = {
    "default": {
        "BACKEND": "lyricsite.cache_pool.SharedCache",
        "LOCATION": REDIS_URL or f"unix://{BROKER_SOCKET}?db=0",
        "KEY_PREFIX": REDIS_PREFIX + "cache",
        "OPTIONS": {
            "pool_class": "lyricsite.cache_pool.ProcessPool",
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "driver_info": None,  # else each connection reads redis-py's package metadata first
        },
    }
}
CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "global_keyprefix": REDIS_PREFIX,
    "socket_timeout": 30,
    "socket_connect_timeout": 1,
    "health_check_interval": 25,
    "socket_keepalive": bool(REDIS_URL),
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # a message is a doorbell: the row is the queue, and the reconciler rings again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # a web request never waits for a dead broker
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_TASK_ROUTES = {
    "training.tasks.train_*": {"queue": "training"},
    "training.tasks.explain_*": {"queue": "training"},
    "training.tasks.import_*": {"queue": "imports"},
    "training.tasks.prepare_*": {"queue": "imports"},  # not behind a training of hours
    "training.tasks.maintenance_*": {"queue": "maintenance"},
}
CELERY_BEAT_SCHEDULE = {
    "reconcile": {"task": "training.tasks.maintenance_reconcile", "schedule": 10.0, "options": {"expires": 10}},
}
CELERY_TIMEZONE = "UTC"

# ── The life of runs and imports, in seconds ─────────────────────────────────────────────────────────────────────
LEASE_SECONDS = env.float("LEASE_SECONDS", default=30)
HEARTBEAT_SECONDS = env.float("HEARTBEAT_SECONDS", default=5)
RING_AGAIN_SECONDS = env.float("RING_AGAIN_SECONDS", default=15)
RECONCILE_SECONDS = env.float("RECONCILE_SECONDS", default=10)
STALL_SECONDS = env.float("STALL_SECONDS", default=600)
CANCEL_GRACE_SECONDS = env.float("CANCEL_GRACE_SECONDS", default=15)
WORKER_BEAT_SECONDS = env.float("WORKER_BEAT_SECONDS", default=1.5)
WORKER_STALE_SECONDS = env.float("WORKER_STALE_SECONDS", default=5)
LOST_ATTEMPTS_ALLOWED = 3
RESUME_SECONDS = env.float("RESUME_SECONDS", default=60)  # of learning at most that a vanished worker costs
RETRY_DAYS = env.float("RETRY_DAYS", default=7)  # that a failed or cancelled run keeps what it could go on from
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=3600)  # between two looks for what can be taken away
ORPHAN_HOURS = env.float("ORPHAN_HOURS", default=24)  # that a file which no row names is left alone
NOTE_DAYS = env.float("NOTE_DAYS", default=30)  # that an ended run keeps the small talk of its history
EXPLAIN_SECONDS = env.float("EXPLAIN_SECONDS", default=300)  # the most that the insights into one run may take
PREPARE_SECONDS = env.float("PREPARE_SECONDS", default=600)  # the most that making one model ready to write may take
LOST_WAITS_SECONDS = env.list("LOST_WAITS_SECONDS", cast=float, default=[0, 10, 60])  # before each further attempt
TRAIN_MEMORY_BYTES = env.int("TRAIN_MEMORY_MB", default=0) * 1024 * 1024  # 0: as much as the machine has
TRAIN_FILE_BYTES = env.int("TRAIN_FILE_MB", default=16_384) * 1024 * 1024  # what one file of a training may grow to
TRAIN_THREADS = env.int("TRAIN_THREADS", default=0)  # 0: as many as the machine has cores
FAULTS_ENABLED = env.bool("FAULTS_ENABLED", default=False)  # whether tests may break it (`training.fault_points`)

# ── Limits (reliability rules R18 to R20) ────────────────────────────────────────────────────────────────────────
UPLOAD_LIMIT_BYTES = env.int("UPLOAD_LIMIT_MB", default=200) * 1024 * 1024
STAFF_UPLOAD_LIMIT_BYTES = env.int("STAFF_UPLOAD_LIMIT_MB", default=2000) * 1024 * 1024
# What the import command takes: Genius has 9 GB, Music4All 109,000 files.
OPERATOR_ARCHIVE_MEMBERS = env.int("OPERATOR_ARCHIVE_MEMBERS", default=1_000_000)
OPERATOR_ARCHIVE_BYTES = env.int("OPERATOR_ARCHIVE_MB", default=100_000) * 1024 * 1024
OPERATOR_ARCHIVE_RATIO = env.int("OPERATOR_ARCHIVE_RATIO", default=100)
OPERATOR_JOINED_ROWS = env.int("OPERATOR_JOINED_ROWS", default=1_000_000)
DATASETS_PER_USER = env.int("DATASETS_PER_USER", default=20)
STORAGE_PER_USER_BYTES = env.int("STORAGE_PER_USER_MB", default=5000) * 1024 * 1024
QUEUED_RUNS_PER_USER = env.int("QUEUED_RUNS_PER_USER", default=5)
STAFF_QUEUED_RUNS = env.int("STAFF_QUEUED_RUNS", default=100)
RUNNING_RUNS_PER_USER = env.int("RUNNING_RUNS_PER_USER", default=1)  # staff may fill what nobody else needs
GENERATIONS_PER_USER = env.int("GENERATIONS_PER_USER", default=4)
HISTORY_LIMIT = env.int("HISTORY_LIMIT", default=500)  # texts of a person that nobody kept; then the oldest go
UNREAD_SECONDS = env.float("UNREAD_SECONDS", default=45)  # then a client that takes nothing of its answer is cut off
GENERATION_SECONDS = env.float("GENERATION_SECONDS", default=60)
MODEL_CACHE_BYTES = env.int("MODEL_CACHE_MB", default=512) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(DATA_DIR / "media")))
MEDIA_URL = "/media/"  # never served: downloads go through views that check the owner
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
S3_BUCKET = env("S3_BUCKET", default="")
# The embedded default serves static files from where they lie; a server collects them once, with hashed names.
COLLECTS_STATIC = env.bool("COLLECTS_STATIC", default=not IS_EMBEDDED)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "lyricsite.static_files.ModuleStaticFilesStorage"
        if COLLECTS_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if S3_BUCKET:
    STORAGES["default"] = s3_storage(S3_BUCKET, env("S3_ENDPOINT_URL", default=None))
WHITENOISE_USE_FINDERS = not COLLECTS_STATIC
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "lyricsite.User"
AUTHENTICATION_BACKENDS = ["lyricsite.sign_in_limit.LimitedModelBackend"]
SIGN_IN_TRIES_A_MINUTE = env.int("SIGN_IN_TRIES_A_MINUTE", default=20)  # wrong ones, for one name from one address
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
SIGN_UP_IS_OPEN = env.bool("SIGN_UP_IS_OPEN", default=True)
TOKEN_DAYS = env.int("TOKEN_DAYS", default=90)

# ── Language, time ───────────────────────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# ── API ──────────────────────────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "lyricsite.authentication.BearerTokenAuthentication",  # first: its challenge goes into WWW-Authenticate
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["training.api.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "training.api.pages.NumberedPages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "training.api.searches.BriefSearch",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "training.api.schema.DescribedSchema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_THROTTLE_RATES": {"generate": "120/min"},
    "NUM_PROXIES": 0,  # who asks is who is connected: anybody can write an X-Forwarded-For of their own
    "URL_FORMAT_OVERRIDE": None,  # `?format=csv` is ours: some lists answer with a file
    "EXCEPTION_HANDLER": "training.api.errors.answer_with_error",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LyricsGeneration",
    "DESCRIPTION": "Train recurrent language models on songs, compare them, and write lyrics with them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,  # what is sent and what comes back differ, and each is described as it is
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "lyricsite.api_examples.show_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "DatasetState": "training.models.Dataset.State",
        "ImportState": "training.models.Import.State",
        "RunState": "training.models.TrainingRun.State",
    },
}

# ── Security ─────────────────────────────────────────────────────────────────────────────────────────────────────
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USES_HTTPS
SECURE_SSL_REDIRECT = USES_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if USES_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = USES_HTTPS
if USES_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ── Admin ────────────────────────────────────────────────────────────────────────────────────────────────────────
ACCENT_SHADES = {50: 97, 100: 94, 200: 89, 300: 82, 400: 74, 500: 62, 600: 46, 700: 40, 800: 34, 900: 29, 950: 22}
UNFOLD = {
    "SITE_TITLE": "LyricsGeneration",
    "SITE_HEADER": "LyricsGeneration",
    "SITE_URL": "/",
    "SITE_SYMBOL": "music_note",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static_url("img/favicon.svg")},
    ],
    "STYLES": [lambda request: static_url("css/admin.css")],
    # The site's accent, by its hue, in the shades that the admin's styles ask for.
    "COLORS": {"primary": {str(step): f"oklch({light}% .09 172)" for step, light in ACCENT_SHADES.items()}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "lyricsite.logging.OneLineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}

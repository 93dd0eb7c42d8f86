# One image for web, workers, beat and migrate; docker-compose.yml says which command each runs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH="/app/.venv/bin:$PATH"
WORKDIR /app

# `manage.py backup` and `restore` call pg_dump and pg_restore, of the version that docker-compose.yml runs.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*

COPY requirements.txt .
# For another build of PyTorch (CPU only, or a given CUDA):
# docker compose build --build-arg PIP_ARGS="--extra-index-url <the index that PyTorch's install page names>"
ARG PIP_ARGS=""
RUN python -m venv .venv && pip install --no-cache-dir $PIP_ARGS -r requirements.txt

COPY . .
RUN useradd --create-home lyrics && mkdir -p /data/media && chown -R lyrics /data \
    && DATA_DIR=/tmp/build COLLECTS_STATIC=true STATIC_ROOT=/app/staticfiles python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf /tmp/build
USER lyrics
# For the processor that builds; one of another kind compiles for itself, once, in some ten seconds.
RUN python -m training.language_model.kernels.compile
ENV DATA_DIR=/data STATIC_ROOT=/app/staticfiles
EXPOSE 8000
CMD ["uvicorn", "lyricsite.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--http", "lyricsite.web_protocol:PatientProtocol"]

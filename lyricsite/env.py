"""The environment of the process, read once and typed."""

import secrets
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # variables that are already set win

DATA_DIR = Path(env("DATA_DIR", default=str(BASE_DIR / "var"))).absolute()


def kept_secret(name: str) -> str:
    """Return the secret kept in the data folder, made on first use and readable by its owner alone."""
    path = DATA_DIR / name
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(secrets.token_urlsafe(48))
        except FileExistsError:  # another process of the same start was first
            pass
    return path.read_text()

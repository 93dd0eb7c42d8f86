"""Which code wrote what lies in the storage. Nobody asks git: an installation may have come without it."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMERIC_ROOM = ROOT / "training" / "language_model"
FINGERPRINT_LETTERS = 12


@cache
def code_version() -> str:
    """Such as "0.1.0+3f2a9c1b7e04": the release, and a fingerprint of the sources that decide what is learnt."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"{release}+{fingerprint_of(NUMERIC_ROOM)[:FINGERPRINT_LETTERS]}"


def fingerprint_of(folder: Path) -> str:
    """The SHA-256 of the names and contents of all Python sources below ``folder``, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()

"""Where numba keeps what it has compiled, so that only the first start on a machine waits for it (some seconds).

Numba itself looks at one file: what was compiled of a function is thrown away when the file of that function changes,
not when a file changes whose functions it calls. So there is a folder for each content of `vectors`, which all call.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import numba

HERE = Path(__file__).parent
CALLED_BY_ALL = HERE / "vectors.py"


def keep_compiled() -> None:
    """Choose the folder, unless ``NUMBA_CACHE_DIR`` says it. To be called before anything is compiled."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    name = f"compiled-{hashlib.sha256(CALLED_BY_ALL.read_bytes()).hexdigest()[:12]}"
    places = HERE / "__pycache__", Path.home() / ".cache" / "lyrics-generation"
    numba.config.CACHE_DIR = str(next(filter(_is_ours, (place / name for place in places)), None) or _for_once())


def _is_ours(folder: Path) -> bool:
    """Whether it is there or could be made, and can be written; what is read here is run."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK)
    return False


def _for_once() -> str:
    return tempfile.mkdtemp(prefix="compiled-")

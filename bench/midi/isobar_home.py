"""An environment of isobar's own, made once, in the user's cache."""

import subprocess
import sys

from platformdirs import user_cache_path

ISOBAR = "isobar==0.2.1"


def python() -> str:
    """Its interpreter."""
    home = user_cache_path("livecode") / "bench" / ISOBAR.replace("==", "-")
    interpreter, complete = home / "bin" / "python", home / "complete"
    if not complete.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ISOBAR], check=True)
        complete.touch()
    return str(interpreter)

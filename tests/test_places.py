"""Claims: who holds what, without a moment in which two do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import Timeout

from livecode.places import Claim

HOLDS_AGAIN_AND_AGAIN = """
import os, sys
from pathlib import Path
from filelock import Timeout
from livecode.places import Claim
folder, times = Path(sys.argv[1]), 0
while times < 400:
    claim = Claim(folder / "it.lock", "x", patience=0)
    try:
        with claim:
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))  # fails if somebody else is inside
            os.unlink(folder / "inside")
            times += 1
    except Timeout:
        pass
print("done")
"""


def test_a_claim_says_who_holds_it_and_is_gone_with_it(tmp_path: Path) -> None:
    file = tmp_path / "it.lock"
    mine, other = Claim(file, "main", patience=0), Claim(file, "left", patience=0)
    with mine:
        with pytest.raises(Timeout):
            other.acquire()
        assert other.holder() == (os.getpid(), "main")
        assert other.taken()
        assert file.stat().st_mode & 0o777 == 0o600
        other.release()
        assert other.taken()
    assert not file.exists()
    with other:
        assert mine.holder() == (os.getpid(), "left")
    assert mine.holder() is None


def test_what_a_crash_left_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "it.lock"
    code = f"import os; from livecode.places import *; Claim(Path({str(file)!r}), 'x', patience=0).acquire(); os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert file.exists()
    with Claim(file, "main", patience=0) as _:
        assert Claim(file, "", patience=0).holder() == (os.getpid(), "main")
    assert not file.exists()


def test_claims_that_are_removed_all_the_time_are_never_held_by_two(tmp_path: Path) -> None:
    crowd = [
        subprocess.Popen([sys.executable, "-c", HOLDS_AGAIN_AND_AGAIN, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert [process.communicate()[0] for process in crowd] == [b"done\n"] * 4

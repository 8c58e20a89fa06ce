"""The process that a performer types in: `play.py PLAYER PROMPT SECONDS` plays, does what the prompt does, says what was due.

It prints one line of JSON: when step 0 was due and the window in which notes count, in monotonic seconds.
"""

# ruff: noqa: T201

import json
import sys
import time

import prompt
from players import PLAYERS
from workload import MARGIN, TAIL

WARM_UP = 1.0


def main(player: str, doing: str, seconds: float) -> None:
    busy = prompt.KINDS[doing](seconds)
    with PLAYERS[player](seconds + WARM_UP + TAIL + MARGIN) as origin:
        time.sleep(max(0.0, origin + WARM_UP - time.monotonic()))
        begin = time.monotonic()
        busy()
        time.sleep(TAIL)
        print(json.dumps({"origin": origin, "begin": begin, "end": begin + seconds}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))

"""Which lines of a journal the engine after a crash needs, so that three hours are recalled in a moment. Pure."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from .ears import REMEMBERS
from .inputs.messages import CONTROL, PEDAL, SOUND_OFF, lifts, strikes
from .models.wire import from_json
from .music import Beats


class _Command(msgspec.Struct, frozen=True):
    part: str = ""


class _Glance(msgspec.Struct, frozen=True):
    """What a look at a line shows: its kind, the part or the input that it is about, and what was played."""

    type: str
    part: str = ""
    function: str = ""
    command: _Command = _Command()
    name: str = ""
    now: str = ""
    said: tuple[tuple[str, str], ...] = ()


_glances = msgspec.json.Decoder(_Glance)


def skimmed(lines: Sequence[bytes]) -> list[bytes]:
    """The lines without the answers that two more follow, with nothing else that is about their part or about all parts; without
    what models were asked, and what was played so long ago that no ear remembers it."""
    kept, following, shaped = [], dict[str, int](), dict[tuple[str, str], int]()
    played = defaultdict[str, _Played](_Played)
    for line in reversed(lines):
        try:
            glance = _glances.decode(line)
            if glance.type == "Asked" or (glance.type == "Heard" and not played[glance.name].matters(glance)):
                continue
        except (msgspec.MsgspecError, ValueError, IndexError):
            kept.append(line)  # to be counted
            continue
        if glance.type == "Shaped":
            shaped[glance.part, glance.function] = shaped.get((glance.part, glance.function), 0) + 1
            if shaped[glance.part, glance.function] > 2:
                continue
        elif glance.type == "Answered":
            following[glance.part] = following.get(glance.part, 0) + 1
            if following[glance.part] > 2:
                continue
        elif glance.type == "Taken" and glance.command.part:
            following[glance.command.part] = 0
        elif glance.type == "Taken":
            following.clear()
        kept.append(line)
    return kept[::-1]


class _Played:
    """What still matters of what was played on an input, going back in time: all of the last while; and of what lies before, what
    tells which keys and pedals were down then."""

    def __init__(self) -> None:
        self._since: Beats | None = None
        self._lately = True
        self._known: set[tuple[bool, int, int]] = set()

    def matters(self, heard: _Glance) -> bool:
        """Whether a line does. Raises ValueError or IndexError for one that cannot be read."""
        if self._lately:
            now = from_json(Beats, heard.now)
            self._since = now - REMEMBERS if self._since is None else self._since
            self._lately = now >= self._since
        if self._lately:
            return True
        told = [self._tells(tuple(bytes.fromhex(spelt))) for _, spelt in reversed(heard.said)]
        return any(told)

    def _tells(self, message: tuple[int, ...]) -> bool:
        """Whether it is the last strike or the last lift of its key, lies after all that let its pedal go, or is a mode."""
        control, channel = message[0] & 0xF0 == CONTROL, message[0] & 0x0F
        if control and message[1] != PEDAL:
            return message[1] >= SOUND_OFF
        if not (control or strikes(message) or lifts(message)):
            return False
        kind = (strikes(message), channel, -1 if control else message[1])
        known = kind in self._known
        if not control or message[2] < 64:
            self._known.add(kind)
        return not known

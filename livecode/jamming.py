"""What comes of what is played on inputs: parts are played through, answer, continue it, and loop it. It knows no thread."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

import msgspec

from .commands import Capture, Prime, Respond, Rest, Thru
from .errors import BadInput, UnknownName
from .facts import Looped
from .hearing import Hearing
from .models.wire import INPUT
from .music import Beats, Phrase, counted, pitch_name
from .naming import nearest
from .packing import packed
from .parts import Capturing, Part
from .transport import Transport

USUAL = 4
"""So many bars are looped if nobody says how many."""


class Jamming:
    """Tells parts what performers want of inputs."""

    def __init__(self, time: Transport, hearing: Hearing, parts: Mapping[str, Part], note: Callable[[str], None]) -> None:
        self._time, self._hearing, self._parts, self._note = time, hearing, parts, note

    def tell(self, part: Part, command: Thru | Respond | Prime | Capture, now: Beats, at: Beats) -> str:
        """Have this so from beat `at` on, said at `now`; returns a sentence. Raises BadInput."""
        match command:
            case Thru():
                return self._thru(part, command)
            case Respond(source=name):
                said = msgspec.structs.replace(command, source=self._hearing.named(name))
                part.respond(said, now, at, self._time.bar(at))
                return f"listens to {said.source}, {_calls(said)}, and answers for as long, from {self._time.place(at)} on"
            case Prime():
                return self._prime(part, command, now)
            case Capture():
                return self._capture(part, command, at)

    def answers(self, name: str) -> bool:
        """Whether a part waits for what is played on this input."""
        waiting = (part.exchange for part in self._parts.values() if part.listens())
        return any(exchange is not None and exchange.said.source == name for exchange in waiting)

    def _thru(self, part: Part, command: Thru) -> str:
        name = self._hearing.named(command.input) if command.input else ""
        if command.off and not (name in part.thrus if name else part.thrus):
            return f"played {name or 'no input'}"
        part.play_through(msgspec.structs.replace(command, input=name))
        return (
            f"no longer plays {name or 'any input'}" if command.off else f"sounds what is played on {name}{_of_it(command)} now"
        )

    def _prime(self, part: Part, command: Prime, now: Beats) -> str:
        source = command.source
        if source == part.name:
            raise BadInput(
                f"{part.name} cannot follow itself: name another part or an input; {part.name}.generate() continues its own bars."
            )
        if source.startswith(INPUT):
            source = INPUT + self._hearing.named(source.removeprefix(INPUT))
        elif source and source not in self._parts:
            near = nearest(source, self._hearing.ears)
            if len(near) != 1:
                raise UnknownName.of("part or input", source, near or [*self._parts, *self._hearing.ears])
            source = INPUT + near[0]
        if command.generate:
            part.generate(once=False)
        part.prime = msgspec.structs.replace(command, source=source) if source else None
        if not source:
            return "continues its own bars again"
        of = f"the last {_bars(command.bars)} of {source.removeprefix(INPUT)}"
        begun = f", from {self._time.place(part.entry(now, self._time.tempo))}" if part.generates() else ""
        return f"new bars every loop{begun}; they continue {of}" if command.generate else f"its model continues {of}{begun}"

    def _capture(self, part: Part, command: Capture, at: Beats) -> str:
        said = msgspec.structs.replace(command, source=self._hearing.named(command.source))
        own = part.phrase_at(at) if said.overdub else None
        bars = said.bars or (math.ceil(own.length / self._time.bar(at)) if own is not None and own.notes else USUAL)
        part.capture = Capturing(said, at, bars)
        over = ", over what it plays," if said.overdub else ""
        loops = f"loops the last {_bars(bars)} of {said.source}{over} from {self._time.place(at)}"
        ear = self._hearing.ears[said.source]
        played = ear.excerpt(at - bars * self._time.bar(at), at).notes or ear.sounds()
        return loops if played else f"{loops}; nothing was played yet"

    def looped(self, part: Part, planned: Beats, heard: Beats, now: Beats) -> Looped | None:
        """What is to be the part's loop, if the plan is about to pass the bar line where that begins; and again once everything
        that was played up to there is `heard`."""
        capture = part.capture
        if capture is None or (heard < capture.at if capture.entered else capture.at > planned):
            return None
        begin = capture.at - capture.bars * self._time.bar(capture.at)
        played = self._hearing.ears[capture.said.source].excerpt(begin, capture.at)
        under = capture.under if capture.entered else part.turned(capture.at) if capture.said.overdub else None
        whole = heard >= capture.at
        part.capture = None if whole else replace(capture, entered=True, under=under)
        if not (played.notes or capture.entered):
            part.capture = None
            self._note(f"{part.name} goes on with what it has: nothing was played on {capture.said.source}")
            return None
        return Looped(now=now, at=capture.at, part=part.name, packed=packed(_over(under, played)), whole=whole)


def _over(under: Phrase | None, played: Phrase) -> Phrase:
    """What was played, over what was there; drums over notes replace them."""
    return played if under is None or under.drums != played.drums else under.layer(played)


def _bars(number: int) -> str:
    """So many of the last bars: 'bar', '2 bars'."""
    return "bar" if number == 1 else f"{number} bars"


def _calls(said: Respond) -> str:
    """How long a call is, in words."""
    length = f"{counted(Fraction(said.bars), 'bar')} at a time"
    if isinstance(said.until, Rest):
        length = f"until nothing sounds for {counted(said.until.beats, 'beat')}"
    elif said.until is not None:
        length = "until the pedal goes down"
    return f"{length}, also while it answers" if said.continuous else length


def _of_it(thru: Thru) -> str:
    """Which of what is played on an input sounds, and how, in words; "" for all as it is."""
    limited = (thru.low, thru.high) != (0, 127)
    said = [f"keys {pitch_name(thru.low)} to {pitch_name(thru.high)}"] if limited else []
    said += [] if thru.channel is None else [f"on channel {thru.channel + 1}"]
    higher = counted(Fraction(abs(thru.transpose)), "semitone")
    said += [f"{higher} {'higher' if thru.transpose > 0 else 'lower'}"] if thru.transpose else []
    return f" ({', '.join(said)})" if said else ""

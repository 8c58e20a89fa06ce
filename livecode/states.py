"""What is so at a moment, as performers see it: pure functions of parts and time."""

from collections.abc import Mapping
from fractions import Fraction

from .commands import On, PartState
from .ears import Ear
from .music import Beats, Phrase, counted
from .parts import Mode, Part
from .transport import Transport


def state_of(part: Part, now: Beats, time: Transport, ears: Mapping[str, Ear], *, audible: bool) -> PartState:
    """What a part does at this beat."""
    phrase, coming = part.phrase_at(now), part.coming(now)
    sounding = phrase is not None and bool(phrase.notes)
    length = Fraction(0) if phrase is None else phrase.length / time.bar(now)
    return PartState(
        name=part.name,
        doing=_doing(part, phrase, length, now, time, ears),
        coming=_coming(part, coming, time),
        sounds=sounding and audible,
        muted=part.muted.at(now),
        soloed=part.soloed.at(now),
        bars=length,
        takes=len(part.takes),
        model="" if part.model is None else repr(part.model),
        waits="" if not part.asked or part.model is None else str(part.model.key),
        trouble=part.trouble or part.turning.trouble or part.turning.lacks,
        level=part.level_at(now),
        settings={name: value if isinstance(value, int) else float(value) for name, value in part.settings.items()},
        output=part.route.at(now),
        controls=part.controls_at(now),
        names=part.instrument.names if part.instrument else {},
        transforms=tuple(map(str, part.turning.turns.final())),
        key=part.key,
        temperature=part.temperature,
    )


def _coming(part: Part, coming: tuple[Beats, Phrase] | None, time: Transport) -> str:
    if coming is None or (part.mode is Mode.RESPOND and not coming[1].notes):
        return ""
    return f"{_what(*coming, time)} from {time.place(coming[0])}"


def _doing(part: Part, phrase: Phrase | None, length: Fraction, now: Beats, time: Transport, ears: Mapping[str, Ear]) -> str:
    if part.mode is Mode.RESPOND and part.exchange is not None:
        return part.exchange.doing(ears.get(part.exchange.said.source), now, time.tempo)
    sounding = phrase is not None and bool(phrase.notes)
    if part.thrus and not sounding and part.mode is Mode.STOPPED:
        return f"played on {', '.join(part.thrus)}"
    return _words(part.mode, counted(length, "bar") if sounding else "", silent=phrase is not None and not sounding)


def _what(at: Beats, phrase: Phrase, time: Transport) -> str:
    return length_of(phrase.length, at, time) if phrase.notes else "silence"


def length_of(length: Beats, at: Beats, time: Transport) -> str:
    """A length in bars, in words, as bars are long at beat `at`."""
    return counted(length / time.bar(at), "bar")


def when(on: On, at: Beats, time: Transport) -> str:
    """'now', or from which place on."""
    return "now" if on is On.NOW else f"from {time.place(at)}"


def _words(mode: Mode, bars: str, *, silent: bool) -> str:
    """In words: `bars` sound, "" for none; `silent` says that what is there are empty bars."""
    if mode is Mode.STOPPED:
        return f"plays its last {bars}" if bars else "stopped" if silent else "empty"
    if mode is Mode.LOOP and not bars:
        return "loops empty bars" if silent else "waits"
    return f"{mode.value} {bars}".rstrip()

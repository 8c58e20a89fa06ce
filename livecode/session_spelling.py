"""Commands as Python: what a performer would have typed for them. Executing a spelling gives the command back."""

import math
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import reduce
from typing import Any, TypeVar

import msgspec

from .commands import (
    Act,
    Adjust,
    AnyCommand,
    Assign,
    Continue,
    Declare,
    Fade,
    Hush,
    InKey,
    Mute,
    Nudge,
    On,
    Panic,
    Pause,
    Pick,
    Plain,
    Play,
    Propose,
    Recall,
    Restart,
    Route,
    Safe,
    SetKey,
    SetLatency,
    SetMeter,
    SetSwing,
    Shape,
    Solo,
    Store,
    Tempo,
    Undo,
    UndoLast,
)
from .errors import BadInput
from .facts import PortOpened
from .gm import DRUMS, PROGRAMS
from .models.bundles import BUILT_IN
from .models.chords import written
from .models.knobs import SEARCH_KNOBS
from .models.official import PREFIX, Official
from .models.wire import INPUT, NO_CHORD, Model, Progression
from .music import Note, Phrase, beats, pitch_name
from .notation import beat, notes
from .tempo import Meter, Swing

MOST_SLOTS = 64
"""A phrase of more steps than this is spelt note by note."""

WRITTEN = (1, 2, 3, 4, 6, 8)
"""Into so many parts a beat is divided by people who write notes down."""

WIDTH = 96
"""Of the lines that a long phrase is broken into."""

_DRUM_NAMES = {pitch: name for name, pitch in DRUMS.items()}
_HITS = {120: "X", 100: "x", 60: "o"}
_Command = TypeVar("_Command", bound=AnyCommand)


def spelt(command: AnyCommand) -> str:
    """A command as Python, for the top level of a script, where parts go by their names.

    >>> from livecode.commands import Act, Action, Mute, Tempo
    >>> spelt(Mute(part="lead", muted=True)), spelt(Tempo(bpm=Fraction(193, 2)))
    ('lead.mute()', 'bpm = 96.5')
    >>> spelt(Act(part="lead", action=Action.STOP, on=On.BAR))
    'lead.stop(on="bar")'
    """
    said = SPELLINGS.get(type(command), lambda command: None)(command)
    return said or f"stage.tell({_constructed(command)})"


def spelt_port(port: PortOpened) -> str:
    """The opening of a port as Python."""
    more = f", api={_text(port.api)}" if port.api else ""
    return f"stage.midi({_text(port.name)}{more}{', virtual=True' if port.virtual else ''})"


def spelt_model(model: Model) -> str:
    """A model as the function call that gives it.

    >>> from livecode.models.specs import melody_rnn
    >>> spelt_model(melody_rnn(bars=2, temperature=1.1, primer=notes("C4 E4")))
    'melody_rnn("attention_rnn", bars=2, temperature=1.1, primer=notes("C4 E4"))'
    """
    said = [_text(model_named(model))]
    if model.chords is not None:
        said.append(f"chords={_chords(model.chords)}")
    said.append(f"bars={model.bars}")
    said += [
        f"{name}={_value(value)}"
        for name, value in model.knobs.items()
        if not (name in SEARCH_KNOBS and value == 1 and not isinstance(value, bool))
    ]
    if model.seed is not None:
        said.append(f"seed={model.seed}")
    if model.primer != "last":
        said.append(f"primer={'None' if model.primer is None else _value(model.primer)}")
    if model.key.engine != "compiled":
        said.append(f"engine={_text(model.key.engine)}")
    if model.key.python:
        said.append(f"python={_text(model.key.python)}")
    return f"{model.key.family}({', '.join(said)})"


def spelt_phrase(phrase: Phrase) -> str:
    """A phrase as `beat` or `notes` say it if they can, else note by note.

    >>> spelt_phrase(beat(kick="x...x..."))
    'beat(kick="x...x...")'
    >>> spelt_phrase(notes("C4 E4 . G4,C5 _", dur=0.5))
    'notes("C4 E4 . C5,G4 _", dur=0.5)'
    """
    return (_as_beat(phrase) if phrase.drums else _as_notes(phrase)) or _note_by_note(phrase)


# Phrases


def _grid(phrase: Phrase) -> tuple[Fraction, int] | None:
    """The longest step that all onsets, ends and the length are multiples of, and how many there are; None for too many."""
    moments = [phrase.length, *(moment for note in phrase.notes for moment in (note.onset, note.duration))]
    step = reduce(_common, moments)
    slots = int(phrase.length / step)
    return (step, slots) if slots <= MOST_SLOTS else None


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The greatest common divisor."""
    denominator = math.lcm(one.denominator, other.denominator)
    return Fraction(math.gcd(int(one * denominator), int(other * denominator)), denominator)


def _as_beat(phrase: Phrase) -> str | None:
    steps = {note.duration for note in phrase.notes}
    if len(steps) != 1 or any(note.velocity not in _HITS or note.pitch not in _DRUM_NAMES for note in phrase.notes):
        return None
    step = steps.pop()
    slots = phrase.length / step
    if slots.denominator != 1 or slots > MOST_SLOTS or any((note.onset / step).denominator != 1 for note in phrase.notes):
        return None
    rows: dict[str, list[str]] = {}
    for note in phrase.notes:
        rows.setdefault(_DRUM_NAMES[note.pitch], ["."] * int(slots))[int(note.onset / step)] = _HITS[note.velocity]
    shown = {name: "".join(row) for name, row in rows.items()}
    if beat(step=step, **shown) != phrase:
        return None
    given = "" if step == Fraction(1, 4) else f"step={_number(step)}, "
    return f"beat({given}{', '.join(f'{name}={_text(row)}' for name, row in shown.items())})"


def _as_notes(phrase: Phrase) -> str | None:
    grid = _grid(phrase)
    velocities = {note.velocity for note in phrase.notes}
    if grid is None or grid[0].denominator not in WRITTEN or len(velocities) != 1:
        return None
    step, slots = grid
    tokens = ["."] * slots
    for onset in dict.fromkeys(note.onset for note in phrase.notes):
        chord = [note for note in phrase.notes if note.onset == onset]
        place, held = int(onset / step), int(chord[0].duration / step)
        tokens[place] = ",".join(sorted(pitch_name(note.pitch) for note in chord))
        tokens[place + 1 : place + held] = ["_"] * (held - 1)
    text, loud = " ".join(tokens), velocities.pop()
    if len(tokens) != slots or notes(text, dur=step, velocity=loud) != phrase:
        return None
    given = "" if step == 1 else f", dur={_number(step)}"
    return f"notes({_text(text)}{given}{'' if loud == 100 else f', velocity={loud}'})"


def _note_by_note(phrase: Phrase) -> str:
    items = [_note(note, drums=phrase.drums) for note in phrase.notes]
    lines = textwrap.wrap(", ".join(items), WIDTH, break_long_words=False) or [""]
    text = _text(lines[0]) if len(lines) == 1 else "\n    " + "\n    ".join(_text(f"{line} ") for line in lines) + "\n    "
    return f"lc.phrase({text}, {_number(phrase.length)}{', drums=True' if phrase.drums else ''})"


def _note(note: Note, *, drums: bool) -> str:
    pitch = _DRUM_NAMES.get(note.pitch, str(note.pitch)) if drums else pitch_name(note.pitch)
    return f"{note.onset} {pitch} {note.duration}{'' if note.velocity == 100 else f' {note.velocity}'}"


# Models


def model_named(model: Model) -> str:
    """What says which model it is: a config, a name that begins with "magenta:", a path, or a config and a checkpoint."""
    key = model.key
    if key.bundle == BUILT_IN.get(key.config):
        return key.config
    if key.path.suffix != ".mag":
        return f"{key.config}:{key.bundle}"
    return PREFIX + key.path.stem if key.path.parent == Official.of_user().folder else key.bundle


def _chords(heard: Progression | str) -> str:
    if isinstance(heard, str):
        return _text(heard if heard.startswith(INPUT) else f"part:{heard}")
    text = " | ".join(_bar(heard, bar) for bar in range(heard.bars))
    if not any(" " in bar for bar in text.split(" | ")):
        text = text.replace(" | ", " ")
    try:
        same = written(text) == heard
    except BadInput:
        same = False
    return _text(text) if same else _constructed(heard)


def _bar(heard: Progression, bar: int) -> str:
    """One bar of chords, each held until the next."""
    here = {at - bar: "." if symbol == NO_CHORD else symbol for at, symbol in heard.changes if bar <= at < bar + 1}
    slots = math.lcm(*(at.denominator for at in here)) if here else 1
    return " ".join(here.get(Fraction(place, slots), "_") for place in range(slots))


# Commands


def _on(command: Any, usual: On) -> str:
    return "" if command.on is usual else f"on={_text(command.on.value)}"


def _method(command: Any, name: str, *arguments: str, usual: On) -> str:
    given = [*arguments, _on(command, usual)]
    return f"{command.part}.{name}({', '.join(filter(None, given))})"


def _usual(kind: type[_Command], say: Callable[[_Command], str | None], usual: On) -> Callable[[Any], str | None]:
    """Spelt like this if it takes effect when it usually does."""
    return lambda command: say(command) if command.on is usual else None


def _play(command: Play) -> str | None:
    if command.plain:
        return None
    what = spelt_phrase(command.phrase)
    return f"{command.part} >> {what}" if command.on is On.LOOP else _method(command, "play", what, usual=On.LOOP)


def _shape(command: Shape) -> str | None:
    """One verb by its name, for a part of a script need not know the words."""
    transforms, every = command.turn.transforms, command.turn.every
    if len(transforms) > 1 or transforms[0].others or transforms[0].function:
        return None
    given = (_text(each) if isinstance(each, str) else repr(each) for each in transforms[0].given)
    words = [_text(transforms[0].verb), *given]
    return _method(command, *(("map",) if every == 1 else ("every", str(every))), *words, usual=On.LOOP)


def _tempo(command: Tempo) -> str | None:
    bpm = f"{float(command.bpm):.7g}"
    if not command.bars and command.on is On.BAR:
        return f"bpm = {bpm}"
    if (bars := _exactly(command.bars)) is None:
        return None
    return f"stage.ramp({', '.join(filter(None, [bpm, f'bars={bars}', _on(command, On.BAR)]))})"


def _swing(command: SetSwing) -> str:
    swing = command.swing
    near = (round(float(swing.ratio), places) for places in range(1, 7))
    short = next((value for value in near if 0.5 <= value <= 0.75 and Swing.of(value) == swing), None)
    return f"swing = {_value(swing) if short is None else short}"


def _fade(command: Fade) -> str | None:
    bars = _exactly(command.bars)
    if bars is None:
        return None
    name = {0.0: "fade_out", 1.0: "fade_in"}.get(command.level)
    given = [f"bars={bars}"] if name else [repr(command.level), f"bars={bars}"]
    return _method(command, name or "fade", *given, usual=On.BAR)


def _adjust(command: Adjust) -> str | None:
    if command.on is not On.NOW:
        return None
    given = _settings(command)
    if given is None or (given and command.free):
        return None
    if command.free:
        limits = _limits(command.free)
        return None if limits is None else f"{command.part}.free({limits})"
    if len(given) == 1 and (name := next(iter(given))) not in ("bank", "cc"):
        return f"{command.part}.{name} = {given[name]}"
    return f"{command.part}.set({', '.join(f'{name}={value}' for name, value in given.items())})"


def _settings(command: Adjust) -> dict[str, str] | None:
    """What is set, by the names and values that people give; None if that cannot be said."""
    said = {name: repr(value) for name in ("gain", "pan") if (value := getattr(command, name)) is not None}
    if command.channel is not None:
        said["channel"] = str(command.channel + 1)
    if command.program is not None:
        said["program"] = _text(PROGRAMS[command.program])
    if command.bank is not None:
        high, low = command.bank
        said["bank"] = repr(command.bank) if low else str(high)
    if command.controls:
        said["cc"] = repr(dict(command.controls))
    if (command.low is None) != (command.high is None):
        return None
    if command.low is not None and command.high is not None:
        said["range"] = f"({_text(pitch_name(command.low))}, {_text(pitch_name(command.high))})"
    if command.density is not None:
        said["density"] = _number(command.density)
    if command.voices is not None:
        said["voices"] = str(command.voices)
    return said


def _limits(free: Iterable[str]) -> str | None:
    left, said = set(free), []
    for limit, names in {"range": {"low", "high"}, "density": {"density"}, "voices": {"voices"}, "channel": {"channel"}}.items():
        if names <= left:
            left -= names
            said.append(_text(limit))
    if left:
        return None
    return "" if said == ['"range"', '"density"'] else ", ".join(said)


def _undo(command: Undo | UndoLast) -> str | None:
    name = "redo" if command.redo else "undo"
    if isinstance(command, Undo):
        return _method(command, name, usual=On.LOOP)
    return f"stage.{name}()" if command.on is On.BAR else None


def _stage_word(name: str) -> Callable[[Any], str]:
    return lambda command: f"stage.{name}({_on(command, On.BAR)})"


SPELLINGS: dict[type, Callable[[Any], str | None]] = {
    Nudge: _usual(Nudge, lambda command: f"{command.part}.nudge = {command.ms!r}", On.NOW),
    SetLatency: lambda command: f"stage.latency({_text(command.output)}, {command.ms!r})",
    Declare: _usual(Declare, lambda command: f"part({_text(command.part)})", On.LOOP),
    Play: _play,
    Assign: _usual(Assign, lambda command: f"{command.part} >> {spelt_model(command.model)}", On.LOOP),
    Propose: _usual(Propose, lambda command: f"{command.part}.candidates({command.n})", On.LOOP),
    Pick: lambda command: _method(command, "pick", str(command.number), usual=On.LOOP),
    Act: lambda command: _method(command, command.action.value, usual=On.LOOP),
    Mute: lambda command: _method(command, "mute" if command.muted else "unmute", usual=On.NOW),
    Solo: lambda command: _method(command, "solo" if command.soloed else "unsolo", usual=On.NOW),
    Fade: _fade,
    Adjust: _adjust,
    Route: _usual(Route, lambda command: f"{command.part}.output = {_text(command.output)}", On.NOW),
    Tempo: _tempo,
    SetMeter: lambda command: f"stage.meter = {_text(str(command.meter))}",
    SetSwing: _swing,
    Hush: _stage_word("hush"),
    Pause: _stage_word("pause"),
    Restart: _stage_word("restart"),
    Continue: lambda command: "stage.go_on()",
    Panic: lambda command: "stage.panic()",
    Undo: _undo,
    UndoLast: _undo,
    Shape: _shape,
    Plain: lambda command: _method(command, "plain", usual=On.LOOP),
    InKey: _usual(InKey, lambda command: f"{command.part}.key = {_text(command.key)}", On.BAR),
    SetKey: _usual(SetKey, lambda command: f"stage.key = {_text(command.key)}", On.BAR),
    Store: _usual(Store, lambda command: f"stage.store({_text(command.scene)})", On.NOW),
    Recall: lambda command: f"stage.scene({', '.join(filter(None, [_text(command.scene), _on(command, On.BAR)]))})",
    Safe: _usual(Safe, lambda command: "stage.safe()", On.NOW),
}
"""How each kind of command is spelt; one that is not here, or is spelt None, is made by its constructor."""


# Values


def _text(text: str) -> str:
    """A string in double quotes if it can be."""
    return repr(text) if '"' in text or repr(text)[1:-1] != text else f'"{text}"'


def _number(value: Fraction) -> str:
    """A number that `beats` and `exact_bpm` read back: 2, 0.5, or "1/3" in quotes."""
    return _exactly(value) or _text(str(value))


def _exactly(value: Fraction) -> str | None:
    """A number as a whole one or a short decimal; None if it is neither."""
    if value.denominator == 1:
        return str(value)
    near = round(float(value), 4)
    return repr(near) if Fraction(str(near)) == value == beats(near) else None


def _constructed(thing: Any) -> str:
    """The call that makes a value of ours, without what is as usual."""
    given = [(name, value) for name, usual in _defaults(thing).items() if (value := getattr(thing, name)) != usual]
    place = type(thing).__module__.removeprefix("livecode.")
    return f"lc.{place}.{type(thing).__qualname__}({', '.join(f'{name}={_value(value)}' for name, value in given)})"


def _defaults(thing: Any) -> dict[str, object]:
    """The fields of a value of ours, with their defaults; one that has none has a default that no value equals."""
    if is_dataclass(thing):
        return {field.name: field.default for field in fields(thing)}
    known = msgspec.structs.fields(thing)
    return {
        field.name: field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory() for field in known
    }


def _value(value: Any) -> str:
    """Anything that a command holds, as Python."""
    for kind, say in _VALUES.items():
        if isinstance(value, kind):
            return say(value)
    return _constructed(value) if is_dataclass(value) or isinstance(value, msgspec.Struct) else repr(value)


_VALUES: dict[type, Callable[[Any], str]] = {
    Phrase: spelt_phrase,
    Model: spelt_model,
    Enum: lambda value: f"lc.{type(value).__module__.removeprefix('livecode.')}.{type(value).__qualname__}.{value.name}",
    Fraction: lambda value: str(value) if value.denominator == 1 else f"lc.Beats({value.numerator}, {value.denominator})",
    Meter: lambda value: f"lc.Meter({value.count}, {value.unit})",
    Swing: lambda value: f"lc.Swing({_value(value.ratio)}, {_value(value.unit)})",
    str: _text,
    frozenset: lambda value: f"frozenset({sorted(value)!r})",
    tuple: lambda value: f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})",
    dict: lambda value: f"{{{', '.join(f'{_value(key)}: {_value(held)}' for key, held in value.items())}}}",
}

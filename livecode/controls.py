"""MIDI's controllers, numbered parameters and pitch bend under one kind of number, with names and bytes. Pure tables.

A control is an int: 0-119 is a controller, `BEND` the pitch bend, `fine` makes a controller of 14 bits, and `rpn` and `nrpn`
numbered parameters. Source: MIDI 1.0 Detailed Specification 4.2, tables III and IV; RP-015 and RP-021; General MIDI 2 for the
sound controllers' middle.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from .errors import BadInput, UnknownName
from .music import Beats

BEND = 128
"""Pitch bend: 0 to 16383, at rest at 8192."""

_RPN, _NRPN, _FINE = 1 << 14, 1 << 15, 1 << 16
_CONTROL, _BENDS = 0xB0, 0xE0
_SOUND = range(70, 80)

STEP, PARAMETER_STEP = Fraction(1, 32), Fraction(1, 16)
"""A ramp moves this often at most, in beats. At 120 bpm that is 64 messages of 3 bytes a second for a controller, 6 % of a
cable of 31.25 kbaud; for a numbered parameter 32 times 5 or 6 such messages, 15 to 18 %."""

MOST_STEPS = 4096


def rpn(high: int, low: int, *, fine: bool = False) -> int:
    """The registered parameter of these two bytes; `fine` ones have values of 14 bits, others of 7.

    >>> spelt(rpn(0, 0)), highest(rpn(0, 1, fine=True))
    ('rpn 0.0 (bend_range)', 16383)
    """
    return _RPN | _numbered("RPN", high, low) | (_FINE if fine else 0)


def nrpn(high: int, low: int, *, fine: bool = False) -> int:
    """The non-registered parameter of these two bytes; `fine` ones have values of 14 bits, others of 7.

    >>> [message.hex(" ") for message in map(bytes, wire(2, nrpn(1, 8), 64))]
    ['b2 63 01', 'b2 62 08', 'b2 06 40', 'b2 65 7f', 'b2 64 7f']
    """
    return _NRPN | _numbered("NRPN", high, low) | (_FINE if fine else 0)


def _numbered(kind: str, high: object, low: object) -> int:
    for half in (high, low):
        if isinstance(half, bool) or not isinstance(half, int) or not 0 <= half <= 127:
            raise BadInput(f"{kind} {high!r}, {low!r} cannot be: give its two halves, 0 to 127 each, such as nrpn(1, 8).")
    assert isinstance(high, int)
    assert isinstance(low, int)
    return high << 7 | low


NAMES: Mapping[str, int] = {
    "modulation": 1, "breath": 2, "foot": 4, "portamento_time": 5, "volume": 7, "balance": 8, "pan": 10, "expression": 11,
    "sustain": 64, "portamento": 65, "sostenuto": 66, "soft_pedal": 67, "legato": 68, "hold": 69, "variation": 70,
    "resonance": 71, "release": 72, "attack": 73, "cutoff": 74, "brightness": 74, "decay": 75, "vibrato_rate": 76,
    "vibrato_depth": 77, "vibrato_delay": 78, "reverb": 91, "tremolo": 92, "chorus": 93, "detune": 94, "phaser": 95,
    "bend": BEND, "bend_range": rpn(0, 0), "fine_tuning": rpn(0, 1, fine=True), "coarse_tuning": rpn(0, 2),
}  # fmt: skip
"""What performers call them."""

_SPELT = {control: name for name, control in reversed(list(NAMES.items()))}

_AT_REST = {1: 0, 5: 0, 7: 100, 10: 64, 11: 127, BEND: 8192, rpn(0, 0): 2, rpn(0, 1, fine=True): 8192, rpn(0, 2): 64}


def at_rest(control: int) -> int | None:
    """What an instrument comes up with, after MIDI 1.0's and General MIDI's tables; None where it is anybody's guess.

    >>> at_rest(NAMES["volume"]), at_rest(NAMES["cutoff"]), at_rest(20)
    (100, 64, None)
    """
    if 64 <= control <= 69:
        return 0
    if _is_pair(control):
        coarse = at_rest(control & 0x7F)
        return None if coarse is None else coarse << 7
    return 64 if control in _SOUND else _AT_REST.get(control)


def fine(control: int) -> int:
    """A controller with its fine half, the one 32 above: 14 bits, 0 to 16383. Raises BadInput.

    >>> spelt(fine(1)), wire(0, fine(1), 200)
    ('cc 1+33 (modulation)', [(176, 1, 1), (176, 33, 72)])
    """
    if not 1 <= control <= 31:
        raise BadInput(f"{spelt(control)} has no fine half: controllers 1 to 31 have, and nrpn(1, 8, fine=True).")
    return _FINE | control


def _is_pair(control: int) -> bool:
    """Whether it is a controller with its fine half."""
    return control & ~0x7F == _FINE


def highest(control: int) -> int:
    """The largest value that a control takes."""
    return 16383 if control == BEND or control & _FINE else 127


def shown(control: int, value: int) -> str:
    """A value as performers give it: -1 to 1 for pitch bend, else the number itself.

    >>> shown(BEND, 0), shown(BEND, 8192), shown(BEND, 12288), shown(74, 90)
    ('-1', '0', '0.5', '90')
    """
    return f"{(value - 8192) / (8192 if value < 8192 else 8191):.3g}" if control == BEND else str(value)


def bent(value: object) -> int:
    """Pitch bend for -1 (all the way down) to 1 (all the way up). Raises BadInput."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise BadInput(f"A bend to {value!r} cannot be: give -1 (down) to 1 (up), 0 for none.")
    return 8192 + round(value * (8192 if value < 0 else 8191))


def reach(control: int) -> tuple[float, float]:
    """The smallest and the largest value that performers give a control."""
    return (-1.0, 1.0) if control == BEND else (0.0, float(highest(control)))


def taken(control: int, value: float) -> float:
    """A value that performers give, as the control takes it. Raises BadInput."""
    if control == BEND:
        return float(bent(value))
    if not 0 <= value <= highest(control):
        raise BadInput(f"{spelt(control)} at {value:g} cannot be: give 0 to {highest(control)}.")
    return value


def named(control: int | str, own: Mapping[str, int]) -> int:
    """The control of this number or name; an instrument's own names come first. Raises BadInput or UnknownName.

    >>> named("Cutoff", {}), named("cutoff", {"cutoff": 23})
    (74, 23)
    """
    if isinstance(control, str):
        known = {**NAMES, **own}
        folded = re.sub(r"[\s-]+", "_", control.strip().casefold())
        if folded not in known:
            raise UnknownName.of("control", control, known)
        return known[folded]
    if isinstance(control, bool) or not isinstance(control, int):
        raise BadInput(f"{control!r} is no control: give a controller's number such as 74, or a name such as 'cutoff'.")
    if control in (0, 32):
        raise BadInput(f"Controller {control} selects banks: give bank=(0, 3) with the program instead.")
    if not 0 <= control <= 119:
        raise BadInput(f"There is no controller {control}: give 1 to 119, or a name such as 'cutoff'.")
    return control


def resolved(control: int | str, own: Mapping[str, int]) -> int:
    """The same for what a command names: any control as this module counts them. Raises BadInput or UnknownName."""
    parameters = (_RPN, _NRPN, _RPN | _FINE, _NRPN | _FINE)
    if control == BEND or (isinstance(control, int) and control & ~0x3FFF in parameters):
        return int(control)
    if isinstance(control, int) and _is_pair(control):
        return fine(control & 0x7F)
    return named(control, own)


def spelt(control: int) -> str:
    """A control in words: 'cc 74 (cutoff)', 'cc 1+33 (modulation)', 'nrpn 1.8', 'bend'."""
    plain = control & 0x7F if _is_pair(control) else control
    name = f" ({_SPELT[plain]})" if plain in _SPELT else ""
    if control == BEND:
        return "bend"
    if plain < BEND:
        return f"cc {plain}{f'+{plain + 32}' if plain != control else ''}{name}"
    return f"{'nrpn' if control & _NRPN else 'rpn'} {control >> 7 & 127}.{control & 127}{name}"


def wire(channel: int, control: int, value: int) -> list[tuple[int, ...]]:
    """The messages that set a control on a channel (0-15), in their order. A parameter is let go afterwards (RPN null), so that
    a data entry of somebody else cannot turn it."""
    status = _CONTROL | channel
    if control == BEND:
        return [(_BENDS | channel, value & 127, value >> 7)]
    if control < BEND:
        return [(status, control, value)]
    if _is_pair(control):
        return [(status, control & 0x7F, value >> 7), (status, (control & 0x7F) + 32, value & 127)]
    high, low = (99, 98) if control & _NRPN else (101, 100)
    data = [(6, value >> 7), (38, value & 127)] if control & _FINE else [(6, value)]
    said = [(high, control >> 7 & 127), (low, control & 127), *data, (101, 127), (100, 127)]
    return [(status, number, byte) for number, byte in said]


def ramp(control: int, start: int, value: int, at: Beats, over: Beats) -> Iterator[tuple[Beats, int]]:
    """(beat, value) of each step on the way from `start` to `value` in `over` beats from `at` on; the last is `value`.

    Steps are as even as the values are whole, none closer than the control's `STEP`.

    >>> [(float(beat), value) for beat, value in ramp(74, 0, 3, Beats(4), Beats(3))]
    [(5.0, 1), (6.0, 2), (7.0, 3)]
    """
    step = STEP if control <= BEND else PARAMETER_STEP
    count = max(1, min(abs(value - start), int(over / step), MOST_STEPS))
    for place in range(1 if over else count, count + 1):
        yield at + over * place / count, start + round((value - start) * Fraction(place, count))

"""What performers type about controllers, as values: "lead.gain", drums.mute, note="C2", and the names of well-known knobs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .bindings import PART_ACTIONS, STAGE_ACTIONS, Source, Target
from .dials import Dial
from .errors import BadInput, UnknownName, named
from .files import expanded
from .notation import pitch_number

_SURFACES = Path(__file__).with_name("surfaces")


def source(
    *,
    cc: object = None,
    note: object = None,
    channel: object = None,
    input: str = "",  # noqa: A002
) -> Source:
    """The knob or pad that is meant: cc=21, or note="C2" (or 36), on a channel from 1 to 16. Raises BadInput.

    >>> str(source(cc=21, channel=2)), str(source(note="C2"))
    ('cc 21 channel 2', 'key C2')
    """
    if (cc is None) == (note is None):
        raise BadInput('Which knob or pad? Give one of cc=21 and note="C2"; stage.learn(...) waits for the one you touch.')
    if channel is not None and (isinstance(channel, bool) or channel not in range(1, 17)):
        raise BadInput(f"There is no channel {channel!r}: MIDI's go from 1 to 16.")
    if not isinstance(input, str):
        raise BadInput(f'input={input!r} is no input: give the name of one, or "" for any.')
    at = None if channel is None else int(str(channel)) - 1
    if note is not None:
        return Source(kind="note", number=pitch_number(str(note)), channel=at, input=input)
    return Source(kind="cc", number=cc, channel=at, input=input)  # type: ignore[arg-type]


def target(
    to: object,
    *,
    range: object = None,  # noqa: A002
    pickup: bool | None = None,
    encoder: str | None = None,
    feedback: str | None = None,
) -> Target:
    """What is to be turned or done: "lead.gain", "bpm", lead.cc("cutoff"), drums.mute, stage.hush. Raises BadInput.

    A knob picks up unless its light or motor shows where things stand, or it is endless.

    >>> str(target("lead.gain", range=(0.2, 0.8))), str(target("stage.hush"))
    ('lead.gain from 0.2 to 0.8', 'hush')
    """
    part, word = _named(to)
    low, high = _span(range)
    picks_up = not (encoder or feedback) if pickup is None else bool(pickup)
    return Target(part=part, word=word, low=low, high=high, pickup=picks_up, encoder=encoder or "", feedback=feedback or "")


def _named(to: object) -> tuple[str, str | int]:
    """Part ("" for the stage) and word."""
    if isinstance(to, Dial):
        return to.part, to.control
    if isinstance(to, str) and to.strip():
        owner, dot, word = to.strip().partition(".")
        owner, word = ("", owner) if not dot else ("" if owner == "stage" else owner, word.strip())
        number = word.removeprefix("cc").strip()
        return owner, int(number) if number.isdigit() else word
    holder, word = getattr(to, "__self__", None), getattr(to, "__name__", "")
    if holder is not None and word in (*PART_ACTIONS, *STAGE_ACTIONS):
        return (holder.name if "name" in dir(type(holder)) else ""), word
    raise BadInput(
        f"to={named(to)} is nothing that a controller can turn or do: name it in quotes, 'lead.gain' or 'bpm', "
        "or give lead.cc('cutoff'), drums.mute or drums.generate_once, without parentheses."
    )


def _span(span: object) -> tuple[float | None, float | None]:
    if span is None:
        return None, None
    if not isinstance(span, tuple | list) or len(span) != 2 or not all(isinstance(end, int | float) for end in span):
        raise BadInput(f"range={span!r} cannot be: give two numbers, such as (0.5, 1.5), or (1.5, 0.5) to turn the other way.")
    return float(span[0]), float(span[1])


@dataclass(frozen=True, slots=True)
class Surface:
    """A controller whose knobs and pads have names: "slider 1". `port` is what its MIDI port is called."""

    name: str
    port: str
    knobs: Mapping[str, Source] = field(default_factory=dict)

    def source(self, name: str, played_on: str) -> Source:
        """The knob or pad of this name, on this input. Raises UnknownName.

        >>> str(surface("nanoKONTROL2").source("slider 1", "nano"))
        'cc 0 of nano'
        """
        folded = "_".join(str(name).casefold().replace("_", " ").split())
        known = {"".join(knob.split("_")): knob for knob in self.knobs}
        found = known.get("".join(folded.split("_")))
        if found is None:
            raise UnknownName.of(f"knob of the {self.name}", name, self.knobs)
        meant = self.knobs[found]
        return Source(kind=meant.kind, number=meant.number, channel=meant.channel, input=played_on)


def surfaces() -> list[str]:
    """The controllers that livecode knows, by the names of their files."""
    return sorted(path.stem for path in _SURFACES.glob("*.toml"))


def surface(name: str | Path) -> Surface:
    """A controller that livecode knows, or one described in a .toml file of your own. Raises UnknownName or BadInput.

    >>> surface("nanoKONTROL2").name, surface("apc mini mk2").port
    ('KORG nanoKONTROL2', 'APC mini mk2')
    """
    text = str(name)
    if text.endswith(".toml"):
        return _read(expanded(text))
    folded = "".join(letter for letter in text.casefold() if letter.isalnum())
    fitting = [stem for stem in surfaces() if folded and folded in stem.replace("_", "")]
    exact = [stem for stem in fitting if stem.replace("_", "") == folded]
    if len(fitting) != 1 and not exact:
        raise UnknownName.of("controller with a preset", text, surfaces())
    return _read(_SURFACES / f"{(exact or fitting)[0]}.toml")


def _read(path: Path) -> Surface:
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): give the path of a .toml file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no TOML ({error}): look at the presets that come along.") from error
    channel, knobs = table.get("channel"), dict[str, Source]()
    for kind in ("cc", "note"):
        for name, numbers in table.get(kind, {}).items():
            each = numbers if isinstance(numbers, list) else [numbers]
            for place, number in enumerate(each, 1):
                knob = f"{name}{place}" if isinstance(numbers, list) else name
                on = channel.get(kind) if isinstance(channel, dict) else channel
                knobs[knob] = source(**{kind: number}, channel=on)
    return Surface(str(table.get("name", path.stem)), str(table.get("port", path.stem)), knobs)

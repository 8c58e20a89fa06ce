"""Hardware instruments: where they are, what they play, and what their controls are called. Values; nothing is opened here."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from .controls import fine, named, nrpn, rpn
from .errors import BadInput
from .files import expanded
from .voicing import Voicing

MOST_NAMES = 1000


class Instrument(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A synth for parts to go to: the output's name, a channel (0-15), a program (0-127) of a bank; None leaves what is set.

    `names` are those of its own for controls, beside MIDI's. `voicing` is what it can sound at once.
    """

    output: str
    channel: int | None = None
    program: int | None = None
    bank: tuple[int, int] | None = None
    voicing: Voicing = Voicing()
    names: Mapping[str, int] = {}

    def __repr__(self) -> str:
        return f"synth {self}"

    def __str__(self) -> str:
        said = [self.output]
        said += [] if self.channel is None else [f"channel {self.channel + 1}"]
        said += [f"{self.voicing.voices} voices"] if self.voicing.voices else []
        return " · ".join(said)


def read_names(table: str | Path | Mapping[str, object] | None) -> Mapping[str, int]:
    """Names of an instrument's own: from a TOML file, or {name: what it means}. Raises BadInput.

    A name means a controller's number, or {nrpn = [1, 8]} or {rpn = [0, 0]}, with fine = true for values of 14 bits; {cc = 16,
    fine = true} is a controller with its fine half, 32 above.

    >>> read_names({"cutoff": 23}), read_names({"drive": {"nrpn": [1, 8]}}) == {"drive": nrpn(1, 8)}
    ({'cutoff': 23}, True)
    """
    if table is None:
        return {}
    given = _read(table) if isinstance(table, str | Path) else table
    if not isinstance(given, Mapping) or len(given) > MOST_NAMES:
        raise BadInput(f"names={table!r} is no table of names: give a .toml file or a table such as {{'cutoff': 23}}.")
    return {_name(name): _meant(name, what) for name, what in given.items()}


def _read(path: str | Path) -> Mapping[str, object]:
    source = expanded(path)
    try:
        return tomllib.loads(source.read_text())
    except OSError as error:
        raise BadInput(f"{source} cannot be read ({error.strerror}): give the path of a .toml file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{source} is no TOML ({error}): write lines such as cutoff = 23.") from error


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise BadInput(f"{name!r} cannot name a control: give words such as 'cutoff'.")
    return "_".join(name.casefold().replace("-", " ").split())


def _meant(name: str, what: object) -> int:
    try:
        match what:
            case int():
                return named(what, {})
            case {"cc": int(number), "fine": True, **rest} if not rest:
                return fine(named(number, {}))
            case {"nrpn": [high, low], **rest} if set(rest) <= {"fine"}:
                return nrpn(high, low, fine=bool(rest.get("fine")))
            case {"rpn": [high, low], **rest} if set(rest) <= {"fine"}:
                return rpn(high, low, fine=bool(rest.get("fine")))
    except BadInput as error:
        raise BadInput(f"The name {name!r} cannot be given: {error}") from error
    raise BadInput(f"The name {name!r} means {what!r}, which is no control: give a number such as 23, or {{nrpn = [1, 8]}}.")

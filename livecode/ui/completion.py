"""What Tab offers beside what IPython knows: names inside quotes, names of parts, and the prompt's own words."""

import contextlib
import inspect
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ..bindings import ENCODERS, PART_KNOBS, STAGE_KNOBS
from ..commands import On
from ..controls import NAMES
from ..gm import DRUMS, PROGRAMS
from ..handles import PartHandle
from ..inputs import ports as sources
from ..mapping import surfaces
from ..models.bundles import BUILT_IN, FAMILIES
from ..models.official import CATALOGUE, PREFIX
from ..models.wire import Engine
from ..music import Seconds
from ..outputs import ports, soundfonts
from ..scales import SCALES
from ..stage import Stage
from ..transforms import VERBS
from .names import SETTINGS
from .watch import Sight

PORTS_WITHIN: Seconds = 0.25
PORTS_KEPT: Seconds = 5.0
"""How long Tab waits for the MIDI ports, which another thread lists, and for how long a list is good."""

TONICS = ("C", "C#", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
METERS = ("2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is: in the open string `typed`, or at the word `typed`, which `quoted` tells apart.

    `call` is the function whose parentheses are open, as it is written ("stage.midi"), "" for none; `keyword` the argument that
    the string is given to, or "[" within brackets, or the target of an assignment ("lead.output").
    """

    typed: str
    quoted: bool
    call: str
    keyword: str


_TOKEN = re.compile(r"(?P<string>'(?:[^'\\\n]|\\.)*'?|\"(?:[^\"\\\n]|\\.)*\"?)|[^\W\d][\w.]*|#.*|\d+|\S")
_MOST_READ = 2000


SCRIPTS = re.compile(r"(?:^|\n)%(?:replay|rehearse|save)[ ]+(?:--\S+[ ]+(?:\d+[ ]+)?)*([^ \n]*)$")
"""A line of the prompt's that ends in the beginning of a script's name."""


def scripts(typed: str) -> list[str]:
    """The scripts and folders whose paths begin so."""
    folder, name = os.path.split(typed)
    with contextlib.suppress(OSError):
        with os.scandir(os.path.expanduser(folder) or ".") as found:
            there = [each.name + "/" * each.is_dir() for each in found if each.name.startswith(name)]
        return sorted(os.path.join(folder, each) for each in there if each.endswith((".py", "/")) and (each[0] != "." or name))
    return []


def place(text: str) -> Place:
    """Where the end of the text is.

    >>> place('lead >> melody_rnn("att')
    Place(typed='att', quoted=True, call='melody_rnn', keyword='')
    >>> place('lead.set(gain=0.5, program="Vib')
    Place(typed='Vib', quoted=True, call='lead.set', keyword='program')
    >>> place('lead.output = "Dig')
    Place(typed='Dig', quoted=True, call='', keyword='lead.output')
    """
    text = text[-_MOST_READ:]
    open_calls: list[tuple[str, str]] = [("", "")]
    keyword = before = last = ""
    end = 0
    for token in _TOKEN.finditer(text):
        end = token.end()
        last, before = token.group(), last
        if token["string"] and (len(last) == 1 or last[-1] != last[0]):
            return Place(last[1:], True, open_calls[-1][0], keyword)
        if last in ("(", "[", "{"):
            open_calls.append((before if last == "(" and _is_name(before) else before + last, keyword))
            keyword = "" if last == "(" else "["
        elif last in (")", "]", "}") and len(open_calls) > 1:
            keyword = open_calls.pop()[1]
        elif last == "=":
            keyword = before
        elif last == "," and keyword != "[":
            keyword = ""
    word = last if end == len(text) and _is_name(last) else ""
    return Place(word, False, open_calls[-1][0], keyword)


def _is_name(token: str) -> bool:
    return bool(token) and (token[0].isalpha() or token[0] == "_")


class Ports:
    """The MIDI ports, listed by a thread of their own: a sound server that hangs must not hold the prompt."""

    def __init__(self, listed: Callable[[], list[str]] = ports.outputs) -> None:
        self._list_them = listed
        self._names: list[str] = []
        self._listed = -PORTS_KEPT
        self._thread: threading.Thread | None = None

    def names(self) -> list[str]:
        """What is known within a quarter of a second."""
        if time.monotonic() - self._listed > PORTS_KEPT and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._list, name="livecode ports", daemon=True)
            self._thread.start()
        if self._thread is not None:
            self._thread.join(PORTS_WITHIN)
        return self._names

    def _list(self) -> None:
        try:
            self._names, self._listed = self._list_them(), time.monotonic()
        except Exception:  # whatever a driver does, Tab goes on with what it knew
            self._listed = time.monotonic()


class Matcher:
    """Offers names for a place in a cell. Asks no engine: parts and outputs are those of the last report."""

    def __init__(self, sight: Callable[[], Sight], namespace: Mapping[str, Any]) -> None:
        self._sight, self._names = sight, namespace
        self._ports = Ports()
        self._inputs_there = Ports(sources.inputs)
        self._by_keyword: dict[str, Callable[[], Iterable[str]]] = {
            "program": lambda: PROGRAMS,
            "soundfont": soundfonts.available,
            "output": self._outputs,
            "port": self._ports.names,
            "on": lambda: [moment.value for moment in On],
            "engine": lambda: get_args(Engine),
            "primer": lambda: ["last"],
            "api": ports.apis,
            "meter": lambda: METERS,
            "key": _keys,
            "to": self._targets,
            "encoder": lambda: [name for name in ENCODERS if name],
            "feedback": self._outputs,
        }
        self._first_of: dict[str, Callable[[], Iterable[str]]] = {
            "midi": self._ports.names,
            "synth": self._ports.names,
            "latency": self._outputs,
            "calibrate": self._outputs,
            "cc": self._controls,
            "clock": self._outputs,
            "input": self._inputs_there.names,
            "thru": self._inputs,
            "respond_to": self._inputs,
            "prime": lambda: [*self._parts(), *self._inputs()],
            "follow": lambda: [*self._parts(), *self._inputs()],
            "grab": lambda: [*self._parts(), *self._inputs()],
            "part": self._parts,
            "takes": self._parts,
            "parts[": self._parts,
            "to_scale": _keys,
            "scene": self._scenes,
            "store": self._scenes,
            "map": lambda: VERBS,
            "every": lambda: VERBS,
            "controller": surfaces,
            "learn": self._targets,
            "free": lambda: ["range", "density", "voices", "channel"],
        }

    def offers(self, here: Place) -> list[str]:
        """What could stand at a place, in the order to show it."""
        if here.quoted:
            known = self._quoted(here)
            folded = here.typed.casefold()
            begin = [name for name in known if name.casefold().startswith(folded)]
            return begin + [name for name in known if folded and folded in name.casefold() and name not in begin]
        return [name for name in self._words(here) if here.typed and name.startswith(here.typed)]

    def _quoted(self, here: Place) -> list[str]:
        call = here.call.rpartition(".")[2]
        if here.keyword in ("", "model") and call in FAMILIES:
            return _models(call)
        given = here.keyword.rpartition(".")[2]
        source = self._first_of.get(call) if given in ("", "[") else self._by_keyword.get(given)
        return list(source()) if source else []

    def _words(self, here: Place) -> Iterable[str]:
        """Knobs within a call, drums within `beat`; else names of parts and of the prompt's settings."""
        if here.call and not here.keyword:
            yield from (f"{name}=" for name in self._knobs(here.call))
        if not here.call and "." not in here.typed:
            yield from (name for name in [*self._parts(), *SETTINGS] if name not in self._names)

    def _knobs(self, call: str) -> Iterable[str]:
        if call in ("beat", "lc.beat"):
            return DRUMS
        owner, _, name = call.rpartition(".")
        held = self._names.get(owner)
        kind = type(held) if isinstance(held, Stage | PartHandle) else held if inspect.ismodule(held) else None
        function = getattr(kind, name, None) if owner else self._names.get(name)
        if not getattr(function, "__module__", "").startswith("livecode."):
            return []
        known = inspect.signature(function).parameters.values() if callable(function) else []
        return [
            each.name for each in known if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD) and each.name != "self"
        ]

    def _parts(self) -> list[str]:
        report = self._sight().report
        return [part.name for part in report.snapshot.parts] if report else []

    def _targets(self) -> list[str]:
        """What controllers can turn."""
        return [*STAGE_KNOBS, *(f"{part}.{knob}" for part in self._parts() for knob in PART_KNOBS)]

    def _controls(self) -> list[str]:
        """MIDI's names, after those of the parts' instruments."""
        report = self._sight().report
        own = [name for part in report.snapshot.parts for name in part.names] if report else []
        return list(dict.fromkeys([*own, *NAMES]))

    def _scenes(self) -> list[str]:
        report = self._sight().report
        return list(report.snapshot.scenes) if report else []

    def _inputs(self) -> list[str]:
        report = self._sight().report
        return [each.name for each in report.inputs] if report else []

    def _outputs(self) -> list[str]:
        report = self._sight().report
        return [output.name for output in report.outputs] if report else []


def _keys() -> Iterable[str]:
    return (f"{tonic} {scale}" for tonic in TONICS for scale in SCALES)


def _models(family: str) -> list[str]:
    """Names that a model function takes: the bundles that come along first."""
    official = [PREFIX + name for name, owner in CATALOGUE.items() if owner == family]
    return [config for config in FAMILIES[family] if config in BUILT_IN] + official


def matcher(words: Matcher) -> Callable[[Any], Any]:
    """The same for IPython: to be appended to its completer's `custom_matchers`."""
    from IPython.core.completer import SimpleCompletion, context_matcher  # is loaded by whoever calls this

    @context_matcher()  # type: ignore[untyped-decorator]
    def livecode_matcher(context: Any) -> dict[str, Any]:
        lines = [*context.full_text.split("\n")[: context.cursor_line], context.text_until_cursor]
        if (script := SCRIPTS.search("\n".join(lines))) is not None:
            files = [SimpleCompletion(text=path, type="path") for path in scripts(script[1])]
            return {"completions": files, "matched_fragment": script[1], "suppress": True, "ordered": True}
        here = place("\n".join(lines))
        completions = [SimpleCompletion(text=name, type="name" if here.quoted else "param") for name in words.offers(here)]
        suppress = here.quoted and bool(completions)
        return {"completions": completions, "matched_fragment": here.typed, "suppress": suppress, "ordered": True}

    return livecode_matcher  # type: ignore[no-any-return]

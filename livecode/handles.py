"""What a performer holds of a stage: its parts. Every word here becomes a command."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NoReturn, Protocol

import msgspec

from .commands import (
    Act,
    Action,
    Adjust,
    Assign,
    Equip,
    Fade,
    InKey,
    Mute,
    Nudge,
    On,
    PartState,
    Pick,
    Plain,
    Play,
    Propose,
    Rest,
    Route,
    Shape,
    Snapshot,
    Solo,
    Thru,
    Tread,
    TurnKnob,
    Undo,
)
from .controls import BEND, named, nrpn, resolved, rpn
from .controls import fine as fine_control
from .dials import Bend, Dial
from .errors import BadInput, UnknownName, UnknownWord
from .errors import named as given
from .gm import PROGRAMS
from .instruments import Instrument
from .models.wire import Model
from .music import Phrase, Plot, pitch_name
from .played import InputHandle, Told, source_name
from .played import prime as prime_command
from .played import respond as respond_command
from .played import thru as thru_command
from .shown import Answer, Choice, part_line
from .transforms import VERBS, Transform, Turn, said
from .typed import adjusted, bars_of, key_name


class Home(Told, Protocol):
    """The stage that a part belongs to."""

    def snapshot(self) -> Snapshot:
        """What is so, as a value."""
        ...

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded."""
        ...

    def candidates(self, part: str) -> Choice:
        """What the part's model has proposed."""
        ...

    def own(self, function: Callable[[Phrase], Phrase]) -> Transform:
        """A function of the performer's as a transform."""
        ...


class Strict:
    """Refuses to take attributes that do not exist: on stage, a typo must not pass in silence."""

    def __setattr__(self, name: str, value: object) -> None:
        kind = type(self)
        settable = [known for known in dir(kind) if getattr(getattr(kind, known), "fset", None)]
        if not name.startswith("_") and name not in settable:
            raise UnknownWord.of("setting", name, settable)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownWord.of("word", name, [known for known in dir(type(self)) if known[0] != "_"])


def _setting(name: str, default: float | None, shown: Callable[[float], object] = lambda value: value) -> property:
    """A setting of a part that reads and is set like an attribute: lead.gain = 0.8."""

    def read(part: "PartHandle") -> object:
        value = part.state().settings.get(name)
        return default if value is None else shown(value)

    def write(part: "PartHandle", value: Any) -> None:
        part.set(**{name: value})

    return property(read, write, doc=f"The part's {name}, as `PartHandle.set` takes it; setting it takes effect now.")


class PartHandle(Strict):
    """One voice of a stage. `part >> phrase` plays one's own notes, `part >> model` plays a model."""

    def __getattr__(self, name: str) -> Any:
        if name in VERBS:
            own = f"{self._name}.map({name!r}, ...)"
            raise UnknownWord(f"{name} is a word of phrases: say {own} to have it done with every loop of {self._name}.")
        return super().__getattr__(name)

    gain = _setting("gain", 1.0)
    pan = _setting("pan", 0.0)
    channel = _setting("channel", None, lambda channel: int(channel) + 1)
    program = _setting("program", None, lambda program: PROGRAMS[int(program)])
    density = _setting("density", None)
    voices = _setting("voices", None, int)

    @property
    def temperature(self) -> float | None:
        """How wildly its model draws, 0.01 to 10; None without a model. Setting it counts from the model's next bars on."""
        return self.state().temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._stage.tell(TurnKnob(part=self._name, knob="temperature", value=value))

    @property
    def nudge(self) -> float:
        """How many ms later (earlier, if negative) the part sounds than its beats say, -100 to 100; the tape keeps the beats."""
        return float(self.state().settings.get("nudge", 0.0))

    @nudge.setter
    def nudge(self, ms: float) -> None:
        self._stage.tell(Nudge(part=self._name, ms=ms))

    def cc(self, control: int | str, *, fine: bool = False) -> Dial:
        """A control of its synth, by number or name: lead.cc("cutoff").to(90, bars=4), lead.cc(74).to(100).

        Names are MIDI's (cutoff, resonance, attack, release, modulation, expression, reverb, chorus, bend_range and more), and
        those that `stage.synth(names=...)` gave. fine: with the controller 32 above as its fine half, 0 to 16383; controllers 1
        to 31 have one: lead.cc("modulation", fine=True).to(16383, bars=8). Raises BadInput or UnknownName.
        """
        known = named(control, self.state().names if isinstance(control, str) else {})
        if known == BEND:
            return self.bend
        said = fine_control(known) if fine else control if isinstance(control, str) else known
        return Dial(self._name, said, self._stage.tell, self._control)

    def nrpn(self, high: int, low: int, *, fine: bool = False) -> Dial:
        """A numbered parameter of its synth by its two halves, 0 to 127 each: lead.nrpn(1, 8).to(64).

        fine: its values have 14 bits, 0 to 16383. Raises BadInput.
        """
        return Dial(self._name, nrpn(high, low, fine=fine), self._stage.tell, self._control)

    def rpn(self, high: int, low: int, *, fine: bool = False) -> Dial:
        """A registered parameter: lead.rpn(0, 0).to(12) is lead.cc("bend_range").to(12). Raises BadInput."""
        return Dial(self._name, rpn(high, low, fine=fine), self._stage.tell, self._control)

    @property
    def bend(self) -> Bend:
        """Its pitch bend, -1 to 1: lead.bend.to(1, bars=1), lead.bend.to(0)."""
        return Bend(self._name, BEND, self._stage.tell, self._control)

    def _control(self, control: int | str) -> int | None:
        state = self.state()
        return state.controls.get(resolved(control, state.names))

    @property
    def key(self) -> str:
        """Its own key, "" for the stage's: lead.key = "C dorian". What its model makes from the next bar on comes into it."""
        return self.state().key

    @key.setter
    def key(self, key: str | None) -> None:
        self._stage.tell(InKey(part=self._name, key=key_name(key)))

    @property
    def output(self) -> str:
        """The name of the output it plays on, "" for the stage's own synthesizer; setting it takes effect now.

        Set to an instrument, its channel and program hold, too: lead.output = stage.synth("Digitone", channel=3).
        """
        return self.state().output

    @output.setter
    def output(self, name: str | Instrument) -> None:
        if isinstance(name, Instrument):
            self._stage.tell(Equip(part=self._name, instrument=name))
            return
        if not isinstance(name, str):
            raise BadInput(f'output={name!r} is no output: give the name of one, or "" for the stage\'s own synthesizer.')
        self._stage.tell(Route(part=self._name, output=name))

    @property
    def range(self) -> tuple[str, str]:
        """The lowest and the highest pitch that its model may play; setting it takes effect with the next bars."""
        settings = self.state().settings
        return pitch_name(int(settings.get("low", 0))), pitch_name(int(settings.get("high", 127)))

    @range.setter  # noqa: A003
    def range(self, span: tuple[int | str, int | str]) -> None:
        self.set(range=span)

    def __init__(self, stage: Home, name: str) -> None:
        self._name = name
        self._stage = stage

    @property
    def name(self) -> str:
        """The name it is called by."""
        return self._name

    def state(self) -> PartState:
        """What the part does, as a value."""
        return next(part for part in self._stage.snapshot().parts if part.name == self._name)

    def __rshift__(self, what: Phrase | Model) -> "PartHandle":
        """Play notes or a model from the end of the loop on; what sounds goes on until then. Raises BadInput."""
        if isinstance(what, Phrase):
            self._stage.tell(Play(part=self._name, phrase=what))
        elif isinstance(what, Model):
            self._stage.tell(Assign(part=self._name, model=what))
        else:
            raise BadInput(
                f"{self._name} cannot play {given(what)}: "
                "give it notes('C4 E4 . G4'), beat(kick='x...'), drums_rnn() or melody_rnn()."
            )
        return self

    def play(self, what: Phrase, *, on: str = "loop") -> Answer:
        """Play notes, as `>>` does, from another moment on than the end of the loop. Raises BadInput.

        >>> from livecode import Stage, notes
        >>> with Stage(offline=True) as stage:
        ...     stage.part("lead").play(notes("C4 E4"), on="bar")
        lead: plays 1/2 bar from bar 1
        """
        if not isinstance(what, Phrase):
            raise BadInput(f"{self._name} cannot play {given(what)} on={on!r}: give it a phrase; models go to it with >>.")
        return self._stage.tell(Play(part=self._name, phrase=what, on=On.of(on)))

    def _not_this_way(self, what: object) -> NoReturn:
        raise BadInput(f"Notes and models go to a part with two arrows: {self.name} >> {given(what)}.")

    __lshift__ = __gt__ = __lt__ = _not_this_way

    def loop(self, *, on: str = "loop") -> Answer:
        """Repeat the current bars; after a stop, what last sounded."""
        return self._act(Action.LOOP, on)

    def generate(self, *, on: str = "loop") -> Answer:
        """New bars from the model every loop, continuing from what just played."""
        return self._act(Action.GENERATE, on)

    def generate_once(self, *, on: str = "loop") -> Answer:
        """New bars once, then loop them."""
        return self._act(Action.GENERATE_ONCE, on)

    def reset(self, *, on: str = "loop") -> Answer:
        """Empty bars, then loop them."""
        return self._act(Action.RESET, on)

    def reset_generate(self, *, on: str = "loop") -> Answer:
        """Empty bars, then new bars once from nothing, then loop them."""
        return self._act(Action.RESET_GENERATE, on)

    def stop(self, *, on: str = "loop") -> Answer:
        """Stop at the end of the loop."""
        return self._act(Action.STOP, on)

    def thru(
        self,
        source: InputHandle | str,
        *,
        channel: int | None = None,
        range: tuple[int | str, int | str] | None = None,  # noqa: A002
        transpose: int = 0,
    ) -> Answer:
        """What is played on this input sounds as this part's, at once, on its output and channel: lead.thru("KeyStep").

        channel: hear only this one of the input's, 1 to 16; None hears all. range: only these keys, such as ("C3", "B4").
        transpose: by so many semitones. Said again, it replaces; `unthru` ends it. While the part is muted, or another is solo,
        nothing sounds. Raises BadInput or UnknownName.
        """
        return self._stage.tell(thru_command(self._name, source, channel=channel, span=range, transpose=transpose))

    def respond_to(
        self,
        source: InputHandle | str,
        *,
        bars: int | None = None,
        until: Rest | Tread | None = None,
        continuous: bool = False,
        on: str = "bar",
    ) -> Answer:
        """Answer what is played on this input: listen for `bars` bars, 2 if nothing else is said, and play as many from the
        model, which continues them.

        A call begins in the bar of its first note; silence is not answered. until, instead of bars: listen until `rest(1)`, a
        beat in which nothing sounds, or until the sustain pedal goes down after the first note, `pedal()`; the answer begins on
        the next bar line and is as long as the call. continuous: listen while it answers, so that answers overlap calls. An
        answer that comes too late leaves a bar silent. On a stage where nothing plays yet, time begins with the first note. It
        goes on until the part is told something else, such as `loop` or `stop`; another model answers from its next call on.
        Raises BadInput or UnknownName.
        """
        command = respond_command(self._name, source, bars=bars, until=until, continuous=continuous)
        return self._stage.tell(msgspec.structs.replace(command, on=On.of(on)))

    def prime(self, source: "InputHandle | PartHandle | str | None" = None, *, bars: int = 2) -> Answer:
        """Have its model continue what this part or input sounded last, `bars` bars of it; None: its own bars again.

        Heard from the next request on, without waiting for anybody to play: drums.prime(keys). Where nothing sounded, its own
        bars are continued. Drums hear the rhythm of notes: below C4 the kick, else the snare. Raises BadInput or UnknownName.
        """
        return self._stage.tell(prime_command(self._name, source, bars=bars, generate=False))

    def follow(self, source: "InputHandle | PartHandle | str", *, bars: int = 2) -> Answer:
        """New bars every loop, which continue what this part or input sounded last: as `prime` and `generate`."""
        return self._stage.tell(prime_command(self._name, source, bars=bars, generate=True))

    def unthru(self, source: InputHandle | str | None = None) -> Answer:
        """What is played on this input (None: on any) no longer sounds as this part's."""
        name = "" if source is None else source_name(source)
        return self._stage.tell(Thru(part=self._name, input=name, off=True))

    def candidates(self, n: int | None = None) -> Choice:
        """Have its model make `n` candidates for its next bars, 1 to 64, and show them; None shows those that were made last.

        What sounds goes on. The same stage seed gives the same candidates. Raises BadInput, and ModelRefused if they have not
        come within five seconds.

        >>> import livecode as lc
        >>> with lc.Stage(offline=True, seed=7) as stage:
        ...     lead = stage.part("lead") >> lc.melody_rnn(bars=1, primer=None)
        ...     len(lead.candidates(3)), lead.pick(2)
        (3, lead: plays 1 bar from bar 1)
        """
        if n is not None:
            self._stage.tell(Propose(part=self._name, n=n))
        return self._stage.candidates(self._name)

    def pick(self, number: int, *, on: str = "loop") -> Answer:
        """Play the candidate of this number, counted from 1, from the end of the loop on, and loop it. Raises BadInput."""
        return self._stage.tell(Pick(part=self._name, number=number, on=On.of(on)))

    def map(self, *transforms: Transform | Callable[[Phrase], Phrase] | str | float, on: str = "loop") -> Answer:
        """Do this with every loop, from the end of this one on: lead.map(transpose(12)), lead.map("reverse"), lead.map(f).

        Several are done one after the other; what `map` and `every` were told before stays, but for the same verbs, which get
        the new arguments. It holds for one's own notes and for a model's; the model goes on from its own, untransformed.
        `plain` takes all off. Raises BadInput.

        A function of your own is given each loop's phrase, one loop ahead, and gives another. It runs in this process; if it is
        late, raises or gives nonsense, or if this process is gone, what it gave last goes on.

        >>> from livecode import Stage, notes, transpose
        >>> with Stage(offline=True) as stage:
        ...     lead = stage.part("lead") >> notes("C4 E4")
        ...     lead.map(transpose(12)), stage.run(bars=1), stage.tape.onsets()[:2]
        (lead: transpose(12) from bar 1, ran to bar 2, [(0.0, 'C5'), (1.0, 'E5')])
        """
        return self.every(1, *transforms, on=on)

    def every(self, n: int, *transforms: Transform | Callable[[Phrase], Phrase] | str | float, on: str = "loop") -> Answer:
        """Do this with every n-th loop only: lead.every(4, reverse()), lead.every(8, "slice", 0, 1). As `map` in all else.

        Loops are counted as if this one had played since the music began: with a loop of one bar, every fourth is bar 4, 8, 12;
        with one of two bars it is bars 7 and 8, 15 and 16. So parts turn together. Raises BadInput.
        """
        turn = Turn(said(transforms, self._stage.own), n)
        return self._stage.tell(Shape(part=self._name, turn=turn, on=On.of(on)))

    def plain(self, *, on: str = "loop") -> Answer:
        """Take off all that `map` and `every` do, at the end of the loop."""
        return self._stage.tell(Plain(part=self._name, on=On.of(on)))

    def keep(self, *, on: str = "loop") -> Phrase:
        """Hold what sounds now, with all that transforms have made of it, as the part's own loop; returns it as a phrase.

        The transforms end there, for they are in it. Raises BadInput if nothing has sounded yet.
        """
        takes = self.takes
        if not takes:
            raise BadInput(f"{self._name} has played nothing yet that could be kept: give it notes or a model first.")
        self._stage.tell(Play(part=self._name, phrase=takes[-1], plain=True, on=On.of(on)))
        return takes[-1]

    def mute(self, *, on: str = "now") -> Answer:
        """Silence the part; it goes on underneath."""
        return self._stage.tell(Mute(part=self._name, muted=True, on=On.of(on)))

    def unmute(self, *, on: str = "now") -> Answer:
        """Let the part be heard again, where it is by now."""
        return self._stage.tell(Mute(part=self._name, muted=False, on=On.of(on)))

    def solo(self, *, on: str = "now") -> Answer:
        """Hear only the parts in solo."""
        return self._stage.tell(Solo(part=self._name, soloed=True, on=On.of(on)))

    def unsolo(self, *, on: str = "now") -> Answer:
        """Let this part out of solo."""
        return self._stage.tell(Solo(part=self._name, soloed=False, on=On.of(on)))

    def undo(self, *, on: str = "loop") -> Answer:
        """Take back the last command to this part: what it plays from the end of the loop on, how it sounds now.

        Again and again, up to the beginning. The bars that models have made are no commands. Raises BadInput.

        >>> from livecode import Stage, notes
        >>> with Stage(offline=True) as stage:
        ...     lead = stage.part("lead") >> notes("C4 E4 G4 .")
        ...     lead.mute(), lead.undo(), lead.redo()
        (lead: muted now, lead: 'muted now' is undone from bar 1, lead: 'muted now' is redone from bar 1)
        """
        return self._stage.tell(Undo(part=self._name, on=On.of(on)))

    def redo(self, *, on: str = "loop") -> Answer:
        """Take back the last undo of this part; a new command to it ends that. Raises BadInput."""
        return self._stage.tell(Undo(part=self._name, redo=True, on=On.of(on)))

    def take(self, number: int, *, on: str = "loop") -> Answer:
        """Play one of its takes and hold it: -1 is the loop before this one, -2 the one before that; 1 is the first of all.

        A take is what sounded: the part's transforms are in it, and end. Raises BadInput.
        """
        takes = self.takes
        known = [*range(-len(takes) + 1, 0), *range(1, len(takes) + 1)]
        if isinstance(number, bool) or number not in known:
            there = f"give -1 to {1 - len(takes)}, or 1 to {len(takes)}" if len(takes) > 1 else "it has not changed its notes yet"
            raise BadInput(f"{self._name} has no take {number!r}: {there}.")
        return self._stage.tell(Play(part=self._name, phrase=takes[number - 1], plain=True, on=On.of(on)))

    def grab(self, bars: float = 8) -> Phrase:
        """What this part has played in the last `bars` whole bars, as a phrase: to loop, to work on, to give to a model.

        Raises BadInput if it played nothing there.
        """
        return self._stage.grab(bars, self._name)

    def plot(self, bars: float = 8) -> Plot:
        """The full picture of what this part has played in the last `bars` whole bars. Raises BadInput if that is nothing."""
        return self.grab(bars).plot()

    def fade(self, level: float, *, bars: float = 1, on: str = "bar") -> Answer:
        """Bring the level there evenly over `bars` bars, from the next bar on: 0 is silent, 1 is as loud as the gain says."""
        return self._stage.tell(Fade(part=self._name, level=level, bars=bars_of(bars, least=0), on=On.of(on)))

    def fade_out(self, *, bars: float = 4, on: str = "bar") -> Answer:
        """Fade to silence; the part goes on underneath."""
        return self.fade(0, bars=bars, on=on)

    def fade_in(self, *, bars: float = 4, on: str = "bar") -> Answer:
        """Fade back to as loud as the gain says."""
        return self.fade(1, bars=bars, on=on)

    def set(
        self,
        *,
        gain: float | None = None,
        pan: float | None = None,
        channel: int | None = None,
        program: int | str | None = None,
        bank: int | tuple[int, int] | None = None,
        cc: Mapping[int, int] | None = None,
        range: tuple[int | str, int | str] | None = None,  # noqa: A002
        density: Fraction | float | str | None = None,
        voices: int | None = None,
    ) -> Answer:
        """Set what is given, now.

        gain: 0 to 1.6, 1 as it comes. pan: -1 left to 1 right. channel: 1 to 16. program: a General MIDI name or number (1
        to 128). bank: the one that the program is of, as controller 0 selects it, or a pair for controllers 0 and 32. cc:
        other MIDI controllers by number, cc={74: 100}. range and density limit what a model may play from its next bars on:
        range=("C3", "C5") folds octaves in, density=2 keeps two notes a beat on the whole, those on the strongest beats.
        voices: how many notes may sound at once, 1 to 128: the oldest ends for one too many. Raises BadInput or UnknownName.
        """
        return self._stage.tell(
            adjusted(
                self._name,
                gain=gain,
                pan=pan,
                channel=channel,
                program=program,
                bank=bank,
                cc=cc,
                span=range,
                density=density,
                voices=voices,
            )
        )

    def free(self, *limits: str) -> Answer:
        """Lift limits again: free("range"), free("density"), or both with free(); free("voices"). free("channel"): back to the
        part's own. Raises BadInput.
        """
        names = {"range": ("low", "high"), "density": ("density",), "voices": ("voices",), "channel": ("channel",)}
        for limit in limits:
            if limit not in names:
                raise BadInput(f"{limit!r} is no limit: say 'range', 'density', 'voices' or 'channel'.")
        lifted = frozenset(name for limit in limits or ("range", "density") for name in names[limit])
        return self._stage.tell(Adjust(part=self._name, free=lifted))

    @property
    def takes(self) -> tuple[Phrase, ...]:
        """Every phrase of this part that sounded, oldest first."""
        return self._stage.takes(self._name)

    def _act(self, action: Action, on: str) -> Answer:
        return self._stage.tell(Act(part=self._name, action=action, on=On.of(on)))

    def __repr__(self) -> str:
        report = self._stage.report()
        mine = (part for part in report.snapshot.parts if part.name == self._name)
        return next((part_line(part, report) for part in mine), f"{self._name}:")


class Parts(dict[str, "PartHandle"]):
    """The parts by name. A name that no part has is refused with the closest."""

    def __missing__(self, name: object) -> NoReturn:
        raise UnknownName.of("part", name, self)

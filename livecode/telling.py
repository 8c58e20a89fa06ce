"""What a part is told: commands that are about one part become what it does, and a sentence for the performer."""

from fractions import Fraction

from .asking import Asking
from .commands import (
    Act,
    Action,
    Adjust,
    Assign,
    Capture,
    CountIn,
    Declare,
    Equip,
    Fade,
    InKey,
    Nudge,
    Plain,
    Play,
    Prime,
    Propose,
    Respond,
    Route,
    Shape,
    Sweep,
    Thru,
    ToPart,
    TurnKnob,
)
from .controls import shown, spelt
from .errors import BadInput
from .jamming import Jamming
from .music import Beats, counted
from .parts import Part
from .plan import Plan
from .states import length_of, when


class Telling:
    """Tells parts what performers say to them."""

    def __init__(self, plan: Plan, jamming: Jamming, asking: Asking) -> None:
        self._plan, self._jamming, self._asking, self.time = plan, jamming, asking, plan.time

    def tell(self, part: Part, command: ToPart, now: Beats, at: Beats) -> str:
        """Have this so from beat `at` on; `now` is the first that can be reached. Returns a sentence. Raises BadInput."""
        if isinstance(command, Thru | Respond | Prime | Capture):
            return self._jamming.tell(part, command, now, at)
        match command:
            case Declare():
                return "ready"
            case Play(phrase=phrase):
                part.play(phrase, at, plain=command.plain)
                return f"plays {length_of(phrase.length, at, self.time)} from {self.time.place(at)}"
            case Assign() | Propose():
                return self._engage(part, command, now)
            case Act(action=action):
                return self._act(part, action, now, at)
            case Route() | Equip() | Nudge() | Fade() | Sweep() | TurnKnob():
                return self._instruct(part, command, at)
            case Shape() | Plain() | InKey():
                return self._turn(part, command, at)
            case CountIn(phrase=phrase, bars=bars):
                end = at + bars * self.time.bar(at)
                part.count_in(phrase, at, end, self.time.bar(at))
                self._asking.first = self._asking.first if at else end
                return f"counts {counted(Fraction(bars), 'bar')} from {self.time.place(at)}"
            case Adjust():
                part.adjust(command, at)
                return f"{command.words()} {when(command.on, at, self.time)}"
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _instruct(self, part: Part, command: Route | Equip | Nudge | Fade | Sweep | TurnKnob, at: Beats) -> str:
        """Which instrument it plays, and how that sounds."""
        match command:
            case Route(output=output):
                name = self._plan.output_named(output)
                part.equip(None, name, at)
                return f"goes to {name or 'the synthesizer'} {when(command.on, at, self.time)}"
            case Equip(instrument=instrument):
                part.equip(instrument, self._plan.output_named(instrument.output), at)
                return f"plays on {instrument} {when(command.on, at, self.time)}"
            case Nudge(ms=ms):
                part.settings["nudge"] = ms
                return f"sounds {abs(ms):g} ms {'earlier' if ms < 0 else 'later'} than its beats" if ms else "sounds on its beats"
            case Fade(level=level, bars=bars):
                part.fade(level, at, bars * self.time.bar(at))
                return f"fades to {level:g} from {self.time.place(at)} over {counted(bars, 'bar')}"
            case Sweep(bars=bars):
                return self._sweep(part, command, at, bars)
            case TurnKnob(knob=knob, value=value):
                return f"{part.turn_knob(knob, value, at)} {when(command.on, at, self.time)}"

    def _sweep(self, part: Part, command: Sweep, at: Beats, bars: Fraction) -> str:
        control = part.control(command.control)
        command.check(control)
        part.sweep(control, command, at, bars * self.time.bar(at))
        over = f" over {counted(bars, 'bar')}" if bars else ""
        own = f" ({command.control})" if command.control in (part.instrument.names if part.instrument else {}) else ""
        value = shown(control, command.value)
        return f"{spelt(control)}{own} {'goes to' if bars else 'set to'} {value} {when(command.on, at, self.time)}{over}"

    def _turn(self, part: Part, command: Shape | Plain | InKey, at: Beats) -> str:
        match command:
            case Shape(turn=turn):
                return f"{turn} from {self.time.place(part.turn(turn, at))}"
            case Plain():
                part.plain(at)
                return f"plain from {self.time.place(at)}"
            case InKey(key=key):
                part.in_key(at, own=key)
                return f"{f'in {key}' if key else 'in no key of its own'} from {self.time.place(at)}"

    def _engage(self, part: Part, command: Assign | Propose, now: Beats) -> str:
        """Something for a model to do. That it is asked is not said here, for after a crash it is not."""
        if isinstance(command, Assign):
            part.assign(command.model, now)
            remark = command.model.remark(part.primer(now, self.time.tempo.meter_at(now).bar))
            return "; ".join(filter(None, (f"waits for {command.model.key}", "what sounds goes on", remark)))
        model = part.propose(command.n)
        return f"asks {model.key} for {counted(Fraction(command.n), 'candidate')}"

    def _act(self, part: Part, action: Action, now: Beats, at: Beats) -> str:
        match action:
            case Action.LOOP:
                part.loop(now, at)
                return f"loops from {self.time.place(at)}"
            case Action.GENERATE | Action.GENERATE_ONCE:
                part.generate(once=action is Action.GENERATE_ONCE)
                place = self.time.place(part.entry(now, self.time.tempo))
                return (
                    f"new bars every loop, from {place}"
                    if action is Action.GENERATE
                    else f"new bars once, from {place}, then loops"
                )
            case Action.RESET | Action.RESET_GENERATE:
                then_generate = action is Action.RESET_GENERATE
                part.reset(at, self._reset_length(part, at), then_generate=then_generate)
                return f"empty from {self.time.place(at)}" + (", then new bars once" if then_generate else "")
            case Action.STOP:
                part.stop(at, self.time.bar(at))
                return f"stops at {self.time.place(at)}"

    def _reset_length(self, part: Part, at: Beats) -> Beats:
        if part.model is not None:
            return part.model.bars * self.time.bar(at)
        phrase = part.phrase_at(at)
        return self.time.bar(at) if phrase is None else phrase.length

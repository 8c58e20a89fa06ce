"""What a performer holds: a stage and its parts. Every word here becomes a command to the engine."""

import atexit
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from .agenda import tempo_at
from .commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    Continue,
    CountIn,
    Declare,
    Equip,
    Fade,
    FollowClock,
    Hush,
    InKey,
    Learn,
    Map,
    Mute,
    Nudge,
    On,
    Panic,
    PartState,
    Pause,
    Pick,
    Plain,
    Play,
    Propose,
    Recall,
    Rest,
    Restart,
    Route,
    Safe,
    SendClock,
    SetKey,
    SetLatency,
    SetMeter,
    SetSwing,
    Shape,
    Snapshot,
    Solo,
    Store,
    Tempo,
    Thru,
    Tread,
    TurnKnob,
    Undo,
    UndoLast,
)
from .controls import BEND, named, nrpn, resolved, rpn
from .dials import Bend, Dial
from .ears import nearest
from .engine import LiveEngine, OfflineEngine
from .errors import BadInput, ModelRefused, UnknownName, UnknownWord
from .exports import export_file, export_stems
from .files import expanded
from .functions import Functions
from .gm import DRUM_CHANNEL, DRUMS, PROGRAMS, program_number
from .instruments import Instrument, read_names
from .journal import Story, read
from .links import LINK
from .mapping import Surface, surface
from .mapping import source as mapped_source
from .mapping import target as mapped_target
from .models.known import ModelState
from .models.wire import Model
from .music import Beats, Note, NoteEvent, Phrase, Plot, Seconds, beats, gist, pitch_name
from .notation import pitch_number
from .outputs import Output
from .outputs.fluid import GAIN
from .outputs.soundfonts import find as find_soundfont
from .outputs.tape import Tape
from .places import MAIN
from .played import InputHandle, source_name
from .played import prime as prime_command
from .played import respond as respond_command
from .played import thru as thru_command
from .protocol import Calibrate, EngineState, InputState, LogEntry, Opening, OpenInput, OpenPort, Report, Start
from .remote import RemoteEngine
from .session_cells import Cell, Cells
from .session_saving import save
from .tempo import MOST_NEEDED, Meter, Swing, Taps, TempoMap, exact_bpm
from .transforms import Transform, Turn, said
from .voicing import MOST_VOICES, Voicing, choke_groups

_CLICK = DRUMS["stick"]

CANDIDATES_IN: Seconds = 5.0
"""How long the prompt waits for candidates. Eight of four bars take 0.1 s; a bundle that must be compiled first takes 15."""


class Answer(str):
    """A sentence that shows at the prompt without quotes."""

    def __repr__(self) -> str:
        return str(self)


class Lines(tuple[str, ...]):
    """Sentences that show at the prompt one a line."""

    def __repr__(self) -> str:
        return "\n".join(self)


class Choice(tuple[Phrase, ...]):
    """Candidates, which show at the prompt one a line, with the number to pick."""

    def __repr__(self) -> str:
        return "\n".join(f"{number:2}  {gist(phrase)}" for number, phrase in enumerate(self, 1))


class Parts(dict[str, "PartHandle"]):
    """The parts by name. A name that no part has is refused with the closest."""

    def __missing__(self, name: object) -> NoReturn:
        raise UnknownName.of("part", name, self)


class _Strict:
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


class Stage(_Strict):
    """The instrument: parts on one tempo map, playing through FluidSynth, with a tape always on.

    bpm: 10 to 999 quarter notes a minute; None is 120.
    meter: such as "4/4" or "7/8"; None is 4/4.
    name: of the engine, a process of its own that plays on whatever happens here. One of that name that runs already is
      attached to, and keeps what is None here; `close` then leaves it, while a stage that started its engine ends it.
    seed: the same seed and commands give the same notes; None draws one, which the log names.
    soundfont: a name or a path (.sf2, .sf3); None is the one that always comes along.
    driver: FluidSynth's audio driver, such as "pulseaudio", "alsa", "jack", "coreaudio"; None finds one, now or later.
    gain: FluidSynth's, 0 to 10; None is 0.6. reverb, chorus: on or off; None is on, off.
    require_audio: refuse a machine without an audio device, as a named driver does.
    outputs: play to these instead of FluidSynth, in this process; [] plays to the tape, and to MIDI ports.
    patience: how many seconds a model may take for an answer before its worker is restarted; None is 30.
    linger: for how many seconds the engine plays on after every stage has vanished.
    offline: virtual time, which goes on only in `run`; for tests, notebooks and renders.
    inline: play in this process; None does so if it is offline or has outputs of its own.

    The music starts with the first notes. Making a stage opens the audio device, `close` or `with` lets it go; where there
    is none yet, a sentence says so, the tape plays, and FluidSynth as soon as there is one.
    Raises BadInput, UnknownName or OutputError.
    """

    def __init__(
        self,
        bpm: Fraction | float | str | None = None,
        *,
        meter: str | None = None,
        name: str = MAIN,
        seed: int | None = None,
        soundfont: str | Path | None = None,
        driver: str | None = None,
        gain: float | None = None,
        reverb: bool | None = None,
        chorus: bool | None = None,
        offline: bool = False,
        inline: bool | None = None,
        require_audio: bool = False,
        outputs: Sequence[Output] | None = None,
        patience: Seconds | None = None,
        linger: Seconds = 1800.0,
    ) -> None:
        if inline is False and (offline or outputs):
            raise BadInput("An engine in a process of its own can be neither offline nor given outputs: leave out inline=False.")
        opening = Opening(
            bpm=exact_bpm(120 if bpm is None else bpm),
            meter=Meter.of("4/4" if meter is None else meter),
            seed=_seed(seed),
            soundfont=str(find_soundfont(soundfont).absolute()),
            driver=driver,
            gain=_number("gain", GAIN if gain is None else gain, 0, 10),
            reverb=True if reverb is None else bool(reverb),
            chorus=bool(chorus),
            audio=outputs is None,
            require_audio=bool(require_audio),
            patience=_number("patience", 30.0 if patience is None else patience, 0.1, 3600),
        )
        linger = _number("linger", linger, 0, 10**6)
        here = offline or outputs is not None if inline is None else inline
        if offline:
            self._take_up(OfflineEngine(opening), started=True)
        elif here:
            self._take_up(LiveEngine.open(opening, outputs=outputs), started=True)
        else:
            engine, started = RemoteEngine.reach(Start(name=name, opening=opening, linger=linger))
            self._take_up(engine, started=started)
            given = {"bpm": bpm, "meter": meter, "seed": seed, "soundfont": soundfont, "driver": driver, "gain": gain}
            given |= {"reverb": reverb, "chorus": chorus, "patience": patience}
            if not started:
                self._join_in(engine, {name: getattr(opening, name) for name, value in given.items() if value is not None})
        if self._starter and (no_audio := self._engine.report().no_audio):
            print(f"livecode: {no_audio}", file=sys.stderr)  # noqa: T201

    @classmethod
    def attach(cls, name: str = MAIN) -> "Stage":
        """A stage for an engine that runs already; `close` leaves it, and the music goes on. Raises UnknownName if none does."""
        stage = cls.__new__(cls)
        stage._take_up(RemoteEngine.attach(name), started=False)
        return stage

    def _take_up(self, engine: "LiveEngine | OfflineEngine | RemoteEngine", *, started: bool) -> None:
        self._engine, self._starter = engine, started
        self._functions = Functions(engine, here=not isinstance(engine, RemoteEngine), alone=started)
        self._parts: dict[str, PartHandle] = {}
        self._taps = Taps()
        self._listener: Callable[[Answer], None] | None = None
        self._process = os.getpid()
        clock = time.monotonic if isinstance(engine, RemoteEngine) else engine.clock.now
        self._cells = Cells(clock, engine.keep_cell)
        if started:
            atexit.register(self._exit)

    def _join_in(self, engine: RemoteEngine, wished: Mapping[str, Any]) -> None:
        """Set what was asked for of the tempo of an engine that runs; refuse what cannot be changed any more."""
        for name, value in wished.items():
            if name not in ("bpm", "meter") and value != (had := getattr(engine.opening, name)):
                self.close()
                raise BadInput(
                    f"The engine that runs was opened with {name}={had!r}, not {value!r}: "
                    "stop it first (livecode stop), or give this stage another name."
                )
        here = engine.snapshot()
        print(f"livecode: attached to the engine that runs already, in bar {here.bar}.", file=sys.stderr)  # noqa: T201
        if wished.get("bpm", here.bpm) != here.bpm:
            self.tell(Tempo(bpm=wished["bpm"]))
        if str(wished.get("meter", here.meter)) != here.meter:
            self.tell(SetMeter(meter=wished["meter"]))

    # Parts

    def part(
        self,
        name: str,
        *,
        channel: int | None = None,
        program: int | str | None = None,
        bank: int | tuple[int, int] | None = None,
        cc: Mapping[int, int] | None = None,
        gain: float | None = None,
        pan: float | None = None,
        on: "Instrument | str | None" = None,
    ) -> "PartHandle":
        """The part of this name, made if there is none; what is given is set, as by `PartHandle.set`.

        on: the instrument (`stage.synth`) or the output that it plays on. Raises BadInput.
        """
        settings = _adjust(name, channel=channel, program=program, bank=bank, cc=cc, gain=gain, pan=pan)
        if name not in self._parts:
            self._engine.submit(Declare(part=name), self._cells.command())
            self._parts[name] = PartHandle(self, name)
        if on is not None:
            self._parts[name].output = on
        if settings != Adjust(part=name):
            self.tell(settings)
        return self._parts[name]

    @property
    def parts(self) -> Mapping[str, "PartHandle"]:
        """The parts by name, also those that other stages of the same engine made."""
        for part in self.snapshot().parts:
            self._parts.setdefault(part.name, PartHandle(self, part.name))
        return Parts(self._parts)

    def synth(
        self,
        name: str,
        *,
        channel: int | None = None,
        program: int | str | None = None,
        bank: int | tuple[int, int] | None = None,
        voices: int | None = None,
        chokes: Sequence[Sequence[int | str]] = (),
        names: "str | Path | Mapping[str, object] | None" = None,
        latency: float | None = None,
        api: str | None = None,
        virtual: bool = False,
    ) -> Instrument:
        """A hardware instrument for parts to play on: digi = stage.synth("Digitone", channel=3); lead.output = digi.

        name: of an output, or of a MIDI port, which is opened (`api` and `virtual` as in `midi`). channel, program, bank: as in
        `PartHandle.set`. voices: how many notes of a part it can sound at once: the oldest ends for one too many. chokes: groups
        of drums that end each other, [("hat", "open_hat")]. names: what its controls are called beside MIDI's names, a .toml file
        or a table such as {"drive": 23}. latency: see `latency`. Raises BadInput, UnknownName or OutputError.
        """
        if voices is not None and (isinstance(voices, bool) or voices not in range(1, MOST_VOICES + 1)):
            raise BadInput(f"voices={voices!r} cannot be: give how many notes may sound at once, 1 to {MOST_VOICES}.")
        limits = Voicing(voices or 0, choke_groups(chokes))
        own, settings = read_names(names), _adjust("synth", channel=channel, program=program, bank=bank)
        output = self._output(name) or self._opened(name, api=api, virtual=virtual)
        if latency is not None:
            self.latency(output, latency)
        return Instrument(
            output=output,
            channel=settings.channel,
            program=settings.program,
            bank=settings.bank,
            voicing=limits,
            names=own,
        )

    def _output(self, name: object) -> str | None:
        """The output of this name, or the only one with the name in it; None if there is none."""
        if not isinstance(name, str) or not name:
            raise BadInput(f"{name!r} names no instrument: give the name of a MIDI port, such as 'Digitone'.")
        there = [output.name for output in self.report().outputs]
        near = [output for output in there if name.casefold() in output.casefold()]
        return name if name in there else near[0] if len(near) == 1 else None

    def _opened(self, port: str | None, *, api: str | None, virtual: bool) -> str:
        """Open a port; the name of its output."""
        return self.midi(port, api=api, virtual=virtual).removeprefix("output ").partition(" is open")[0]

    def latency(self, output: str, ms: float) -> Answer:
        """Send everything to this output so many ms early, 0 to 500, for its synth sounds that late: so all sound together.

        Raises BadInput or UnknownName.
        """
        return self.tell(SetLatency(output=output, ms=ms))

    def midi(
        self, port: str | None = None, *, api: str | None = None, virtual: bool = False, latency: float | None = None
    ) -> Answer:
        """Open a MIDI output, for parts to go to: stage.midi("Digitone"); lead.output = "Digitone".

        port: a name, or an unmistakable part of it; None for the only one there is. api: one that rtmidi was built with, such
        as "jack" or "alsa"; None for any. virtual: make a port of that name, for others to connect to. latency: how many ms the
        synth there sounds late, as in `latency`. On a stage without FluidSynth, Stage(outputs=[]), parts play on the first port
        by themselves. Raises UnknownName or OutputError.
        """
        if latency is not None:
            return self.latency(self._opened(port, api=api, virtual=virtual), latency)
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage plays to the tape only: open MIDI ports on a live one, Stage().")
        if not (port is None or isinstance(port, str)) or not (api is None or isinstance(api, str)):
            raise BadInput(f"midi({port!r}, api={api!r}) names no port: give names, such as stage.midi('Digitone').")
        return self._said(self._engine.open_port(OpenPort(port=port, api=api, virtual=virtual), self._cells.command()).words)

    def clock(self, output: str, on: bool = True) -> Answer:
        """Send MIDI clock, start, stop and song position to a MIDI port that is open: stage.clock("Digitone").

        Receivers start with the music, stop at a pause, continue after it at the right place, and start anew at `restart`.
        on: False ends it. Raises UnknownName or BadInput.
        """
        if not isinstance(output, str) or not isinstance(on, bool):
            raise BadInput(f"clock({output!r}, {on!r}) names no output: give a name, such as stage.clock('Digitone').")
        return self.tell(SendClock(output=output, off=not on))

    def input(self, port: str | None = None, *, api: str | None = None, virtual: bool = False) -> InputHandle:
        """Hear a MIDI input, to play parts through it and to be answered: keys = stage.input("KeyStep"); lead.thru(keys).

        port: a name, or an unmistakable part of it; None for the only one there is. api: as for `midi`. virtual: make a port of
        that name, for others to connect to. What is played is on the tape under the input's name, from the first beat on:
        stage.grab(8, "KeyStep"). One that is heard already stays as it is. Raises UnknownName or OutputError.
        """
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage hears no MIDI: open inputs on a live one, Stage().")
        if not (port is None or isinstance(port, str)) or not (api is None or isinstance(api, str)):
            raise BadInput(f"input({port!r}, api={api!r}) names no port: give names, such as stage.input('KeyStep').")
        words = self._said(self._engine.open_input(OpenInput(port=port, api=api, virtual=virtual)).words)
        return InputHandle(self, words.removeprefix("input ").partition(" is open")[0])

    @property
    def inputs(self) -> Mapping[str, InputHandle]:
        """The inputs that are heard, by name."""
        return {state.name: InputHandle(self, state.name) for state in self.report().inputs}

    def calibrate(self, output: str, input: "InputHandle | str" = "", *, whole: bool = False) -> Answer:  # noqa: A002
        """Measure how long 16 soft notes take from this output over a cable to an input, and set the output's latency to half.

        output: a MIDI port that is open. input: one that is heard; "" for the only one. Half, because the way out and the way
        in are about alike; whole=True if the way goes through the synth, which sends on what it plays when it plays it. How long
        a synth takes from the note to the sound no cable can say: add that by ear, with `latency`. It takes two seconds; notes go
        on a channel that no part uses. Raises BadInput if they do not come back, and UnknownName.
        """
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage has no ports to measure: calibrate on a live one, Stage().")
        if not isinstance(output, str):
            raise BadInput(f"calibrate({output!r}) names no output: give the name of one, such as stage.calibrate('Digitone').")
        asked = Calibrate(output=output, input=_input_name(input), whole=bool(whole))
        return self._said(self._engine.calibrate(asked).words)

    def map(
        self,
        *,
        to: object,
        cc: int | None = None,
        note: int | str | None = None,
        channel: int | None = None,
        input: "InputHandle | str" = "",  # noqa: A002
        range: tuple[float, float] | None = None,  # noqa: A002
        pickup: bool | None = None,
        encoder: str | None = None,
        feedback: str | None = None,
    ) -> Answer:
        """Have a knob turn, or a pad do: stage.map(cc=21, to="lead.temperature"), stage.map(note="C2", to=drums.generate_once).

        cc, note: the knob's controller or the pad's key. channel, input: only there; usually any. to: 'lead.gain', pan, level,
        density, temperature, nudge, a control of its synth ('lead.cutoff', lead.cc(74)), 'bpm', 'swing'; an action without
        parentheses, drums.mute (which takes itself back when hit again) or stage.hush. range: from where to where, also
        downwards. pickup: wait until the knob has passed where things stand; usually, unless feedback= names the output where its
        light or motor is. encoder: "twos" or "offset" for endless knobs. A knob or pad has one meaning, the last given.
        Raises BadInput.
        """
        source = mapped_source(cc=cc, note=note, channel=channel, input=_input_name(input))
        target = mapped_target(to, range=range, pickup=pickup, encoder=encoder, feedback=feedback)
        return self.tell(Map(source=source, target=target))

    def learn(
        self,
        to: object,
        *,
        range: tuple[float, float] | None = None,  # noqa: A002
        pickup: bool | None = None,
        encoder: str | None = None,
        feedback: str | None = None,
    ) -> Answer:
        """Have the next knob that is moved, or pad that is hit, on any input, turn or do this: stage.learn("lead.gain").

        Arguments as for `map`. Raises BadInput.
        """
        if not self.report().inputs:
            raise BadInput('No input is heard that could have knobs: open one first, such as stage.input("nanoKONTROL2").')
        target = mapped_target(to, range=range, pickup=pickup, encoder=encoder, feedback=feedback)
        return self.tell(Learn(target=target))

    def unmap(
        self,
        *,
        cc: int | None = None,
        note: int | str | None = None,
        channel: int | None = None,
        input: "InputHandle | str" = "",  # noqa: A002
    ) -> Lines:
        """Have a knob or pad mean nothing any more, named as in `map`; without any, all of them."""
        if cc is None and note is None:
            self.tell(Learn(target=None))
            return Lines(self.tell(Map(source=source, target=None)) for source, _ in self.snapshot().bound)
        source = mapped_source(cc=cc, note=note, channel=channel, input=_input_name(input))
        return Lines([self.tell(Map(source=source, target=None))])

    @property
    def mappings(self) -> Lines:
        """What knobs and pads turn and do."""
        return Lines(f"{source}: {target}" for source, target in self.snapshot().bound)

    def controller(self, name: str | Path, *, port: str | None = None, api: str | None = None) -> "Knobs":
        """A controller that livecode knows, its input opened: nano = stage.controller("nanoKONTROL2").

        nano.map("slider 1", to="drums.gain"); nano.names says what there is. name: one of those that come along, or a .toml file
        of your own. port: the MIDI input, if it is called otherwise. Raises BadInput, UnknownName or OutputError.
        """
        known = surface(name)
        return Knobs(self, known, self.input(known.port if port is None else port, api=api).name)

    def thru(self, source: "InputHandle | str", part: "PartHandle | str", **how: Any) -> Answer:
        """What is played on this input sounds as the part's, at once: the same as `PartHandle.thru`."""
        target = part if isinstance(part, PartHandle) else self.part(part)
        return target.thru(source, **how)

    def follow_clock(self, source: "str | InputHandle | None") -> Answer:
        """Have the music follow the MIDI clock that arrives at an input: stage.follow_clock("KeyStep"). None: no more.

        The input is opened if it is not. Start puts a bar at the first tick, with all loops anew; stop pauses, continue goes
        on. The tempo cannot be set while the clock comes; where it ends, the music goes on. Raises UnknownName or OutputError.
        """
        if source is None:
            return self.tell(FollowClock(source=""))
        name = source_name(source)
        known = [state.name for state in self.report().inputs]
        return self.tell(FollowClock(source=name if nearest(name, known) else self.input(name).name))

    def link(self, on: bool = True) -> Answer:
        """Share tempo and bar lines with everybody on Ableton Link in the network. False: no more.

        Who is alone there is followed; else the music waits for the others' bar line. bpm = 128 is then everybody's tempo. Start
        and stop are one's own. It needs the extra: pip install 'livecode[link]'. Raises BadInput.
        """
        if not isinstance(on, bool):
            raise BadInput(f"link({on!r}) is neither on nor off: say stage.link() or stage.link(False).")
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage is in no network: use Link on a live one, Stage().")
        return self.tell(FollowClock(source=LINK if on else ""))

    # Time

    @property
    def bpm(self) -> float:
        """Quarter notes a minute, now, to three decimals. Setting it takes effect on the next bar."""
        return round(float(self._engine.snapshot().bpm), 3)

    @bpm.setter
    def bpm(self, bpm: Fraction | float | str) -> None:
        self.tell(Tempo(bpm=exact_bpm(bpm)))

    def ramp(self, bpm: Fraction | float | str, *, bars: float = 4, on: str = "bar") -> Answer:
        """From the next bar on, bring the tempo to `bpm` evenly over `bars` bars; 0 is at once."""
        return self.tell(Tempo(bpm=exact_bpm(bpm), bars=_bars(bars, least=0), on=On.of(on)))

    @property
    def meter(self) -> str:
        """The meter, now. Setting it takes effect on the next bar: stage.meter = "7/8"."""
        return self._engine.snapshot().meter

    @meter.setter
    def meter(self, meter: str) -> None:
        self.tell(SetMeter(meter=Meter.of(meter)))

    @property
    def swing(self) -> Swing:
        """The swing, now. Setting it takes effect on the next bar: stage.swing = 0.6, or a `Swing`."""
        return self._engine.snapshot().swing

    @swing.setter
    def swing(self, swing: Swing | float) -> None:
        if not isinstance(swing, Swing):
            swing = Swing(beats(_number("swing", swing, 0.5, 0.75)))
        self.tell(SetSwing(swing=swing))

    @property
    def key(self) -> str:
        """The key that models play in, "" for none: stage.key = "A minor". What they make from the next bar on comes into it.

        One's own notes stay as they are (lead.map(to_scale()) brings them into it), and so do drums, and what is played over
        chords. A part may have a key of its own: lead.key = "C dorian".
        """
        return self._engine.snapshot().key

    @key.setter
    def key(self, key: str | None) -> None:
        self.tell(SetKey(key=_key(key)))

    def run(self, bars: float) -> Answer:
        """Let virtual time go on by `bars` bars, as fast as it goes. Only on an offline stage. Raises BadInput."""
        if not isinstance(self._engine, OfflineEngine):
            raise BadInput("A live stage runs by itself: use Stage(offline=True) to run ahead of time.")
        self._engine.run(_after_bars(self._engine.tempo(), self._engine.snapshot().beats, _bars(bars)))
        return Answer(f"ran to bar {self._engine.snapshot().bar}")

    def perform(self, path: str | Path, *, bar: int = 1) -> Answer:
        """Play a recording (a journal: a session's .jsonl) from its bar `bar` on, to the bit as it was, without any model.

        It begins at once where nothing has been said yet, else on the next bar, beside what plays, in its own tempo and meter.
        What you say to a part takes it over, and so do tempo, meter and swing; `hush` and `panic` end it. A recorded hush, beside
        others, stops only what is performed. Raises OutputError for what is no recording, and BadInput.
        """
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage performs nothing: play the recording on a live one, Stage().")
        if not isinstance(path, str | Path) or isinstance(bar, bool) or not isinstance(bar, int) or bar < 1:
            raise BadInput(f"perform({path!r}, bar={bar!r}): give a file and a bar from 1 on, such as 'tonight.jsonl', bar=17.")
        source = expanded(path).absolute()
        recording = read(source).recording
        begin = tempo_at(recording, recording.end).line_of(bar - 1)
        return self._said(self._engine.perform(str(source), begin).words)

    def pause(self, *, on: str = "bar") -> Answer:
        """Let musical time stand still from the next bar line on; models still think."""
        return self.tell(Pause(on=On.of(on)))

    def go_on(self) -> Answer:
        """Let musical time go on from where it was paused. Raises BadInput if it was not."""
        return self.tell(Continue())

    def restart(self, *, on: str = "bar") -> Answer:
        """Begin all loops anew, together, on the next bar."""
        return self.tell(Restart(on=On.of(on)))

    def tap(self) -> Answer:
        """Tap the tempo: from the fourth call in time on, it is that of the last eight; heard from the next beat on."""
        bpm = self._taps.hit(time.monotonic())
        if bpm is None:
            return Answer(f"tap {self._taps.count} of {MOST_NEEDED}")
        return self.tell(Tempo(bpm=bpm, on=On.BEAT))

    def click(self, *, gain: float = 0.7) -> "PartHandle":
        """The part "click": a metronome in the meter that sounds now, to mute and unmute like any other.

        Call it again after the meter has changed.
        """
        return self.part("click", gain=gain) >> _clicks(Meter.of(self.meter))

    def count_in(self, bars: int = 1, *, gain: float = 0.7) -> Answer:
        """Click for so many bars, from the next bar on; what is typed meanwhile enters after them. Raises BadInput."""
        if isinstance(bars, bool) or not isinstance(bars, int):
            raise BadInput(f"bars={bars!r} is no number of bars to count: give a whole one, such as 2.")
        command = CountIn(part="count", phrase=_clicks(Meter.of(self.meter)), bars=bars)
        _adjust("count", gain=gain)  # what is wrong with it is said before anything counts
        answer = self.tell(command)
        self.part("count", gain=gain)
        return answer

    # Scenes

    def store(self, scene: str) -> Answer:
        """Keep how all parts are as a scene: notes, models, mutes, levels, sounds, transforms and the key; not the tempo.

        `stage.scene` brings it back. A scene of that name is replaced; `stage.undo` has the earlier one back. Raises BadInput.
        """
        return self.tell(Store(scene=scene))

    def scene(self, name: str, *, on: str = "bar") -> Answer:
        """Have all parts as they were when this scene was stored, from the next bar on, their loops from the beginning.

        Parts that came later fall silent; tempo, meter and swing stay. `stage.undo` takes it back. Raises UnknownName.

        >>> from livecode import Stage, notes
        >>> with Stage(offline=True) as stage:
        ...     lead = stage.part("lead") >> notes("C4 E4 G4 .")
        ...     stage.store("verse"), lead.mute(), stage.scene("verse")
        (scene verse stored: 1 part, lead: muted now, scene verse from bar 1)
        """
        return self.tell(Recall(scene=name, on=On.of(on)))

    @property
    def scenes(self) -> tuple[str, ...]:
        """The scenes that are stored, in order."""
        return self.snapshot().scenes

    # Stopping

    def safe(self) -> Answer:
        """Every part that generates loops what it has, and what its model is about to say is dropped. `stage.undo` goes back."""
        return self.tell(Safe())

    def hush(self, *, on: str = "bar") -> Answer:
        """Stop all parts, on the bar."""
        return self.tell(Hush(on=On.of(on)))

    def panic(self) -> Answer:
        """Stop all parts now, and end every note by all means."""
        return self.tell(Panic())

    def close(self, *, on: str = "now") -> None:
        """End the music, the models' worker and the audio device, now or on="bar"; safe to call twice. The tape stays.

        A stage that attached to an engine which ran already leaves it, and the music goes on: `shut_down` ends that.
        """
        if self._starter:
            self.shut_down(on=on)
            return
        if isinstance(self._engine, RemoteEngine):
            self._engine.detach()

    def shut_down(self, *, on: str = "now") -> None:
        """End the music and its engine, now or on="bar", whoever started it. On the bar, the tape is gone with it."""
        moment = On.of(on)
        if isinstance(self._engine, RemoteEngine):
            self._engine.close(moment)
        else:
            self._engine.close()
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        """Python ends: on the bar. The end of a forked child is none."""
        if self._process == os.getpid():
            self.close(on="bar")

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Looking

    def snapshot(self) -> Snapshot:
        """What was so a moment ago, as a value."""
        return self._engine.snapshot()

    def status(self) -> Lines:
        """Where the music is, what every part does and waits for, how models, outputs and the engine are."""
        report = self._engine.report()
        here = report.snapshot
        bar = f"bar {here.bar}, beat {int(here.beat)}" if here.running or here.paused else "waits for the first notes"
        bar = f"paused at {bar}" if here.paused else bar
        bar = f"closed at {bar}" if report.closed else bar
        lines = [" · ".join(filter(None, (bar, f"{round(float(here.bpm), 1):g} bpm", here.meter, here.key, here.follows)))]
        lines += [_part_line(part, report) for part in here.parts]
        lines += [f"scenes: {', '.join(here.scenes)}"] if here.scenes else []
        lines += [f"model {state}" for state in report.models]
        lines += [f"output {output}" for output in report.outputs]
        lines += [f"input {_input_line(each)}" for each in report.inputs]
        if not report.outputs:
            lines.append("output: the tape only" + (f": {report.no_audio.split(':')[0]}" if report.no_audio else ""))
        lines += [f"knob {source}: {target}" for source, target in here.bound]
        lines += [f"move a knob or hit a pad: it will be {here.learns}"] if here.learns else []
        lines += [f"engine {report.engine}"] if report.engine else []
        return Lines(lines)

    @property
    def started(self) -> bool:
        """Whether this stage started its engine, and so ends it; else it attached to one that ran already."""
        return self._starter

    @property
    def engine(self) -> EngineState | None:
        """The engine's process; None if it plays in this one."""
        return self._engine.state() if isinstance(self._engine, RemoteEngine) else None

    def log(self, last: int = 20, *, worker: bool = False) -> Lines:
        """The last sentences of what happened; with worker=True what the models' worker wrote, tracebacks among it.

        Raises BadInput.
        """
        if isinstance(last, bool) or not isinstance(last, int) or last < 1:
            raise BadInput(f"{last!r} is no number of sentences: give one such as 20.")
        return Lines(self._engine.worker_log()[-last:] if worker else (str(entry) for entry in self._engine.log()[-last:]))

    def log_entries(self) -> tuple[LogEntry, ...]:
        """What happened, as values, oldest first."""
        return self._engine.log()

    @property
    def tape(self) -> Tape:
        """Every note that sounded."""
        return self._engine.tape

    def export(self, path: str | Path, *, bars: float | None = None, part: str | None = None) -> Answer:
        """Write what has sounded, or its last `bars` bars, of all parts or of one: a .wav (through FluidSynth, faster than real
        time) or a .mid file.

        `render` is the same. Raises BadInput, UnknownName or OutputError.
        """
        return self._said(export_file(self._engine, path, bars=None if bars is None else _bars(bars), part=part))

    render = export

    def stems(self, folder: str | Path, *, bars: float | None = None) -> Answer:
        """Write what has sounded, or its last `bars` bars, as a .wav file for each part, in a new folder: stage.stems("take").

        All are equally long, and their sum is what `export` writes. Raises BadInput or OutputError.
        """
        return self._said(export_stems(self._engine, folder, bars=None if bars is None else _bars(bars)))

    def grab(self, bars: float = 8, part: str | None = None) -> Phrase:
        """What has sounded in the last `bars` whole bars, of one part or of all that are not drums, as a phrase.

        Raises BadInput if nothing has, and UnknownName for a part that there is not.
        """
        if part is not None and part not in self.parts:
            part = self._input_named(part)
        tempo = self._engine.tempo()
        end = tempo.line_before(self._engine.snapshot().beats)
        begin = max(Beats(0), end - _bars(bars) * tempo.meter_at(end).bar)
        events = self._engine.score(begin, end) if begin < end else []
        heard = [event for event in events if isinstance(event, NoteEvent) and part in (None, event.part)]
        drums = part is not None and all(note.channel == DRUM_CHANNEL for note in heard)
        notes = [
            Note(event.beat - begin, event.end_beat - event.beat, event.pitch, event.velocity)
            for event in heard
            if drums or event.channel != DRUM_CHANNEL
        ]
        if not notes:
            raise BadInput(f"{part or 'The stage'} played no notes in the last {bars:g} bars: play something first.")
        return Phrase(tuple(notes), end - begin, drums)

    def _input_named(self, name: str) -> str:
        """The input of this name, or of an unmistakable part of it. Raises UnknownName."""
        inputs = [state.name for state in self.report().inputs]
        near = nearest(name, inputs)
        if len(near) != 1:
            raise UnknownName.of("part" if not inputs else "part or input", name, near or [*self.parts, *inputs])
        return near[0]

    def undo(self) -> Answer:
        """Take back the last command to any part, or `hush`, on the bar; tempo, pause and panic stay. Raises BadInput."""
        return self.tell(UndoLast())

    def redo(self) -> Answer:
        """Take back the last undo, on the bar. Raises BadInput."""
        return self.tell(UndoLast(redo=True))

    def note(self, sentence: str) -> None:
        """Keep a sentence of your own in the log."""
        self._engine.note(sentence)

    def tell(self, command: AnyCommand) -> Answer:
        """Send a command; returns the sentence that says what comes of it. Raises what is refused."""
        return self._said(self._engine.submit(command, self._cells.command()).words)

    def cell(self, source: str) -> Cell:
        """A cell that begins now: what is said while it lasts is kept in the session under its source.

        >>> from livecode import Stage
        >>> with Stage(offline=True) as stage:
        ...     with stage.cell("lead = stage.part('lead')"):
        ...         lead = stage.part("lead")
        """
        return self._cells.begin(source)

    def save(self, path: str | Path) -> Answer:
        """Write the session so far as a script, x.py, with its recording, x.jsonl, and what it sounds like, x.mid.

        path: such as "tonight" or "sessions/tonight.py". It ends on the bar line after what was said or sounded last; the music
        goes on. All three are written, or none. Raises BadInput or OutputError.
        """
        return self._said(save(self._engine.story(), path, _rendered, now=self._engine.snapshot().beats))

    def story(self) -> Story:
        """What was said to the engine and typed at its prompts, and what its models answered, as its journal has it."""
        return self._engine.story()

    def own(self, function: Callable[[Phrase], Phrase]) -> Transform:
        """A function of your own as a transform; `PartHandle.map` and `every` take functions as they are."""
        return self._functions.transform(function)

    def listen(self, listener: Callable[[Answer], None] | None) -> None:
        """Have `listener` called with every sentence that comes of a command, in the thread that gave it; None for nobody."""
        self._listener = listener

    def _said(self, words: str) -> Answer:
        answer = Answer(words)
        if self._listener is not None:
            self._listener(answer)
        return answer

    def report(self) -> Report:
        """How the music, models, outputs and the engine are, as a value."""
        return self._engine.report()

    def model_states(self) -> tuple[ModelState, ...]:
        """The models that were asked for, and how they are."""
        return self._engine.report().models

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded, oldest first."""
        return self._engine.takes(part)

    def candidates(self, part: str) -> Choice:
        """What the part's model has proposed; waited for, but not for long. Raises ModelRefused or BadInput."""
        until, pause = time.monotonic() + CANDIDATES_IN, threading.Event()
        while (found := self._engine.candidates(part)).waits:
            if time.monotonic() > until:
                raise ModelRefused(
                    f"{part}'s candidates have not come within {CANDIDATES_IN:g} s: "
                    f"{part}.candidates() shows them once they have."
                )
            pause.wait(0.02)
        if found.trouble:
            raise ModelRefused(found.trouble)
        if not found.phrases:
            raise BadInput(f"{part} has no candidates: ask its model for some first, {part}.candidates(8).")
        return Choice(found.phrases)

    def __repr__(self) -> str:
        return repr(self.status())


def _input_name(given: "InputHandle | str") -> str:
    return given.name if isinstance(given, InputHandle) else given


class Knobs:
    """A controller with names for its knobs and pads: nano.map("slider 1", to="drums.gain")."""

    def __init__(self, stage: Stage, known: Surface, played_on: str) -> None:
        self._stage, self._known, self._input = stage, known, played_on

    @property
    def names(self) -> Lines:
        """What its knobs and pads are called."""
        return Lines(self._known.knobs)

    def map(self, knob: str, to: object, **how: Any) -> Answer:
        """Have this knob turn or this pad do something; the rest is as in `Stage.map`. Raises BadInput or UnknownName."""
        source = self._known.source(knob, self._input)
        return self._stage.tell(Map(source=source, target=mapped_target(to, **how)))

    def unmap(self, knob: str) -> Answer:
        """Have this knob or pad mean nothing any more. Raises UnknownName."""
        return self._stage.tell(Map(source=self._known.source(knob, self._input), target=None))

    def __repr__(self) -> str:
        return f"{self._known.name} on {self._input}: {len(self._known.knobs)} knobs and pads"


def _input_line(each: InputState) -> str:
    return f"{each} · through {', '.join(each.thru)}" if each.thru else str(each)


def _rendered(engine: OfflineEngine, path: Path) -> None:
    over(engine).render(path)


def over(engine: OfflineEngine) -> Stage:
    """A stage to look at what an offline engine has played, and to render it."""
    stage = Stage.__new__(Stage)
    stage._take_up(engine, started=False)
    return stage


def restored(story: Story, path: str | Path) -> Answer:
    """Save a session that is over, from its journal. Raises BadInput or OutputError."""
    return Answer(save(story, path, _rendered))


def _part_line(part: PartState, report: Report) -> str:
    marks = [f"next: {part.coming}"] if part.coming else []
    marks += [mark for mark, on in (("muted", part.muted), ("solo", part.soloed)) if on]
    marks += [f"faded to {part.level:g}" if part.level else "faded out"] if part.level < 1 else []
    marks += [f"{name} {float(value):g}" for name, value in part.settings.items() if name in ("gain", "pan", "density", "voices")]
    marks += [f"nudged {float(nudge):+g} ms"] if (nudge := part.settings.get("nudge")) else []
    low, high = (part.settings.get(name) for name in ("low", "high"))
    if (low, high) != (None, None):
        marks.append(f"{pitch_name(int(low or 0))} to {pitch_name(127 if high is None else int(high))}")
    marks += [f"in {part.key}"] if part.key else []
    marks += part.transforms
    marks += [f"on {part.output}"] if part.output else []
    resting = "" if part.doing.startswith(("generates", "listens", "answers")) else "at rest: "
    marks += [resting + part.model] if part.model else []
    state = next((f" ({state.state})" for state in report.models if str(state.key) == part.waits), "")
    marks += [f"waits for {part.waits}{state}"] if part.waits else []
    marks += [f"trouble: {part.trouble}"] if part.trouble else []
    return " · ".join([f"{part.name}: {part.doing}", *marks])


def _clicks(meter: Meter) -> Phrase:
    """A bar of clicks, the first one louder."""
    step = Beats(4, meter.unit)
    strokes = [Note(place * step, step / 2, _CLICK, 90 if place else 120) for place in range(meter.count)]
    return Phrase(tuple(strokes), meter.bar, drums=True)


def _seed(seed: int | None) -> int:
    if seed is None:
        return int.from_bytes(os.urandom(4), "big")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise BadInput(f"seed={seed!r} is no whole number from 0 to 2**63 - 1: give one such as 7, or leave it out.")
    return seed


def _setting(name: str, default: float | None, shown: Callable[[float], object] = lambda value: value) -> property:
    """A setting of a part that reads and is set like an attribute: lead.gain = 0.8."""

    def read(part: "PartHandle") -> object:
        value = part.state().settings.get(name)
        return default if value is None else shown(value)

    def write(part: "PartHandle", value: Any) -> None:
        part.set(**{name: value})

    return property(read, write, doc=f"The part's {name}, as `PartHandle.set` takes it; setting it takes effect now.")


class PartHandle(_Strict):
    """One voice of a stage. `part >> phrase` plays one's own notes, `part >> model` plays a model."""

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

    def cc(self, control: int | str) -> Dial:
        """A control of its synth, by number or name: lead.cc("cutoff").to(90, bars=4), lead.cc(74).to(100).

        Names are MIDI's (cutoff, resonance, attack, release, modulation, expression, reverb, chorus, bend_range and more), and
        those that `stage.synth(names=...)` gave. Raises BadInput or UnknownName.
        """
        if isinstance(control, str):
            named(control, self.state().names)
        return Dial(self._name, control if isinstance(control, str) else named(control, {}), self._stage.tell, self._control)

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
        self._stage.tell(InKey(part=self._name, key=_key(key)))

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

    def __init__(self, stage: Stage, name: str) -> None:
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
                f"{self._name} cannot play {what!r}: give it notes('C4 E4 . G4'), beat(kick='x...'), drums_rnn() or melody_rnn()."
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
            raise BadInput(f"{self._name} cannot play {what!r} on={on!r}: give it a phrase; models go to it with >>.")
        return self._stage.tell(Play(part=self._name, phrase=what, on=On.of(on)))

    def _not_this_way(self, what: object) -> NoReturn:
        raise BadInput(f"Notes and models go to a part with two arrows: {self.name} >> {what!r}.")

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
        bars: int = 2,
        until: Rest | Tread | None = None,
        continuous: bool = False,
        on: str = "bar",
    ) -> Answer:
        """Answer what is played on this input: listen for `bars` bars, and play as many from the model, which continues them.

        A call begins in the bar of its first note; silence is not answered. until: listen until `rest(1)`, a beat in which
        nothing sounds, or until the sustain pedal goes down, `pedal()`; the answer begins on the next bar line and is as long
        as the call. continuous: listen while it answers, so that answers overlap calls. An answer that comes too late leaves a
        bar silent. On a stage where nothing plays yet, time begins with the first note. It goes on until the part is told
        something else, such as `loop` or `stop`; another model answers from its next call on. Raises BadInput or UnknownName.
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
        (lead: muted now, lead: undone from bar 1: muted now, lead: redone from bar 1: muted now)
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
        return self._stage.tell(Fade(part=self._name, level=level, bars=_bars(bars, least=0), on=On.of(on)))

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
            _adjust(
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
        prefix = f"{self._name}:"
        return next((line for line in self._stage.status() if line.startswith(prefix)), prefix)


def _adjust(
    part: str,
    *,
    gain: float | None = None,
    pan: float | None = None,
    channel: int | None = None,
    program: int | str | None = None,
    bank: int | tuple[int, int] | None = None,
    cc: Mapping[int, int] | None = None,
    span: tuple[int | str, int | str] | None = None,
    density: Fraction | float | str | None = None,
    voices: int | None = None,
) -> Adjust:
    """The command for settings as people count them: channels and programs from 1, pitches by name."""
    if channel is not None and channel not in range(1, 17):
        raise BadInput(f"There is no channel {channel!r}: MIDI's go from 1 to 16, and 10 is for drums.")
    low, high = (None, None) if span is None else _pitches(span)
    return Adjust(
        part=part,
        gain=gain,
        pan=pan,
        channel=None if channel is None else channel - 1,
        program=None if program is None else program_number(program),
        bank=None if bank is None else _bank(bank),
        controls=_controls(cc or {}),
        low=low,
        high=high,
        density=None if density is None else beats(density),
        voices=voices,
    )


def _key(key: object) -> str:
    if key is None:
        return ""
    if not isinstance(key, str):
        raise BadInput(f"key={key!r} is no key: write a tonic and a scale, such as 'A minor', or None for none.")
    return key.strip()


def _bank(bank: object) -> tuple[int, int]:
    pair = bank if isinstance(bank, tuple | list) else (bank, 0)
    if len(pair) != 2 or not all(isinstance(number, int) for number in pair):
        raise BadInput(f"bank={bank!r} is no bank: give a number such as 8, or a pair for controllers 0 and 32 such as (121, 3).")
    return pair[0], pair[1]


def _controls(cc: object) -> Mapping[int, int]:
    if not isinstance(cc, Mapping) or not all(isinstance(number, int) for pair in cc.items() for number in pair):
        raise BadInput(f"cc={cc!r} cannot be: give controllers and their values, such as {{74: 100}}.")
    return dict(cc)


def _pitches(span: tuple[int | str, int | str]) -> tuple[int, int]:
    if not isinstance(span, tuple | list) or len(span) != 2:
        raise BadInput(f"range={span!r} is no range: give the lowest and the highest pitch, such as ('C3', 'C5').")
    low, high = (pitch_number(str(pitch)) for pitch in span)
    if low > high:
        raise BadInput(f"range={span!r} goes down: give the lowest pitch first, {(span[1], span[0])!r}.")
    return low, high


def _bars(value: float, *, least: float = 1 / 64) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not math.isfinite(value):
        raise BadInput(f"bars={value!r} is no number of bars: give one such as 4 or 0.5.")
    if value < least:
        raise BadInput(f"bars={value!r} is no length: give {'0 or more' if least == 0 else 'more than 0'}, such as 4 or 0.5.")
    return beats(value)


def _number(name: str, value: float, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not least <= value <= most:
        raise BadInput(f"{name}={value!r} is out of range: give a number from {least:g} to {most:g}.")
    return float(value)


def _after_bars(tempo: TempoMap, beat: Beats, bars: Fraction) -> Beats:
    """The beat that lies so many bars later, through changes of meter."""
    for _ in range(int(bars)):
        beat += tempo.meter_at(beat).bar
    return beat + bars % 1 * tempo.meter_at(beat).bar

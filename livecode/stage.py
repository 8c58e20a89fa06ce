"""What a performer holds first: a stage. Every word here becomes a command to the engine."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from .commands import (
    Adjust,
    AnyCommand,
    Continue,
    CountIn,
    Declare,
    FollowClock,
    Hush,
    Learn,
    Map,
    On,
    Panic,
    Pause,
    Recall,
    Restart,
    Safe,
    SendClock,
    SetKey,
    SetLatency,
    SetMeter,
    SetSwing,
    Snapshot,
    Store,
    Tempo,
    UndoLast,
)
from .engine import LiveEngine
from .errors import BadInput, EngineGone, ModelRefused, StageClosed, UnknownName
from .exports import export_file, export_stems
from .files import expanded
from .functions import Functions
from .gm import DRUM_CHANNEL, DRUMS
from .handles import PartHandle, Parts, Strict
from .instruments import Instrument, read_names
from .journal import Story
from .knobs import Knobs
from .links import LINK
from .mapping import source as mapped_source
from .mapping import surface
from .mapping import target as mapped_target
from .models.known import ModelState
from .music import Beats, Note, NoteEvent, Phrase, Seconds, counted
from .naming import nearest
from .offline import OfflineEngine
from .outputs import Output
from .outputs.fluid import GAIN
from .outputs.soundfonts import find as find_soundfont
from .outputs.tape import Tape
from .places import MAIN
from .played import InputHandle, source_name
from .protocol import Calibrate, EngineState, LogEntry, Opening, OpenInput, OpenPort, Report, Start
from .remote import RemoteEngine
from .session_cells import Cell, Cells
from .session_saving import save
from .shown import Answer, Choice, Lines, lines_of
from .tempo import MOST_NEEDED, Meter, Swing, Taps, exact_bpm
from .transforms import Transform
from .typed import adjusted, after_bars, bars_of, key_name, number, seed_of
from .voicing import MOST_VOICES, Voicing, choke_groups

_CLICK = DRUMS["stick"]

CANDIDATES_IN: Seconds = 5.0
"""How long the prompt waits for candidates. Eight of four bars take 0.1 s; a bundle that must be compiled first takes 15."""


class Stage(Strict):
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
            seed=seed_of(seed),
            soundfont=str(find_soundfont(soundfont).absolute()),
            driver=driver,
            gain=number("gain", GAIN if gain is None else gain, 0, 10),
            reverb=True if reverb is None else bool(reverb),
            chorus=bool(chorus),
            audio=outputs is None,
            require_audio=bool(require_audio),
            patience=number("patience", 30.0 if patience is None else patience, 0.1, 3600),
        )
        linger = number("linger", linger, 0, 10**6)
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

    def _take_up(self, engine: "LiveEngine | OfflineEngine | RemoteEngine", *, started: bool, alone: bool = False) -> None:
        self._engine, self._starter = engine, started
        self._functions = Functions(engine, here=not isinstance(engine, RemoteEngine), alone=started or alone)
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
        settings = adjusted(name, channel=channel, program=program, bank=bank, cc=cc, gain=gain, pan=pan)
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
        `PartHandle.set`. voices: how many notes it can sound at once, of all parts on it: the oldest ends for one too many.
        chokes: groups of drums that end each other, [("hat", "open_hat")]. names: what its controls are called beside MIDI's
        names, a .toml file or a table such as {"drive": 23}. latency: see `latency`. Raises BadInput, UnknownName or
        OutputError.
        """
        if voices is not None and (isinstance(voices, bool) or voices not in range(1, MOST_VOICES + 1)):
            raise BadInput(f"voices={voices!r} cannot be: give how many notes may sound at once, 1 to {MOST_VOICES}.")
        limits = Voicing(voices or 0, choke_groups(chokes))
        own, settings = read_names(names), adjusted("synth", channel=channel, program=program, bank=bank)
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
    ) -> Answer:
        """Have a knob or pad mean nothing any more, named as in `map`; without any, all of them."""
        if cc is not None or note is not None:
            source = mapped_source(cc=cc, note=note, channel=channel, input=_input_name(input))
            return self.tell(Map(source=source, target=None))
        here = self.snapshot()
        if here.learns:
            self.tell(Learn(target=None))
        for source, _ in here.bound:
            self._engine.submit(Map(source=source, target=None), self._cells.command())
        names = ", ".join(str(source) for source, _ in here.bound)
        return self._said(f"nothing is mapped any more: {names}" if names else "nothing was mapped")

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
        return Knobs(self.tell, known, self.input(known.port if port is None else port, api=api).name)

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
        return self.tell(Tempo(bpm=exact_bpm(bpm), bars=bars_of(bars, least=0), on=On.of(on)))

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
        self.tell(SetSwing(swing=swing if isinstance(swing, Swing) else Swing.of(number("swing", swing, 0.5, 0.75))))

    @property
    def key(self) -> str:
        """The key that models play in, "" for none: stage.key = "A minor". What they make from the next bar on comes into it.

        One's own notes stay as they are (lead.map(to_scale()) brings them into it), and so do drums, and what is played over
        chords. A part may have a key of its own: lead.key = "C dorian".
        """
        return self._engine.snapshot().key

    @key.setter
    def key(self, key: str | None) -> None:
        self.tell(SetKey(key=key_name(key)))

    def run(self, bars: float) -> Answer:
        """Let virtual time go on by `bars` bars, as fast as it goes. Only on an offline stage. Raises BadInput."""
        if not isinstance(self._engine, OfflineEngine):
            raise BadInput("A live stage runs by itself: use Stage(offline=True) to run ahead of time.")
        self._engine.run(after_bars(self._engine.tempo(), self._engine.snapshot().beats, bars_of(bars)))
        return Answer(f"ran to bar {self._engine.snapshot().bar}")

    def perform(self, path: str | Path, *, bar: int = 1) -> Answer:
        """Play a recording (a journal: a session's .jsonl) from its bar `bar` on, to the bit as it was, without any model.

        It begins at once where nothing has been said yet, else on the next bar, beside what plays, in its own tempo and meter.
        What you say to a part takes it over, and so do tempo, meter and swing; `hush` and `panic` end it, and so does performing
        something else. A recorded hush, scene, key or undo is about what is performed only; what hands played is on the tape, and
        is not heard. Raises OutputError for what is no recording, and BadInput.
        """
        if isinstance(self._engine, OfflineEngine):
            raise BadInput("An offline stage performs nothing: play the recording on a live one, Stage().")
        if not isinstance(path, str | Path) or isinstance(bar, bool) or not isinstance(bar, int) or bar < 1:
            raise BadInput(f"perform({path!r}, bar={bar!r}): give a file and a bar from 1 on, such as 'tonight.jsonl', bar=17.")
        return self._said(self._engine.perform(str(expanded(path).absolute()), bar).words)

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
        return self._ticking("click", gain) >> _clicks(Meter.of(self.meter))

    def count_in(self, bars: int = 1, *, gain: float = 0.7) -> Answer:
        """Click for so many bars, from the next bar on; what is typed meanwhile enters after them. Raises BadInput."""
        if isinstance(bars, bool) or not isinstance(bars, int):
            raise BadInput(f"bars={bars!r} is no number of bars to count: give a whole one, such as 2.")
        command = CountIn(part="count", phrase=_clicks(Meter.of(self.meter)), bars=bars)
        self._ticking("count", gain)
        return self.tell(command)

    def _ticking(self, name: str, gain: float) -> "PartHandle":
        """A part as loud as this, of which nothing is said. Raises BadInput."""
        settings = adjusted(name, gain=gain)
        ticking = self.part(name)
        self._engine.submit(settings, self._cells.command())
        return ticking

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
        return lines_of(self._engine.report())

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
        return self._said(export_file(self._engine, path, bars=None if bars is None else bars_of(bars), part=part))

    render = export

    def stems(self, folder: str | Path, *, bars: float | None = None) -> Answer:
        """Write what has sounded, or its last `bars` bars, as a .wav file for each part, in a new folder: stage.stems("take").

        All are equally long, and their sum is what `export` writes. Raises BadInput or OutputError.
        """
        return self._said(export_stems(self._engine, folder, bars=None if bars is None else bars_of(bars)))

    def grab(self, bars: float = 8, part: str | None = None) -> Phrase:
        """What has sounded in the last `bars` whole bars, of one part or of all that are not drums, as a phrase.

        Raises BadInput if nothing has, and UnknownName for a part that there is not.
        """
        if part is not None and part not in self.parts:
            part = self._input_named(part)
        tempo, wanted = self._engine.tempo(), bars_of(bars)
        end = tempo.line_before(self._engine.snapshot().beats)
        if end <= 0:
            raise BadInput("There is no whole bar to grab yet: time runs from the first notes of a part on, or stage.click().")
        begin = max(Beats(0), end - wanted * tempo.meter_at(end).bar)
        events = self._engine.score(begin, end)
        heard = [event for event in events if isinstance(event, NoteEvent) and part in (None, event.part)]
        drums = part is not None and all(note.channel == DRUM_CHANNEL for note in heard)
        notes = [
            Note(event.beat - begin, event.end_beat - event.beat, event.pitch, event.velocity)
            for event in heard
            if drums or event.channel != DRUM_CHANNEL
        ]
        if not notes:
            length = counted(bars_of(bars), "bar")
            raise BadInput(f"{part or 'The stage'} played no notes in the last {length}: play something first.")
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
        try:
            story, now = self._engine.story(), self._engine.snapshot().beats
        except (EngineGone, StageClosed) as error:
            kept = f"What was played is kept: say %save --last {path}, or type livecode restore {path} in a shell."
            raise type(error)(f"{error} {kept}") from error
        return self._said(save(story, path, _rendered, now=now))

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


def _clicks(meter: Meter) -> Phrase:
    """A bar of clicks, the first one louder."""
    step = Beats(4, meter.unit)
    strokes = [Note(place * step, step / 2, _CLICK, 90 if place else 120) for place in range(meter.count)]
    return Phrase(tuple(strokes), meter.bar, drums=True)

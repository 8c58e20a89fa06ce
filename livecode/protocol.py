"""What travels between a stage and the engine's process: frozen values as JSON, validated on arrival, never pickle.

A stage sends one request and waits for its reply. Requests are the performer's commands, and the few below; a reply is what
was asked for, or `Refused`.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import msgspec

from . import errors
from .commands import AnyCommand, Candidates, On, Snapshot
from .errands import Errand, HandIn
from .errors import LivecodeError
from .models.known import ModelState
from .models.wire import from_json, to_json
from .music import Beats, ControlEvent, Event, NoteEvent, Phrase, ProgramEvent, Seconds
from .tempo import Meter, TempoMap

VERSION = 2
"""Of these messages: both sides must have the same."""

ALREADY = "AlreadyRuns"
"""The kind of refusal with which an engine ends whose name is taken."""

LONGEST_REQUEST = 16 * 2**20
LONGEST_REPLY = 256 * 2**20
"""In bytes. The longest phrase that may be played, 4,096 beats of 128 notes, does not fit: half an hour of 16 notes a beat
does."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is opened with. `audio` False leaves FluidSynth out; `require_audio` refuses a machine without a device."""

    bpm: Fraction
    meter: Meter
    seed: int
    soundfont: str
    driver: str | None
    gain: float
    reverb: bool
    chorus: bool
    audio: bool
    require_audio: bool
    patience: Seconds


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine's process is started with. `resume` is the journal of an engine that crashed; `crashes` counts them."""

    name: str
    opening: Opening
    linger: Seconds
    resume: str = ""
    crashes: int = 0


# Requests


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first request: what this stage speaks."""

    version: int


class Perform(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Perform the recording in the file of this absolute path, from its bar `bar` on, counted from 1."""

    path: str
    bar: int


class OpenPort(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Open a MIDI output; the arguments are those of `Stage.midi`."""

    port: str | None
    api: str | None
    virtual: bool


class OpenInput(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Hear a MIDI input; the arguments are those of `Stage.input`."""

    port: str | None
    api: str | None
    virtual: bool


class Calibrate(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Measure how long notes take from this output to this input ("" the only one), and set its latency: `Stage.calibrate`."""

    output: str
    input: str
    whole: bool


LONGEST_REMARK = 1000
"""So many letters of a sentence are kept."""


class Remark(msgspec.Struct, frozen=True, tag=True):
    """Keep this sentence in the log, or as much of it as `LONGEST_REMARK` says."""

    sentence: str


class KeepCell(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Journal a cell: the fields are those of `Typed`, but for `began`, the monotonic clock's time at which it did."""

    id: str
    source: str
    began: Seconds
    error: str
    failed_at: tuple[int, int] | None = None


class ReadJournal(msgspec.Struct, frozen=True, tag=True):
    """Bring the journal up to date, and say where it is."""


class Look(msgspec.Struct, frozen=True, tag=True):
    """Say how everything is."""


class ReadLog(msgspec.Struct, frozen=True, tag=True):
    """Say what happened; or what the models' worker wrote."""

    worker: bool


class ReadTakes(msgspec.Struct, frozen=True, tag=True):
    """Say every phrase of the part that sounded."""

    part: str


class ReadCandidates(msgspec.Struct, frozen=True, tag=True):
    """Say what the part's model has proposed."""

    part: str


class ReadErrands(msgspec.Struct, frozen=True, tag=True):
    """Say what the performers' functions of these ids are asked."""

    functions: tuple[str, ...]


class ReadTempo(msgspec.Struct, frozen=True, tag=True):
    """Say the tempo map."""


class ReadTape(msgspec.Struct, frozen=True, tag=True):
    """Say what sounds in [begin, end) beats."""

    begin: Beats
    end: Beats


class ReadSettings(msgspec.Struct, frozen=True, tag=True):
    """Say which programs and controllers hold just before beat `at`, as events at these seconds."""

    at: Beats
    seconds: Seconds


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """End the engine, now or on the bar."""

    on: On


Request: TypeAlias = (
    AnyCommand
    | Hello
    | OpenPort
    | Perform
    | OpenInput
    | Calibrate
    | Remark
    | KeepCell
    | ReadJournal
    | Look
    | ReadLog
    | ReadTakes
    | ReadCandidates
    | ReadErrands
    | HandIn
    | ReadTempo
    | ReadSettings
    | ReadTape
    | Shutdown
)


class Envelope(msgspec.Struct, frozen=True):
    """A request, and its id: what is sent again with the same id, because a crash lost the reply, is not done again."""

    id: str
    request: Request


# Replies


class Welcome(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """To `Hello`: who this is, and what it was opened with.

    `no_audio` says what kept FluidSynth from playing as it should when the engine began, "" for nothing.
    """

    version: int
    pid: int
    opening: Opening
    no_audio: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """A command was taken: when it takes effect, and a sentence for the performer."""

    beat: Beats
    words: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """It was not: the name of the error, and its sentence."""

    kind: str
    sentence: str

    @classmethod
    def of(cls, error: LivecodeError) -> "Refused":
        """This error, to be raised on the other side."""
        return cls(type(error).__name__, str(error))

    def error(self) -> LivecodeError:
        """The error to raise."""
        kind = getattr(errors, self.kind, LivecodeError)
        return kind(self.sentence) if issubclass(kind, LivecodeError) else LivecodeError(self.sentence)


class EngineState(msgspec.Struct, frozen=True):
    """The engine's process, if it is one. `supervisor` is the process that watches it; `up` counts from its first start.

    `crashes` counts how often it was restarted, `clients` are the stages that are attached, `trouble` is a sentence.
    """

    name: str
    pid: int
    supervisor: int | None
    up: Seconds
    crashes: int
    clients: int
    realtime: bool | None
    trouble: str

    def __str__(self) -> str:
        said = [f"{self.name}: process {self.pid}, up {_spell(self.up)}"]
        said += [f"{self.clients} stages attached"] if self.clients > 1 else []
        said += [f"restarted {self.crashes} time{'' if self.crashes == 1 else 's'}"] if self.crashes else []
        said += [] if self.realtime is None else ["real-time priority" if self.realtime else "no real-time priority"]
        said += [self.trouble] if self.trouble else []
        return " · ".join(said)


class OutputState(msgspec.Struct, frozen=True):
    """An output: its name, its line in the status, its trouble ("" for none), and how late its sender was with 95 % of the last
    notes, None if it has no sender or has sent nothing."""

    name: str
    line: str
    trouble: str
    late: Seconds | None

    def __str__(self) -> str:
        return self.line


class InputState(msgspec.Struct, frozen=True):
    """An input: its name, its line in the status, its trouble ("" for none), and the parts that it is played through."""

    name: str
    line: str
    trouble: str
    thru: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.line


class Report(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """To `Look`: what was so a moment ago.

    `no_audio` says what keeps FluidSynth or another output from playing as it should, "" for nothing.
    """

    snapshot: Snapshot
    models: tuple[ModelState, ...]
    outputs: tuple[OutputState, ...]
    closed: bool
    no_audio: str
    engine: EngineState | None = None
    inputs: tuple[InputState, ...] = ()


class LogEntry(msgspec.Struct, frozen=True, tag=True):
    """One sentence of the log: when (Unix time), where in the music, what."""

    time: float
    bar: int
    sentence: str

    def __str__(self) -> str:
        return f"{time.strftime('%H:%M:%S', time.localtime(self.time))}  bar {self.bar}: {self.sentence}"


class Entries(msgspec.Struct, frozen=True, tag=True):
    """To `ReadLog`."""

    entries: tuple[LogEntry, ...]
    lines: tuple[str, ...]


class JournalAt(msgspec.Struct, frozen=True, tag=True):
    """To `ReadJournal`: its path, and what keeps the last lines out of it, "" for nothing."""

    path: str
    trouble: str


class Takes(msgspec.Struct, frozen=True, tag=True):
    """To `ReadTakes`."""

    phrases: tuple[Phrase, ...]


class ToDo(msgspec.Struct, frozen=True, tag=True):
    """To `ReadErrands`."""

    errands: tuple[Errand, ...]


class Tempos(msgspec.Struct, frozen=True, tag=True):
    """To `ReadTempo`."""

    tempo: TempoMap


class Page(msgspec.Struct, frozen=True, tag=True):
    """To `ReadTape` and `ReadSettings`: the events by kind, each in order."""

    notes: tuple[NoteEvent, ...]
    controls: tuple[ControlEvent, ...]
    programs: tuple[ProgramEvent, ...]

    @classmethod
    def of(cls, events: list[Event]) -> "Page":
        """These events of a tape."""
        return cls(
            tuple(event for event in events if isinstance(event, NoteEvent)),
            tuple(event for event in events if isinstance(event, ControlEvent)),
            tuple(event for event in events if isinstance(event, ProgramEvent)),
        )

    def events(self) -> list[Event]:
        """All of them, in order of beat; settings before notes."""
        return sorted([*self.programs, *self.controls, *self.notes], key=lambda event: event.beat)


Reply: TypeAlias = Welcome | Done | Refused | Report | Entries | JournalAt | Takes | Candidates | ToDo | Tempos | Page

_encoder = msgspec.json.Encoder(enc_hook=to_json)
encode: Callable[[object], bytes] = _encoder.encode
"""Any of these values as JSON."""

_requests: msgspec.json.Decoder[Envelope] = msgspec.json.Decoder(Envelope, dec_hook=from_json)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply, dec_hook=from_json)
_starts: msgspec.json.Decoder[Start] = msgspec.json.Decoder(Start, dec_hook=from_json)


def decode_request(message: bytes) -> Envelope:
    """What a stage sent. Raises msgspec.MsgspecError for anything else."""
    return _requests.decode(message)


def decode_reply(message: bytes) -> Reply:
    """What the engine sent. Raises msgspec.MsgspecError for anything else."""
    return _replies.decode(message)


def decode_start(message: str) -> Start:
    """What an engine's process is to be. Raises msgspec.MsgspecError for anything else."""
    return _starts.decode(message)


def _spell(seconds: Seconds) -> str:
    """A stretch of time in words: '40 s', '12 min', '2 h 5 min'."""
    minutes = int(seconds // 60)
    if not minutes:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

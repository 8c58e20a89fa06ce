"""What `lead.mute?` shows: what to type first, then what it does."""

import inspect
import re
import shutil
import textwrap
from collections.abc import Callable
from fractions import Fraction
from html import escape
from typing import TypeAlias

from IPython.core.oinspect import InspectorHookData

import livecode

from ..errors import UnknownName
from ..handles import PartHandle
from ..models.bundles import FAMILIES
from ..music import Phrase, counted
from ..stage import Stage

OF_STAGE = {
    "attach": 'stage = lc.Stage.attach()  or  lc.Stage.attach("left")',
    "bpm": "stage.bpm = 96  or  bpm = 96",
    "calibrate": 'stage.calibrate("Digitone", "KeyStep")',
    "candidates": 'stage.candidates("lead")',
    "cell": 'with stage.cell("lead.mute()"): lead.mute()',
    "click": "stage.click()  then  click = stage.parts['click']; click.mute()",
    "clock": 'stage.clock("Digitone")  or  stage.clock("Digitone", False)',
    "close": 'stage.close()  or  stage.close(on="bar")',
    "controller": 'nano = stage.controller("nanoKONTROL2")  then  nano.map("slider 1", to="drums.gain")',
    "count_in": "stage.count_in(2)",
    "engine": "stage.engine",
    "export": 'stage.export("take.wav")  or  stage.export("take.mid", bars=8)  or  stage.export("lead.mid", part="lead")',
    "follow_clock": 'stage.follow_clock("KeyStep")  or  stage.follow_clock(None)',
    "go_on": "stage.go_on()",
    "grab": 'phrase = stage.grab(8)  or  stage.grab(8, "lead")',
    "hush": 'stage.hush()  or  stage.hush(on="beat")  or  %hush',
    "key": 'stage.key = "A minor"  or  key = "A minor"  and  stage.key = None',
    "input": 'stage.input("KeyStep")  then  lead.thru("KeyStep")',
    "inputs": "stage.inputs",
    "latency": 'stage.latency("Digitone", 12)',
    "learn": 'stage.learn("lead.gain")  then  move a knob',
    "link": "stage.link()  or  stage.link(False)",
    "listen": "stage.listen(print)  and  stage.listen(None)",
    "log": "stage.log()  or  stage.log(50)  or  stage.log(worker=True)  or  %log",
    "log_entries": "stage.log_entries()[-1].sentence",
    "map": 'stage.map(cc=21, to="lead.gain")  or  stage.map(note="C2", to=drums.mute)',
    "mappings": "stage.mappings",
    "meter": 'stage.meter = "7/8"',
    "midi": 'stage.midi("Digitone")  then  lead.output = "Digitone"',
    "model_states": "stage.model_states()",
    "note": 'stage.note("the second song begins")',
    "own": "lead.map(stage.own(lambda phrase: phrase.reverse()))",
    "panic": "stage.panic()  or  %panic",
    "part": 'bass = stage.part("bass", program="Fretless Bass", gain=0.8)',
    "parts": 'stage.parts["drums"].mute()',
    "pause": 'stage.pause()  or  stage.pause(on="now")',
    "perform": 'stage.perform("tonight.jsonl", bar=17)  or  %replay tonight.py --from 17',
    "ramp": "stage.ramp(120, bars=4)",
    "redo": "stage.redo()  or  %redo",
    "render": 'stage.export("take.wav")',
    "report": "stage.report().snapshot",
    "restart": "stage.restart()",
    "safe": "stage.safe()  or  safe()  or  %safe      (or the key F12)",
    "scene": 'stage.store("verse")  then  stage.scene("verse")  or  scene("verse", on="beat")',
    "scenes": "stage.scenes  or  %scenes",
    "run": "stage.run(bars=4)  on a lc.Stage(offline=True)",
    "save": 'stage.save("tonight")  or  %save tonight',
    "shut_down": 'stage.shut_down(on="bar")',
    "snapshot": "stage.snapshot().bar",
    "started": "stage.started",
    "status": "stage.status()  or  %status",
    "story": "stage.story().facts[-1]",
    "stems": 'stage.stems("take")  writes take/drums.wav, take/lead.wav ...',
    "store": 'stage.store("verse")  or  store("verse")',
    "swing": "stage.swing = 0.58  or  swing = 0.58",
    "synth": 'digi = stage.synth("Digitone", channel=3)  then  lead.output = "Digitone"',
    "takes": 'stage.takes("lead")[-1]',
    "tap": "stage.tap()  four times in the tempo",
    "tape": "stage.tape.onsets()",
    "tell": "stage.tell(lc.commands.Hush())",
    "unmap": "stage.unmap(cc=21)  or  stage.unmap()",
    "thru": 'stage.thru("KeyStep", lead)',
    "undo": "stage.undo()  or  %undo",
}

OF_PART = {
    "bend": "lead.bend.to(1, bars=1)  then  lead.bend.to(0)",
    "candidates": "lead.candidates(8)  then  lead.pick(3)",
    "cc": 'lead.cc("cutoff").to(90, bars=4)  or  lead.cc(74).to(100)',
    "channel": "lead.channel = 3",
    "density": "lead.density = 2  and  lead.free('density')",
    "respond_to": 'lead.respond_to("KeyStep", bars=2)  or  lead.respond_to(keys, until=rest(1))',
    "thru": 'lead.thru("KeyStep")  or  lead.thru(keys, range=("C3", "C7"), transpose=12)  and  lead.unthru()',
    "unthru": "lead.unthru()",
    "prime": 'drums.prime(lead)  or  drums.prime("KeyStep")  and  drums.prime()',
    "follow": "lead.follow(drums)",
    "every": 'lead.every(4, reverse())  or  lead.every(8, "slice", 0, 1)  and  lead.plain()',
    "fade": "lead.fade(0.5, bars=2)",
    "fade_in": "lead.fade_in(bars=2)",
    "fade_out": "lead.fade_out(bars=2)",
    "free": 'lead.free("range")  or  lead.free()',
    "gain": "lead.gain = 0.8",
    "generate": 'lead.generate()  or  lead.generate(on="bar")',
    "generate_once": "lead.generate_once()",
    "grab": "phrase = lead.grab(8)",
    "keep": "riff = lead.keep()",
    "key": 'lead.key = "C dorian"  and  lead.key = None',
    "map": "lead.map(transpose(12))  or  lead.map(lambda phrase: phrase.reverse().thin(1))  and  lead.plain()",
    "loop": 'lead.loop()  or  lead.loop(on="bar")',
    "mute": 'lead.mute()  or  lead.mute(on="bar")',
    "name": "lead.name",
    "nrpn": "lead.nrpn(1, 8).to(64)",
    "nudge": "lead.nudge = -5",
    "output": 'lead.output = "Digitone"',
    "pan": "lead.pan = -0.5",
    "pick": "lead.pick(3)  or  lead.pick(3, on='bar')",
    "plain": "lead.plain()",
    "play": 'lead.play(notes("C4 E4"), on="bar")',
    "plot": "lead.plot()  or  lead.plot(bars=16)",
    "program": 'lead.program = "Vibraphone"',
    "range": 'lead.range = ("C3", "C5")  and  lead.free("range")',
    "redo": "lead.redo()",
    "reset": "lead.reset()",
    "reset_generate": "lead.reset_generate()",
    "rpn": "lead.rpn(0, 0).to(12)",
    "set": 'lead.set(program="Vibraphone", gain=0.8, range=("C3", "C5"))',
    "solo": "lead.solo()",
    "state": "lead.state().doing",
    "stop": 'lead.stop()  or  lead.stop(on="bar")',
    "take": "lead.take(-1)",
    "takes": "lead.takes[-1]",
    "temperature": "lead.temperature = 1.2",
    "undo": "lead.undo()",
    "voices": 'lead.voices = 4  and  lead.free("voices")',
    "unmute": "lead.unmute()",
    "unsolo": "lead.unsolo()",
}

OF_PROMPT = {
    "safe": "safe()  or  %safe      (or the key F12)",
    "scene": 'store("verse")  then  scene("verse")',
    "store": 'store("verse")  then  scene("verse")',
}

OF_WORDS = {
    "arpeggiate": 'lead.every(2, arpeggiate("1/2", "updown"))',
    "humanise": "lead.map(humanise())",
    "invert": "lead.every(4, invert())",
    "layer": 'drums.every(4, layer(beat(crash="x...")))',
    "quantise": 'lead.map(quantise("1/2"))',
    "reverse": "lead.every(4, reverse())",
    "rotate": "lead.every(2, rotate(0.5))",
    "stretch": "lead.every(4, stretch(0.5))",
    "thin": "lead.every(2, thin(1))",
    "to_scale": 'lead.map(to_scale("A minor"))',
    "transpose": "lead.map(transpose(12))  or  lead.every(4, transpose(5), reverse())",
    "beat": 'drums >> beat(kick="x...x...", snare="....x...", hat="x.x.x.x.")',
    "chords": 'keys >> chords("C Am | F G")  and  lead >> improv_rnn(chords="C Am | F G")',
    "improv_rnn": 'lead >> improv_rnn(chords="Am F C G", bars=4)',
    "drums_rnn": 'drums >> drums_rnn("drum_kit", bars=2, temperature=1.1)',
    "melody_rnn": 'lead >> melody_rnn("attention_rnn", bars=4, temperature=1.1)',
    "pedal": "lead.respond_to(keys, until=pedal())",
    "rest": "lead.respond_to(keys, until=rest(1))",
    "notes": 'lead >> notes("C4 E4 . G4,C5 _", dur=0.5)',
    "read_midi": 'lead >> lc.read_midi("riff.mid")',
    "phrase": 'lead >> lc.phrase("0 C4 1, 3/2 E4 1/2 80", 2)',
    "silence": "lead >> lc.silence(4)",
}

_PART = """{name} >> notes("C4 E4 . G4")      {name} >> beat(kick="x...", hat="x.x.")      your own
{name} >> melody_rnn(bars=4)          {name} >> drums_rnn(bars=2)                 a model's
{name}.loop()  .generate()  .generate_once()  .reset()  .reset_generate()  .stop()
{name}.every(4, reverse())  .map(transpose(12))  .plain()  .keep()
{name}.undo()  .redo()  .take(-1)  .candidates(8)  .pick(3)
{name}.mute()  .unmute()  .solo()  .unsolo()  .fade_out(bars=4)  .fade_in(bars=4)
{name}.gain = 0.8    {name}.program = "Vibraphone"    {name}.set(range=("C3", "C5"), density=2)"""

_PHRASE = "lead >> phrase    phrase.last(4)    phrase.within(48, 72)    phrase.thin(2)"

_STAGE = """stage.part("bass")      or just  bass >> notes("C2 G2")
stage.bpm = 96    .meter = "7/8"    .swing = 0.58    .ramp(120, bars=4)
key = "A minor"    store("verse")    scene("verse")    safe()
stage.pause()  .go_on()  .restart()  .click()  .count_in(2)
stage.hush()  .panic()  .status()  .log()  .export("take.wav")"""


_LONG = 90
"""A line of a docstring that is longer than this goes on in the next."""

Sections: TypeAlias = list[tuple[str, str]]
"""Titles and what stands below them."""


def about(thing: object) -> Sections | None:
    """The help for something of livecode's: an example first. None for anything else.

    >>> about(Stage.panic)
    [('Try', 'stage.panic()  or  %panic'), ('Does', 'Stop all parts now, and end every note by all means.')]
    """
    if isinstance(thing, PartHandle):
        what = f"{inspect.getdoc(PartHandle)}\nA name and a ? say more: {thing.name}.fade?"
        return [("Try", _PART.format(name=thing.name)), ("Is", what)]
    if isinstance(thing, Stage):
        return [("Try", _STAGE), ("Is", "The stage. A name and a ? say more: stage.midi?   lc.Stage? says how to open one.")]
    if isinstance(thing, Phrase):
        return [("Try", _PHRASE), ("Is", inspect.getdoc(Phrase) or "")]
    example = _example(thing)
    if example is None:
        return None
    return [("Try", example), ("Does", _for_performers(inspect.getdoc(thing) or "")), *_signature(thing)]


def _for_performers(doc: str) -> str:
    """A docstring without what is for those who read the source, no wider than the terminal."""
    lines: list[str] = []
    goes_on = False
    for line in doc.partition(">>>")[0].splitlines():
        if goes_on and line:
            lines[-1] += f" {line}"
        elif not line.startswith("Source:"):
            lines.append(line)
        goes_on = len(line) > _LONG
    width = shutil.get_terminal_size().columns
    return "\n".join("\n".join(textwrap.wrap(line, width)) for line in lines).strip()


def _signature(thing: object) -> Sections:
    if not inspect.isroutine(thing):
        return []
    known = [str(each).partition(":")[0] + _default(each) for each in inspect.signature(thing).parameters.values()]
    named = [each for each in known if each != "self"]
    return [("Takes", ", ".join(named))] if named else []


def _default(each: inspect.Parameter) -> str:
    return "" if each.default is each.empty else f"={each.default!r}"


def _example(thing: object) -> str | None:
    module, path = getattr(thing, "__module__", ""), getattr(thing, "__qualname__", "")
    if isinstance(thing, property) and thing.fget is not None:
        return next((table[name] for kind, table in _TABLES for name in table if vars(kind).get(name) is thing), None)
    if not isinstance(module, str) or not module.startswith("livecode."):
        return None
    owner, _, name = path.rpartition(".")
    if not owner and name in FAMILIES:
        return OF_WORDS.get(name, f"lead >> {name}()")
    tables = {"Stage": OF_STAGE, "PartHandle": OF_PART, "StageWords": OF_PROMPT, "": OF_WORDS}
    return tables.get(owner, {}).get(name)


_TABLES = ((Stage, OF_STAGE), (PartHandle, OF_PART))


def _shown(data: InspectorHookData) -> Sections | None:
    return None if data.detail_level else about(data.obj)


def _as_html(data: InspectorHookData) -> Sections | None:
    sections = _shown(data)
    return sections and [(title, f"<pre>{escape(text)}</pre>") for title, text in sections]


HOOKS = {"text/plain": _shown, "text/html": _as_html}
"""The same for IPython's inspector; with ?? it shows the source as ever."""


_CALLED = r"(?:(Stage|PartHandle|Phrase)\.)?(\w+)\(\) "
_MISTYPED = re.compile(_CALLED + r"got an unexpected keyword argument '(\w+)'")
_TOO_MANY = re.compile(_CALLED + r"takes (?:from \d+ to )?(\d+) positional arguments? but (\d+) (?:was|were) given")
_LACKING = re.compile(_CALLED + r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)")


def mistyped(error: TypeError) -> str | None:
    """A sentence for arguments that one of our verbs does not take, or lacks; None for any other mistake.

    >>> mistyped(TypeError("drums_rnn() got an unexpected keyword argument 'temprature'"))
    "There is no argument of drums_rnn 'temprature': did you mean 'temperature'?"
    >>> mistyped(TypeError("PartHandle.candidates() takes from 1 to 2 positional arguments but 3 were given"))
    'candidates takes 1 argument without a name at most, and was given 2: candidates? says what to type.'
    >>> mistyped(TypeError("Stage.ramp() missing 1 required positional argument: 'bpm'"))
    "ramp lacks 'bpm': ramp? says what to type."
    """
    if (found := _MISTYPED.fullmatch(str(error))) and (function := _verb(found[1], found[2])):
        known = [name for name in inspect.signature(function).parameters if name != "self"]
        return str(UnknownName.of(f"argument of {found[2]}", found[3], known))
    if (found := _TOO_MANY.fullmatch(str(error))) and _verb(found[1], found[2]):
        most, given = (int(number) - bool(found[1]) for number in (found[3], found[4]))
        taken = (
            f"takes {counted(Fraction(most), 'argument')} without a name at most" if most else "takes no argument without a name"
        )
        return f"{found[2]} {taken}, and was given {given}: {found[2]}? says what to type."
    if (found := _LACKING.fullmatch(str(error))) and _verb(found[1], found[2]):
        return f"{found[2]} lacks {found[3]}: {found[2]}? says what to type."
    return None


def _verb(owner: str | None, name: str) -> Callable[..., object] | None:
    """One of our own verbs."""
    function = getattr(getattr(livecode, owner, None) if owner else livecode, name, None)
    return function if callable(function) else None

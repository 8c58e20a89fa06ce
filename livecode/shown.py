"""What a performer is shown: sentences, candidates, and how everything is in a line each."""

from .commands import PartState
from .music import Phrase, gist, pitch_name
from .protocol import InputState, Report


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


def lines_of(report: Report) -> Lines:
    """Where the music is, what every part does and waits for, how models, outputs and the engine are."""
    here = report.snapshot
    bar = f"bar {here.bar}, beat {int(here.beat)}" if here.running or here.paused else "waits for the first notes"
    bar = f"paused at {bar}" if here.paused else bar
    bar = f"closed at {bar}" if report.closed else bar
    lines = [
        " · ".join(filter(None, (bar, f"{round(float(here.bpm), 1):g} bpm", here.meter, here.key, here.follows, here.replays)))
    ]
    lines += [part_line(part, report) for part in here.parts]
    lines += [f"scenes: {', '.join(here.scenes)}"] if here.scenes else []
    lines += [f"model {state}" for state in report.models]
    lines += [f"output {output}" for output in report.outputs]
    lines += [f"input {input_line(each)}" for each in report.inputs]
    if not report.outputs:
        lines.append("output: the tape only" + (f": {report.no_audio.split(':')[0]}" if report.no_audio else ""))
    lines += [f"knob {source}: {target}" for source, target in here.bound]
    lines += [f"move a knob or hit a pad: it will be {here.learns}"] if here.learns else []
    lines += [f"engine {report.engine}"] if report.engine else []
    return Lines(lines)


def part_line(part: PartState, report: Report) -> str:
    """What a part does and waits for, and how it is set."""
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


def input_line(each: InputState) -> str:
    """An input, and the parts that it is played through."""
    return f"{each} · through {', '.join(each.thru)}" if each.thru else str(each)

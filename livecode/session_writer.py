"""Writes a session down as a script: where in the music what was typed, with the commands of other programs spelt out."""

import ast
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from .commands import Declare, Hush, Panic, ToPart
from .facts import PortOpened, Taken, Typed
from .journal import Story
from .music import Beats, counted
from .protocol import Opening
from .session import WORDS, Place, bundles_of, digest
from .session_spelling import spelt, spelt_port
from .tempo import TempoMap

LONG = Beats(1, 4)
"""A cell whose commands are further apart than this is spelt out: in a script no time passes within a cell."""

MAGICS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "bpm": lambda given: "" if not given else f"bpm = {given[0]}" if len(given) == 1 else f"stage.ramp({', bars='.join(given)})",
    "hush": lambda given: f'stage.hush(on="{given[0]}")' if given else "stage.hush()",
    "panic": lambda given: "stage.panic()",
    "safe": lambda given: "stage.safe()",
    "undo": lambda given: "stage.undo()",
    "redo": lambda given: "stage.redo()",
}
"""The prompt's commands that change the music, as Python."""

SILENT = ("log", "rehearse", "save", "scenes", "status")
"""Those that say nothing to the stage. What other magics say is spelt out."""

AWAY = ("save", "close", "shut_down", "exit", "quit", "run", "export", "render", "stems", "attach")
"""What is called alone in a cell and has no place in a script."""

SETTINGS = {"bpm", "tempo", "swing", "key"}
"""What is not named but set by an assignment."""

_NAMING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
_LEADING = re.compile(r"\A(?:[ \t]*\n)+")
_TIMED = re.compile(r"\A%%(?:time|capture)\b.*\n")
"""The line before Python that is timed, or whose output is kept."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something to write at a position. `part` is the part that it is about by its name, "" for none; `makes`: it makes that, if
    there is none.

    `silent`: nothing comes of it that can be heard. `wanted`: it is written only if something later reads what it names.
    """

    at: Beats
    text: str
    part: str = ""
    makes: bool = False
    silent: bool = False
    wanted: bool = False

    @property
    def remark(self) -> bool:
        return all(line.lstrip().startswith("#") or not line.strip() for line in self.text.splitlines())


@dataclass(slots=True)
class _Group:
    """A cell with what came of it, or something that came of no cell. `order` is its place in the journal."""

    order: int
    cell: Typed | None = None
    said: list[Taken | PortOpened] = field(default_factory=list)
    apart: bool = False
    """Whether something else was said between what came of it, or a while went by."""


def script(story: Story, tempo: TempoMap, end: Beats, *, name: str, version: str) -> str:
    """The script of a session that ends on beat `end` of this tempo map. `name` is the file's, `version` livecode's."""
    entries = _wanted(story.session)
    shadowed = {bound for entry in entries for bound in _bindings(entry.text)} & set(WORDS)
    stage = "stage." if shadowed else ""
    blocks, here, bound = [_header(story, tempo, end, name=name, version=version)], None, set[str]()
    others = set[str]()  # names that mean something else than the part of that name
    for entry in entries:
        if entry.at != here and entry.at <= end:
            here = entry.at
            blocks.append(f"\n{stage}{Place.of(tempo, here).call('at')}")
        text = entry.text
        if entry.part in others:
            text = re.sub(rf"\A{entry.part}\b", f'{stage}part("{entry.part}")', text)
        elif entry.part and not entry.makes and entry.part not in bound:
            blocks.append(f'{entry.part} = {stage}part("{entry.part}")')
            bound.add(entry.part)
        if text:
            blocks.append(text if entry.at <= end or entry.remark else _remark(text, ""))
        bound.update(_bindings(text))
        others.update(_other_things(text))
    blocks.append(f"\n{stage}{Place.of(tempo, end).call('end')}")
    return "\n".join(blocks) + "\n"


def last_word(session: Sequence[object]) -> Beats:
    """The beat at which the last was typed or said of which something comes that can be heard."""
    return max((entry.at for entry in _entries(session) if not entry.silent), default=Beats(0))


def _wanted(session: Sequence[object]) -> list[_Entry]:
    """What is written, in order: without the names that nothing reads later."""
    kept, read = list[_Entry](), set[str]()
    for entry in reversed(list(_entries(session))):
        if not entry.wanted or not read.isdisjoint(_bindings(entry.text)):
            kept.append(entry)
            read.update(_read(entry.text))
    return kept[::-1]


def _header(story: Story, tempo: TempoMap, end: Beats, *, name: str, version: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(story.opened.time))
    seconds = round(tempo.seconds_at(end))
    length = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    bars, stem = counted(Fraction(tempo.bar_at(end)), "bar"), name.removesuffix(".py")
    said = [
        f"# A livecode session of {when}: {bars}, {length}; livecode {version}.",
        f"# livecode render {name} {stem}.wav writes what it sounds like; its recording is {stem}.jsonl.",
    ]
    if story.bad:
        said.append(f"# What {counted(Fraction(story.bad), 'line')} of the journal said is missing: they could not be read.")
    return "\n".join([*said, _opening(story.opened.opening, story)])


def _opening(opening: Opening, story: Story) -> str:
    given = [f"bpm={float(opening.bpm):.7g}", f'meter="{opening.meter}"', f"seed={opening.seed}"]
    models = {name: digest(path) for name, path in bundles_of(story.facts).items()}
    if models:
        said = ", ".join(f'"{name}": "{found or ""}"' for name, found in models.items())
        given.append(f"models={{{said}}}")
    return f"session({', '.join(given)})"


# What is written, in which order


def _entries(session: Sequence[object]) -> Iterator[_Entry]:
    groups, here = _groups(session), Beats(0)
    coming = [group.said[0].now if group.said else None for group in groups]
    for place, group in enumerate(groups):
        following = next((now for now in coming[place:] if now is not None), None)
        begun = group.said[0].now if group.said else group.cell.now if group.cell else here
        here = max(here, begun if following is None else min(begun, following))
        yield from _written(group, here)
        here = max([here, *(fact.now for fact in group.said)])


def _groups(session: Sequence[object]) -> list[_Group]:
    cells = {line.id: _Group(place, line) for place, line in enumerate(session) if isinstance(line, Typed)}
    groups = list(cells.values())
    last: _Group | None = None
    for place, line in enumerate(session):
        if not isinstance(line, Taken | PortOpened):
            continue
        group = cells.get(line.id.rpartition("-")[0])
        if group is None:
            group = _Group(place)
            groups.append(group)
        if group.said:
            group.apart |= group is not last or line.now - group.said[0].now > LONG
        group.order = min(group.order, place)
        group.said.append(line)
        last = group
    _keep_order(cells)
    return sorted(groups, key=lambda group: (group.order, _number(group)))


def groups_said(session: Sequence[object]) -> list[list[Taken]]:
    """The commands of a session, those of one cell together, in their order; the others each alone."""
    commands = [[fact for fact in group.said if isinstance(fact, Taken)] for group in _groups(session)]
    return [said for said in commands if said]


def _keep_order(cells: Mapping[str, _Group]) -> None:
    """Cells of one prompt stay in their order, though they reach the journal a moment after what came of them."""
    prompts: dict[str, list[_Group]] = {}
    for name, group in cells.items():
        prompts.setdefault(name.partition(".")[0], []).append(group)
    for typed in prompts.values():
        typed.sort(key=_number, reverse=True)
        for later, group in pairwise(typed):
            group.order = min(group.order, later.order)


def _number(group: _Group) -> int:
    number = group.cell.id.rpartition(".")[2] if group.cell else ""
    return int(number) if number.isdecimal() else 0


def _written(group: _Group, at: Beats) -> Iterator[_Entry]:
    if group.cell is None:
        yield from _spelt(group)
        return
    source = _LEADING.sub("", group.cell.source).rstrip()
    whole = not group.cell.error and not group.apart and not (group.said and _has_magics(source))
    python = as_python(source) if whole else None
    said = _remark(source, group.cell.error) if python is None else python
    entry = _Entry(at, said, silent=python is None or all(map(_stops, group.said)))
    yield entry
    if python is None:
        yield from (_Entry(at, text, silent=True, wanted=True) for text in _named(source, group.cell))
    if python is None or entry.remark:
        yield from _spelt(group)


def _spelt(group: _Group) -> Iterator[_Entry]:
    for fact in group.said:
        if isinstance(fact, PortOpened):
            yield _Entry(fact.now, spelt_port(fact))
            continue
        command, text = fact.command, spelt(fact.command)
        part = command.part if isinstance(command, ToPart) else ""
        makes = not text.startswith((f"{part}.", "part("))
        yield _Entry(fact.now, "" if isinstance(command, Declare) else text, part, makes, silent=_stops(fact))


def _stops(fact: Taken | PortOpened) -> bool:
    """Whether it does no more than to stop all parts."""
    return isinstance(fact, Taken) and isinstance(fact.command, Hush | Panic)


def _remark(source: str, error: str) -> str:
    lines = [f"# {line}".rstrip() for line in source.splitlines()]
    return "\n".join([*lines, f"#   {error}"] if error else lines)


# Cells as Python


def as_python(source: str) -> str | None:
    """A cell as it can stand in a script: with the prompt's own commands as Python, or as remarks; None if it cannot.

    >>> as_python("%bpm 96 8")
    'stage.ramp(96, bars=8)'
    >>> print(as_python('%status\\nlead >> notes("C4")\\nexit'))
    # %status
    lead >> notes("C4")
    # exit
    """
    if source.lstrip().startswith("%%"):
        return None
    if source.strip().isidentifier():  # it shows what the name means, or is a magic, such as `clear`
        return f"# {source.strip()}"
    lines = [_line(line, alone="\n" not in source.strip()) for line in source.splitlines()]
    for said in (source, "\n".join(lines)):
        if (tree := _parsed(said)) is not None:
            return _without_leaving(said, tree)
    return None


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _has_magics(source: str) -> bool:
    """Whether there are magics in it that may have said something, and have no equal in Python."""
    words = [line.removeprefix("%").split()[:1] for line in source.splitlines() if line.startswith("%")]
    return any(not word or word[0] not in (*MAGICS, *SILENT) for word in words)


def _named(source: str, cell: Typed) -> Iterator[str]:
    """The statements of a cell that give names a meaning, without those from the one on in which it failed."""
    python = as_python(_TIMED.sub("\n", source))
    tree = _parsed(python or "")
    if python is None or tree is None or (cell.error and cell.failed_at is None):
        return
    for statement in tree.body:
        over = (statement.end_lineno or 0, statement.end_col_offset or 0)
        if cell.failed_at is not None and over > cell.failed_at:
            return
        if isinstance(statement, _NAMING) and not SETTINGS.intersection(_bindings(text := ast.unparse(statement))):
            yield ast.get_source_segment(python, statement) or text


def _line(line: str, *, alone: bool) -> str:
    """A line that may be the prompt's own command."""
    word, *given = line.strip().removeprefix("%").split() or [""]
    if (line.startswith("%") or alone) and word in MAGICS and (said := MAGICS[word](given)):
        return said
    if line.startswith(("%", "!", "?")) or line.rstrip().endswith("?"):
        return f"# {line}"
    return line


def _without_leaving(source: str, tree: ast.Module) -> str:
    """With what ends the prompt, saves, or goes to another stage as remarks."""
    lines = source.splitlines()
    for statement in tree.body:
        if _leaves(statement):
            alone = [other for other in tree.body if other.lineno == statement.lineno] == [statement]
            if not alone:
                return _remark(source, "")
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[number] = f"# {lines[number]}"
    return "\n".join(lines)


def _leaves(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Name(id=name)) | ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return name in AWAY or (name in MAGICS and isinstance(statement.value, ast.Name) and name != "bpm")
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="stage"), attr=name))):
            return name in AWAY
        case ast.Assign(targets=[ast.Name(id="stage")]):
            return True
    return False


def _bindings(text: str) -> Iterable[str]:
    """The names that Python gives a meaning at its top level."""
    tree = _parsed(text)
    for statement in tree.body if tree else ():
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield statement.name
        elif isinstance(statement, ast.Expr):
            yield from _made(statement.value)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).partition(".")[0]


def _other_things(text: str) -> set[str]:
    """The names that it gives another meaning than that of a part of that name."""
    tree = _parsed(text)
    bound = set(_bindings(text))
    for statement in tree.body if tree else ():
        match statement:
            case ast.Expr(value=value):
                bound.difference_update(_made(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(args=[ast.Constant(value=part), *_])) if name == part:
                bound.discard(name)
    return bound


def _read(text: str) -> Iterable[str]:
    """The names whose meaning Python looks up somewhere in it."""
    tree = _parsed(text)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else ()


def _made(value: ast.expr) -> Iterator[str]:
    """The part that comes into being by `NAME >> ...`."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.RShift):
        value = value.left
        if isinstance(value, ast.Name):
            yield value.id

"""What names mean in a cell: parts that come into being when notes go to them, settings that are set by assigning to them.

An AST transform looks at the top level of a cell only. `NAME >> ...` with a NAME that means nothing yet makes the part of that
name; `bpm = 120` sets the tempo, and `bpm` alone says it; assigning to a name that livecode put there is refused unless it keeps
its meaning. Everything else is Python's, and so is a name that holds something else.
"""

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from ..errors import BadInput
from ..handles import PartHandle
from ..stage import Stage

HIDDEN = "__livecode__"
"""Under this name a transformed cell finds its `Meanings`."""

SETTINGS = {"bpm": "bpm", "tempo": "bpm", "swing": "swing", "key": "key"}
"""Names that stand for settings of the stage."""

Namespace: TypeAlias = MutableMapping[str, Any]
_Assigning: TypeAlias = ast.Assign | ast.AnnAssign
_Node = TypeVar("_Node", bound=ast.AST)


class Home(Protocol):
    """Where the stage is that cells speak to."""

    stage: Stage

    def unload(self) -> None:
        """Leave the shell."""
        ...


class Meanings:
    """What a transformed cell calls. `words` are the names that livecode put into the namespace beside parts and the stage."""

    def __init__(self, home: Home, namespace: Namespace, words: Mapping[str, object]) -> None:
        self.home, self._names, self._words = home, namespace, words

    def left(self, name: str) -> object:
        """What stands left of the first `>>`: what the name holds, or a part to be. Raises NameError for _names."""
        if name in self._names:
            return self._names[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        if name.startswith("_"):
            raise NameError(f"name {name!r} is not defined", name=name)
        return PartHandle(self.home.stage, name)

    def done(self, name: str, value: object) -> object:
        """What `NAME >> ...` shows: nothing if it was a part, for its answers are shown; else the value."""
        if not isinstance(value, PartHandle):
            return value
        if name not in self._names:
            self._names[name] = self.home.stage.part(name)
        return None

    def name(self, parts: Iterable[str]) -> None:
        """Give parts that others made, or that a command made by the way, their names, unless these mean something else."""
        for name in parts:
            if name not in self._names and not hasattr(builtins, name):
                self._names[name] = PartHandle(self.home.stage, name)

    def get(self, name: str) -> object:
        """The value of a setting."""
        return getattr(self.home.stage, SETTINGS[name])

    def set(self, name: str, value: Any) -> None:
        """Set a setting. Raises BadInput."""
        setattr(self.home.stage, SETTINGS[name], value)

    def kept(self, names: Collection[str], value: object) -> object:
        """The value that is about to be assigned to these names of ours. Raises BadInput unless they keep their meaning."""
        for name in filter(self.ours, names):
            held = self._names[name]
            if value is held or (isinstance(value, PartHandle) and isinstance(held, PartHandle) and value.name == held.name):
                continue
            if isinstance(held, Stage) and isinstance(value, Stage):
                self.home.stage = value
                continue
            raise BadInput(_refusal(name, held))
        return value

    def ours(self, name: str) -> bool:
        """Whether the name holds what livecode put there: the stage, a part of that name, or one of its words."""
        held = self._names.get(name)
        if isinstance(held, PartHandle):
            return held.name == name
        return held is not None and (held is self.home.stage or held is self._words.get(name))

    def settles(self, name: str) -> bool:
        """Whether the name stands for a setting, because nothing else has it."""
        return name in SETTINGS and name not in self._names


def _refusal(name: str, held: object) -> str:
    if isinstance(held, PartHandle):
        return f"{name} is a part, and stays one: play with two arrows, {name} >> notes('C4 E4'), or take another name."
    if isinstance(held, Stage):
        return f"{name} is the stage, and stays it: set its settings, {name}.bpm = 120, or take another name."
    return f"{name} is one of livecode's words: take another name, or del {name} first if you mean it."


class Transform(ast.NodeTransformer):
    """Gives the statements at the top level of a cell their meaning."""

    def __init__(self, meanings: Meanings) -> None:
        self._meanings = meanings

    def visit_Module(self, module: ast.Module) -> ast.Module:
        """Only statements, and only these."""
        module.body = [ast.fix_missing_locations(self._meant(statement)) for statement in module.body]
        return module

    def _meant(self, statement: ast.stmt) -> ast.stmt:
        match statement:
            case ast.Expr(value=ast.BinOp() as sum_) if (lowest := _lowest(sum_)) is not None:
                name = cast(ast.Name, lowest.left).id
                lowest.left = _call(lowest.left, "left", ast.Constant(name))
                statement.value = _call(sum_, "done", ast.Constant(name), sum_)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self._meanings.settles(name):
                return _at(statement, ast.Expr(_call(value, "set", ast.Constant(name), self._read(value))))
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value) if self._meanings.settles(name):
                changed = ast.BinOp(_call(value, "get", ast.Constant(name)), op, self._read(value))
                return _at(statement, ast.Expr(_call(value, "set", ast.Constant(name), _at(value, changed))))
            case ast.Assign() | ast.AnnAssign(value=ast.expr()):
                self._keep(statement)
        if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign) and statement.value is not None:
            statement.value = self._read(statement.value)
        return statement

    def _keep(self, statement: _Assigning) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        ours = [name for target in targets for name in _names(target) if self._meanings.ours(name)]
        if ours and statement.value is not None:
            names = ast.List([ast.Constant(name) for name in ours], ast.Load())
            statement.value = _call(statement.value, "kept", names, statement.value)

    def _read(self, value: ast.expr) -> ast.expr:
        bound = {name.id for name in ast.walk(value) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        return cast(ast.expr, _Reading(self._meanings, bound).visit(value))


class _Reading(ast.NodeTransformer):
    """Has settings be read where their names stand; not in a function, which runs later, nor where the expression itself gives
    the name a value, as in [key for key in keys]."""

    def __init__(self, meanings: Meanings, bound: Collection[str]) -> None:
        self._meanings, self._bound = meanings, bound

    def visit_Name(self, name: ast.Name) -> ast.expr:
        reads = isinstance(name.ctx, ast.Load) and name.id not in self._bound and self._meanings.settles(name.id)
        return _call(name, "get", ast.Constant(name.id)) if reads else name

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        return node


def _lowest(sum_: ast.BinOp) -> ast.BinOp | None:
    """The first `>>` of a chain that begins with a name."""
    node: ast.expr = sum_
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
        if isinstance(node.left, ast.Name):
            return node
        node = node.left
    return None


def _names(target: ast.expr) -> Iterator[str]:
    """The names that an assignment binds."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Starred):
        yield from _names(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _names(element)


def _call(place: ast.AST, method: str, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Name(HIDDEN, ast.Load()), method, ast.Load())
    return _at(place, ast.Call(function, list(arguments), []))


def _at(place: ast.AST, node: _Node) -> _Node:
    return ast.fix_missing_locations(ast.copy_location(node, place))

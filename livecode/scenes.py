"""What belongs to the stage and to no part: its key, and the scenes that a performer has stored. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .errors import BadInput, UnknownName
from .parts import Memory, Mode

MOST_SCENES = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """How all parts were, and in which key; tempo, meter and swing are no part of it."""

    parts: Mapping[str, Memory]
    key: str

    def of(self, part: str, now: Memory) -> Memory:
        """How a part is in this scene that is like that now: as it was stored; silent if there was no such part yet."""
        return self.parts.get(part) or replace(now, phrase=None, mode=Mode.STOPPED, soloed=False)


@dataclass(frozen=True, slots=True)
class House:
    """The stage's key, "" for none, and its scenes by name."""

    key: str = ""
    scenes: Mapping[str, Scene] = field(default_factory=dict)

    def with_scene(self, name: str, parts: Mapping[str, Memory]) -> "House":
        """The same, with these parts as a scene. Raises BadInput for too many."""
        scenes = {**self.scenes, name: Scene(parts, self.key)}
        if len(scenes) > MOST_SCENES:
            raise BadInput(f"{MOST_SCENES} scenes are stored already: store over one of them, such as {next(iter(scenes))!r}.")
        return replace(self, scenes=scenes)

    def scene(self, name: str) -> Scene:
        """The scene of this name. Raises UnknownName."""
        if name not in self.scenes:
            hint = "" if self.scenes else f' store("{name}") first stores what plays now.'
            raise UnknownName(f"{UnknownName.of('scene', name, self.scenes)}{hint}")
        return self.scenes[name]

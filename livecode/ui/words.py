"""What a cell, or a script, may say without `lc.` and without `stage.`."""

from pathlib import Path
from typing import Any

import livecode

from ..models.bundles import FAMILIES
from ..shown import Answer
from ..transforms import VERBS
from .names import Home

TRANSFORMS = tuple(verb for verb in VERBS if verb in livecode.__all__)

WORDS = ("beat", "chords", "notes", "pedal", "rest", *TRANSFORMS, *(family for family in FAMILIES if family in livecode.__all__))
"""What goes without `lc.`."""


def words(home: Home) -> dict[str, Any]:
    """All that is there beside the stage and its parts."""
    return {"lc": livecode, **{word: getattr(livecode, word) for word in WORDS}, **StageWords(home).names()}


class StageWords:
    """Each does what the stage's word of that name does, on the stage that cells speak to."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def names(self) -> dict[str, object]:
        """The words, by name."""
        return {"store": self.store, "scene": self.scene, "safe": self.safe, "save": self.save}

    def store(self, scene: str) -> Answer:
        """Keep how all parts are as a scene: notes, models, mutes, levels, sounds, transforms and the key; not the tempo."""
        return self._home.stage.store(scene)

    def scene(self, name: str, *, on: str = "bar") -> Answer:
        """Have all parts as they were when this scene was stored, from the next bar on; parts that came later fall silent."""
        return self._home.stage.scene(name, on=on)

    def save(self, path: str | Path) -> Answer:
        """Write the session so far as a script, x.py, with its recording, x.jsonl, and what it sounds like, x.mid."""
        return self._home.stage.save(path)

    def safe(self) -> Answer:
        """Every part that generates loops what it has; the key F12 does it too. `stage.undo()` goes back."""
        return self._home.stage.safe()

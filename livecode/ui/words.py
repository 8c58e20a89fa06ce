"""What a cell may say of the stage without `stage.`: store, scene, safe."""

from ..stage import Answer
from .names import Home


class StageWords:
    """Each does what the stage's word of that name does, on the stage that cells speak to."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def names(self) -> dict[str, object]:
        """The words, by name."""
        return {"store": self.store, "scene": self.scene, "safe": self.safe}

    def store(self, scene: str) -> Answer:
        """Keep how all parts are as a scene: notes, models, mutes, levels, sounds, transforms and the key; not the tempo."""
        return self._home.stage.store(scene)

    def scene(self, name: str, *, on: str = "bar") -> Answer:
        """Have all parts as they were when this scene was stored, from the next bar on; parts that came later fall silent."""
        return self._home.stage.scene(name, on=on)

    def safe(self) -> Answer:
        """Every part that generates loops what it has; the key F12 does it too. `stage.undo()` goes back."""
        return self._home.stage.safe()

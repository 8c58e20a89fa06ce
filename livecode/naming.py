"""What is meant by a part of a name: one rule for outputs, inputs and clocks. Pure."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The one of the known names that is meant: exactly, else but for its capitals, else the only one with the name in it.

    Else all that could be.

    >>> nearest("digitone", ["Digitone", "Digitone B"]), nearest("tone b", ["Digitone", "Digitone B"])
    (['Digitone'], ['Digitone B'])
    """
    names = list(known)
    if name in names:
        return [name]
    near = [other for other in names if name.casefold() in other.casefold()]
    exact = [other for other in near if other.casefold() == name.casefold()]
    return exact or near

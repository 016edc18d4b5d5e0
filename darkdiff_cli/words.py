"""Numbers of things in sentences."""


def counted(number: int, thing: str) -> str:
    """A number of things: "1 frame", "2 frames".

    Args:
        number: of them.
        thing: its name, whose plural ends in s.
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"

"""What names and describes the variables of a Dataset."""

from thermobatch.foundation.streams import Seed, seed_sequence


def named(long_name: str, units: str = "1") -> dict[str, str]:
    """Return the attributes of a variable."""
    return {"units": units, "long_name": long_name}


def seed_attribute(seed: Seed) -> str:
    """Return a seed as text: its entropy and its place below it."""
    sequence = seed_sequence(seed)
    return f"{sequence.entropy} {list(sequence.spawn_key)}"

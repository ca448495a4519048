"""The scales everything can be made at."""

from typing import Literal, get_args

Scale = Literal["smoke", "standard", "paper"]
SCALES: tuple[str, ...] = get_args(Scale)

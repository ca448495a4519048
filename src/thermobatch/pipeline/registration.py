"""What was stated of claims (margins, selections, exclusions), when and why: the history in `claims.lock.yaml`.

The lock is history: an entry is added, never edited. A run needs it for the record only, so that claims decided with
options of one's own say that these are not the registered ones.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from thermobatch.pipeline.config.files import read_layer
from thermobatch.pipeline.errors import ConfigurationError

LOCK = "claims.lock.yaml"


class Registration(BaseModel):
    """What a claim's options were from a day on.

    Parameters
    ----------
    date : the day on which they were stated, such as ``2026-11-21``.
    commit : the commit that stated them; None if it is the one that adds the entry.
    options : all options of the claim's stanza in `config.yaml`: margin, selection, exclusions.
    reason : why these, and what was known when they were stated.
    statement : the claim's words of that day, where a later entry changes them too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    date: str = Field(pattern=r"^20\d\d-[01]\d-[0-3]\d$")
    commit: str | None = Field(default=None, pattern=r"^[0-9a-f]{7,40}$")
    options: dict[str, Any]
    reason: str = Field(min_length=5)
    statement: str | None = None


_Lock = TypeAdapter(dict[str, Annotated[list[Registration], Field(min_length=1)]])


def read_registrations(path: Path) -> dict[str, list[Registration]]:
    """Return the entries of every claim, oldest first.

    Raises
    ------
    ConfigurationError
        With one line per problem: what is no strict YAML, unknown or missing keys, entries that are not in the order
        of their dates.
    """
    data = read_layer(path).data
    try:
        entries = _Lock.validate_python(data)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        ) from None
    unordered = [
        name for name, listed in entries.items() if listed != sorted(listed, key=lambda entry: entry.date)
    ]
    if unordered:
        raise ConfigurationError(f"{path}: {name}: must be in the order of the dates" for name in unordered)
    return entries


def is_registered(options: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> bool:
    """Say whether options are those of the last entry (entries as plain data, as in a row of `claims.json`)."""
    return bool(entries) and dict(options) == entries[-1]["options"]

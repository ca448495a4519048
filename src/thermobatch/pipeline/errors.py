"""The errors people can mend: each message says what is wrong and what to do."""

from collections.abc import Iterable


class ConfigurationError(ValueError):
    """A configuration that cannot run; `lines` has one line per problem."""

    def __init__(self, lines: Iterable[str]):
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self):
        return type(self), (self.lines,)


class DamagedFileError(RuntimeError):
    """A file of the workflow that cannot be trusted, with the command that rebuilds it."""

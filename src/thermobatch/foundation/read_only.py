"""Objects that are shared between runs and processes: their arrays can only be read, in every copy."""

import numpy as np


class ReadOnlyArrays:
    """Base of frozen dataclasses whose arrays are read-only: pickle and deepcopy would make them writable."""

    def __setstate__(self, state: dict) -> None:
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        self.__dict__.update(state)


def read_only(array: np.ndarray) -> np.ndarray:
    """Return a read-only view."""
    view = array.view()
    view.flags.writeable = False
    return view

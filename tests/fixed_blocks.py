"""Blocks of a given number of steps, whatever the speed: to see that they change nothing."""

from thermobatch.foundation.blocks import Blocks


def fix_blocks(monkeypatch, steps: int) -> None:
    """Let every run be cut into blocks of so many steps."""

    def ends(self, begin: int, end: int):
        for block in range(begin, end, steps):
            yield min(block + steps, end)

    monkeypatch.setattr(Blocks, "ends", ends)

"""Descriptions of arguments written once."""

import inspect

import pytest

import thermobatch as tb
from thermobatch.foundation.docstrings import described_like, parameter_entries


def source(a, b, c, d):
    """Do.

    Parameters
    ----------
    a : int
        The first.

        - with a list;
        - and its end.
    b, c : float
        Two: with a colon.
    d : str, optional
        The last.

    Returns
    -------
    int
    """


def test_references_become_descriptions():
    @described_like(source)
    def other(a, x, b, c, d):
        """Do otherwise.

        Parameters
        ----------
        a
            As in :func:`source`.
        x : int
            As in :func:`another`.
        b, c, d
            As for :func:`source`. But more.

        Returns
        -------
        int
            As for :func:`source`.
        """

    entries = parameter_entries(other.__doc__)
    assert list(entries) == [("a",), ("x",), ("b", "c"), ("d",)]
    assert entries[("a",)] == parameter_entries(source.__doc__)[("a",)] and "and its end" in entries[("a",)]
    assert entries[("x",)].endswith("    As in :func:`another`.\n")
    assert entries[("d",)] == "d : str, optional\n    The last.\n    But more.\n"
    assert "\n\nReturns\n-------\nint\n    As for :func:`source`." in other.__doc__
    with pytest.raises(ValueError, match="e: source does not describe it"):

        @described_like(source)
        def wrong(e):
            """Do.

            Parameters
            ----------
            e
                As in :func:`source`.
            """


@pytest.mark.parametrize("name", tb.__all__[1:])
def test_help_shows_every_argument_of_the_front_door(name):
    thing = getattr(tb, name)
    entries = parameter_entries(inspect.getdoc(thing) or "")
    assert not [names for names, text in entries.items() if "    As in :" in text or "    As for :" in text]
    assert all(len(text.splitlines()) > 1 or " : " in text for text in entries.values())

"""An energy and a gradient of the user's own: what they must be, and words for what they are not.

Numba compiles whatever it can: without its bounds checks a function that reads ``x[1]`` in one dimension reads memory
that is not its own. So the functions are tried as copies with bounds checks, before anything else calls them; and
wherever runs were seen afterwards, which may be far from there.
"""

import functools
import inspect
import re
from collections.abc import Callable
from types import FunctionType

import numba
import numpy as np
from numba import types

from thermobatch.foundation.arguments import described
from thermobatch.foundation.compilation import own_function, uncached

PLACES = 5  # of the start box where the functions are tried
FLAT_MARGIN = 0.1  # times 1 + |x|: how far beyond a start box without width they are tried too
FORMS = {
    "energy": "energy(x) -> float, one number from a position x, float64[d], which it only reads",
    "gradient": "gradient(x, out), which reads a position x and writes into out, both float64[d], and returns nothing",
}
POSITION = types.float64[::1]
READ_ONLY = types.Array(types.float64, 1, "C", readonly=True)
RESULTS = {"energy": types.float64, "gradient": types.void}


def checked_energy_and_gradient(
    energy: Callable, gradient: Callable, box: tuple[np.ndarray, np.ndarray]
) -> tuple["CheckedFunction", "CheckedFunction"]:
    """Return both functions with bounds checks, after trying them at places of the `box` of two corners.

    ValueError, naming the function, as :func:`thermobatch.langevin.own_landscape.landscape` says.
    """
    own_energy, own_gradient = _compilable("energy", energy, 1), _compilable("gradient", gradient, 2)
    tried_energy = CheckedFunction("energy", own_energy)
    tried_gradient = CheckedFunction("gradient", own_gradient)
    generator = np.random.default_rng(np.random.SeedSequence(0))
    lower, upper = box
    for place in generator.uniform(lower, upper, (PLACES, lower.size)):
        _check_place(tried_energy, tried_gradient, place)
    margin = np.where(lower == upper, FLAT_MARGIN * (1.0 + np.abs(lower)), 0.0)
    if margin.any():  # all those places are in one plane, or are the same
        for place in generator.uniform(lower - margin, upper + margin, (PLACES, lower.size)):
            if _is_finite_around(tried_energy, place):
                _check_place(tried_energy, tried_gradient, place)
    return tried_energy, tried_gradient


def _is_finite_around(energy: "CheckedFunction", place: np.ndarray) -> bool:
    """Whether the energy is finite at, and next to, a place outside the start box, where it need not be defined."""
    shifts = np.diag(_steps(place))
    try:
        return all(np.isfinite(energy(there)) for there in (place, *(place + shifts), *(place - shifts)))
    except ValueError:
        return False


def _steps(place: np.ndarray) -> np.ndarray:
    """Steps of the finite differences at a place, one a component."""
    return 1e-5 * (1.0 + np.abs(place))


def _check_place(energy: "CheckedFunction", gradient: "CheckedFunction", place: np.ndarray) -> None:
    """Try both functions at one place, where the gradient must equal central differences of the energy."""
    at = f"at x = {place.tolist()}"
    value = energy(place)
    if not np.isfinite(value):
        raise ValueError(f"energy: is {value} {at}: must be finite wherever runs may start")
    if energy(place) != value:
        raise ValueError(f"energy: gives other numbers for the same x, {at}: must depend on x only")
    given, again = np.full((2, place.size), np.nan)
    again[:] = 0.0
    gradient(place, given)
    gradient(place, again)
    if np.isnan(given).any():
        component = int(np.argmax(np.isnan(given)))
        raise ValueError(
            f"gradient: leaves out[{component}] as it was, or makes it nan, {at}: must set every entry of out, which "
            "may hold anything before"
        )
    if not np.array_equal(given, again):
        raise ValueError(f"gradient: gives other numbers for the same x, {at}: must depend on x only")
    step = _steps(place)
    differences = np.array(
        [
            (energy(place + shift) - energy(place - shift)) / (2.0 * size)
            for shift, size in zip(np.diag(step), step, strict=True)
        ]
    )
    scale = 1.0 + np.abs(differences).max()
    if not np.allclose(given, differences, rtol=1e-4, atol=1e-6 * scale):
        raise ValueError(
            f"gradient: is {given.tolist()} {at}, where finite differences of the energy give {differences.tolist()}"
        )


class CheckedFunction:
    """A user's `function` with bounds checks, in itself and in all compiled functions it calls by name."""

    def __init__(self, name: str, function):
        self.name, self.function = name, function
        out = () if name == "energy" else (POSITION,)
        try:
            self.checked = self._copy((READ_ONLY, *out))
        except Exception as error:
            if "Cannot modify readonly array" in str(error):
                raise ValueError(
                    f"{name}: writes into x{_line(error, function)}: must be {FORMS[name]}"
                ) from error
            self.checked = self._copy_or_explain(
                (POSITION, *out)
            )  # not everything in numba takes read-only arrays

    def __reduce__(self):
        """Travel as the function, to be compiled anew."""
        return CheckedFunction, (self.name, self.function)

    def refuse_failures(self, places: np.ndarray) -> None:
        """Raise ValueError where it fails, or reads or writes beyond its arrays, at one of `places`, float64[n, d].

        What runs call fails in silence there: it reads any memory, or gives 0.
        """
        out = () if self.name == "energy" else (np.empty(places.shape[1]),)
        for place in places:
            try:
                self.checked(place.copy(), *out)
            except Exception as error:
                beyond = isinstance(error, IndexError)
                words = (
                    "an index is out of bounds" if beyond else f"fails with {type(error).__name__}: {error},"
                )
                raise ValueError(
                    f"{self.name}: {words} at x = {place.tolist()}: must be defined wherever runs go, also outside "
                    "the start box"
                ) from error

    def __call__(self, place: np.ndarray, *out: np.ndarray) -> float | None:
        """Call it at a place, or say in words what is wrong."""
        x = place.copy()
        try:
            result = self.checked(x, *out)
        except IndexError as error:
            raise ValueError(
                f"{self.name}: an index is out of bounds at x = {place.tolist()}, which has as many entries as the "
                f"corners of start, d = {place.size}; must be {FORMS[self.name]}"
            ) from error
        except Exception as error:
            raise ValueError(
                f"{self.name}: fails at x = {place.tolist()} with {type(error).__name__}: {error}"
            ) from error
        if not np.array_equal(x, place):
            raise ValueError(f"{self.name}: changes x at x = {place.tolist()}: must be {FORMS[self.name]}")
        return result

    def _copy(self, arguments: tuple):
        """Compile a copy for these types of arguments."""
        copy = uncached(self.function, boundscheck=True)
        copy.compile(RESULTS[self.name](*arguments))
        copy.disable_compile()
        return copy

    def _copy_or_explain(self, arguments: tuple):
        """Compile a copy, or say in a line why numba cannot."""
        try:
            return self._copy(arguments)
        except Exception as error:  # numba has errors of its own, and those of its mistakes
            raise ValueError(
                f"{self.name}: numba cannot compile it: {_reason(error)}{_line(error, self.function)}; "
                f"must be {FORMS[self.name]}"
            ) from error


def _compilable(name: str, function: Callable, count: int):
    """Return a ``numba.njit`` function of `count` arguments, or say why `function` cannot be made one."""
    compiled = isinstance(function, numba.core.dispatcher.Dispatcher)
    if not compiled and not isinstance(function, FunctionType):
        kind = "functools.partial" if isinstance(function, functools.partial) else type(function).__name__
        if not callable(function):
            raise ValueError(f"{name} {described(function)}: must be a function, {FORMS[name]}")
        raise ValueError(
            f"{name} is a {kind}: numba compiles plain functions only, must be one, {FORMS[name]}; it may read numbers "
            "and arrays from around it (def make(a): def energy(x): return a * x[0] ** 2)"
        )
    form = inspect.signature(function.py_func if compiled else function)
    try:
        form.bind(*range(count))
    except TypeError:
        raise ValueError(f"{name}: takes {form}: must be {FORMS[name]}") from None
    return own_function(function)


def _reason(error: Exception) -> str:
    """What is wrong, in a line, from numba's many."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    returned = re.search(r"No conversion from (.*) to (\S+) for '\$\S*return", text)
    if returned:
        return f"it returns {_in_words(returned[1])}"
    missing = re.search(r"^ *>>> (.*)$", text, re.MULTILINE)
    if missing:
        return f"it has no {_in_words(missing[1])}"
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line and not line.startswith("Failed in")), type(error).__name__)


def _in_words(numba_type: str) -> str:
    """A numba type as its users call it."""
    words = re.sub(r"(readonly )?array\(float64, (\d)d, C\)", r"an array of \2 dimension(s)", numba_type)
    return re.sub(r"^none$", "nothing", words)


def _line(error: Exception, function) -> str:
    """Where in the user's file numba stopped, if it says so."""
    code = function.py_func.__code__
    place = getattr(error, "loc", None)
    if place is not None and place.filename == code.co_filename:
        return f", line {place.line} of {_file(code.co_filename)}"
    found = re.findall(rf"{re.escape(code.co_filename)} \((\d+)\)", str(error))
    return f", line {found[-1] if found else code.co_firstlineno} of {_file(code.co_filename)}"


def _file(name: str) -> str:
    """The last part of a file's name."""
    return name.rsplit("/", 1)[-1]

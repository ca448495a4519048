"""What a claim is: a statement of a paper, decided by data against a margin stated beforehand."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import xarray as xr
from pydantic import BaseModel, ConfigDict, create_model

from thermobatch.study.discovery import claim_modules, load

Verdict = Literal["reproduced", "not_reproduced", "inconclusive", "not_decided"]


@dataclass(frozen=True)
class Outcome:
    """What the data say of a claim.

    Parameters
    ----------
    estimate : the number the claim is about.
    interval : its confidence interval (low, high).
    margin : the margin, or (low, high), that decides; stated in config.yaml before the data.
    method : how estimate, interval and verdict were obtained, for a reader of the table.
    verdict : reproduced, not_reproduced or inconclusive (not_decided is for the pipeline: there were no data).
    """

    estimate: float
    interval: tuple[float, float]
    margin: float | tuple[float, float]
    method: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A registered claim: its identifier, source, statement and the function that decides it."""

    identifier: str
    source: str
    statement: str
    decide: Callable[..., Outcome]

    def row(self, datasets: list[xr.Dataset], options: dict[str, Any]) -> dict[str, Any]:
        """Decide the claim and return the row of `claims.json`.

        Data that cannot decide it (too few instances, a point missing at this scale) leave it inconclusive, with the
        reason as the method and no estimate.
        """
        try:
            outcome = asdict(self.decide(*datasets, **options))
        except ValueError as error:
            return self.undecided(str(error), options, "inconclusive")
        return self._described(outcome)

    def undecided(
        self, reason: str, options: dict[str, Any], verdict: Verdict = "not_decided"
    ) -> dict[str, Any]:
        """Return the row of a claim that could not be decided: no estimate, the reason as the method."""
        numbers = {"estimate": None, "interval": [None, None], "margin": options.get("margin")}
        return self._described({**numbers, "method": f"not decided: {reason}", "verdict": verdict})

    def _described(self, outcome: dict[str, Any]) -> dict[str, Any]:
        return {"id": self.identifier, "source": self.source, "statement": self.statement, **outcome}


_registered: dict[str, Claim] = {}


def claim(identifier: str, *, source: str, statement: str):
    """Register the decorated function as the claim `identifier`.

    The function takes the Datasets named in config.yaml and its options (`margin`, ...) as keyword-only arguments,
    and returns an Outcome.
    """

    def register(decide: Callable[..., Outcome]) -> Callable[..., Outcome]:
        if identifier in _registered:
            raise ValueError(f"claim {identifier} is defined twice")
        _registered[identifier] = Claim(identifier, source, statement, decide)
        return decide

    return register


@cache
def claims() -> dict[str, Claim]:
    """Return all claims by identifier: those that the studies register."""
    for module in claim_modules():
        load(module)
    return dict(_registered)


def claim_problems(identifier: str, n_datasets: int) -> list[str]:
    """Return what is wrong with a claim's name and datasets, one line per problem, each starting after the name."""
    if identifier not in claims():
        return [f": no such claim; known: {', '.join(claims()) or 'none'}"]
    wanted = len(_parameters(claims()[identifier], inspect.Parameter.POSITIONAL_OR_KEYWORD))
    if wanted != n_datasets:
        return [f".dataset: names {n_datasets} experiments, {wanted} are needed"]
    return []


def options_model(decided: Claim) -> type[BaseModel]:
    """Return the model that a claim's options must fit: the keyword-only arguments of its function."""
    fields = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in _parameters(decided, inspect.Parameter.KEYWORD_ONLY)
    }
    return create_model("Options", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _parameters(decided: Claim, kind) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in inspect.signature(decided.decide).parameters.values()
        if parameter.kind is kind
    ]

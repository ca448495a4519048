"""What a claim is: a statement of a paper, decided by data against a margin stated beforehand."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import xarray as xr
from pydantic import ConfigDict, ValidationError, create_model

from thermobatch.study.discovery import claim_modules, load

Verdict = Literal["reproduced", "not_reproduced", "inconclusive"]


@dataclass(frozen=True)
class Outcome:
    """What the data say of a claim.

    Parameters
    ----------
    estimate : the number the claim is about.
    interval : its confidence interval (low, high).
    margin : the margin, or (low, high), that decides; stated in config.yaml before the data.
    method : how estimate, interval and verdict were obtained, for a reader of the table.
    verdict : reproduced, not_reproduced or inconclusive.
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
            undecided = {"estimate": None, "interval": [None, None], "margin": options.get("margin")}
            outcome = {**undecided, "method": f"not decided: {error}", "verdict": "inconclusive"}
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


def claim_problems(identifier: str, options: dict[str, Any], n_datasets: int) -> list[str]:
    """Return what is wrong with a claim's stanza, one line per problem, each starting after the identifier."""
    if identifier not in claims():
        return [f": no such claim; known: {', '.join(claims()) or 'none'}"]
    signature = inspect.signature(claims()[identifier].decide)
    by_kind: dict[Any, list[inspect.Parameter]] = {}
    for parameter in signature.parameters.values():
        by_kind.setdefault(parameter.kind, []).append(parameter)
    wanted = len(by_kind.get(inspect.Parameter.POSITIONAL_OR_KEYWORD, []))
    problems = (
        [] if wanted == n_datasets else [f".dataset: names {n_datasets} experiments, {wanted} are needed"]
    )
    fields = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in by_kind.get(inspect.Parameter.KEYWORD_ONLY, [])
    }
    model = create_model("Options", __config__=ConfigDict(extra="forbid", strict=True), **fields)
    try:
        model.model_validate(options)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            name = ".".join(map(str, problem["loc"]))
            if problem["type"] == "extra_forbidden":
                problems.append(f".{name}: unknown key; allowed: {', '.join(['dataset', *fields])}")
            elif problem["type"] == "missing":
                problems.append(f".{name}: missing; it is required")
            else:
                problems.append(f".{name} = {problem['input']!r}: {problem['msg']}")
    return problems

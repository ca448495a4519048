"""What a claim is: a statement decided by data against a margin stated beforehand, by a protocol of known origin."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal, get_args

import xarray as xr
from pydantic import BaseModel, ConfigDict, create_model

from thermobatch.study.discovery import claim_modules, load

Protocol = Literal["paper", "program", "ours"]
"""Where setting and procedure of a claim come from: a paper's text, its authors' program, or our own design."""

Verdict = Literal["reproduced", "not_reproduced", "inconclusive", "not_decided"]
SHOWN = {"reproduced": "holds", "not_reproduced": "does_not_hold"}
"""What the verdicts of our own protocols are called: only what a paper or its program prescribes is reproduced."""
VERDICTS = (
    "reproduced",
    "holds",
    "not_reproduced",
    "does_not_hold",
    "inconclusive",
    "not_decided",
    "illustration",
)
"""Every verdict that a row of `claims.json` can have."""


@dataclass(frozen=True)
class Outcome:
    """What the data say of a claim.

    Parameters
    ----------
    estimate : the number the claim is about.
    interval : its confidence interval (low, high).
    margin : the margin, or (low, high), that decides; stated in config.yaml before the data.
    method : how estimate, interval and verdict were obtained, for a reader of the table.
    verdict : reproduced, not_reproduced or inconclusive, whatever the claim's protocol: `Claim.row` says what its row
        calls that (not_decided is for the pipeline: there were no data).
    """

    estimate: float
    interval: tuple[float, float]
    margin: float | tuple[float, float]
    method: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A registered claim.

    Parameters
    ----------
    identifier : figure and name, such as ``E1.same_energy``.
    source : who says so (DOI, arXiv number), or that nobody did.
    statement : what is claimed: quantity, range, exclusions, and what "same" means.
    decide : the function that decides it.
    protocol : where setting and procedure come from; "ours" as soon as a part that can turn the verdict is our choice.
    illustration : whether it cannot fail by construction. Then it is shown, and not counted as a verdict.
    """

    identifier: str
    source: str
    statement: str
    decide: Callable[..., Outcome]
    protocol: Protocol
    illustration: bool = False

    def row(self, datasets: list[xr.Dataset], options: dict[str, Any]) -> dict[str, Any]:
        """Decide the claim and return the row of `claims.json`.

        Data that cannot decide it (too few instances, a point missing at this scale) leave it inconclusive, with the
        reason as the method and no estimate. A verdict on a protocol of ours is `holds` or `does_not_hold`; that of an
        illustration is `illustration`.
        """
        try:
            outcome = asdict(self.decide(*datasets, **options))
        except ValueError as error:
            return self.undecided(str(error), options, "inconclusive")
        verdict = (
            SHOWN.get(outcome["verdict"], outcome["verdict"])
            if self.protocol == "ours"
            else outcome["verdict"]
        )
        return self._described(outcome | {"verdict": "illustration" if self.illustration else verdict})

    def undecided(
        self, reason: str, options: dict[str, Any], verdict: Verdict = "not_decided"
    ) -> dict[str, Any]:
        """Return the row of a claim that could not be decided: no estimate, the reason as the method."""
        numbers = {"estimate": None, "interval": [None, None], "margin": options.get("margin")}
        return self._described({**numbers, "method": f"not decided: {reason}", "verdict": verdict})

    def _described(self, outcome: dict[str, Any]) -> dict[str, Any]:
        described = {"id": self.identifier, "source": self.source, "protocol": self.protocol}
        return {**described, "statement": self.statement, **outcome}


_registered: dict[str, Claim] = {}


def claim(identifier: str, *, source: str, protocol: Protocol, statement: str, illustration: bool = False):
    """Register the decorated function as the claim `identifier`.

    The function takes the Datasets named in config.yaml and its options (`margin`, ...) as keyword-only arguments,
    and returns an Outcome. The other arguments are those of `Claim`.
    """
    if protocol not in get_args(Protocol):
        raise ValueError(
            f"claim {identifier}: protocol = {protocol!r}: must be one of {', '.join(get_args(Protocol))}"
        )

    def register(decide: Callable[..., Outcome]) -> Callable[..., Outcome]:
        if identifier in _registered:
            raise ValueError(f"claim {identifier} is defined twice")
        _registered[identifier] = Claim(identifier, source, statement, decide, protocol, illustration)
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


def counted(verdicts: Mapping[str, int]) -> str:
    """Return how many claims have each verdict, in words; illustrations apart, they are no verdicts.

    Parameters
    ----------
    verdicts
        Numbers of claims by the verdicts of their rows.
    """
    known = [verdict for verdict in VERDICTS if verdicts.get(verdict) and verdict != "illustration"]
    words = (
        ", ".join(f"{verdicts[verdict]} {verdict.replace('_', ' ')}" for verdict in known) or "none decided"
    )
    shown = verdicts.get("illustration", 0)
    return words + (f" (and {shown} illustration{'s' if shown > 1 else ''}, not counted)" if shown else "")


def _parameters(decided: Claim, kind) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in inspect.signature(decided.decide).parameters.values()
        if parameter.kind is kind
    ]

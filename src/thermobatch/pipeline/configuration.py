"""Read and validate `config.yaml`: nothing runs on a bad configuration.

A configuration names experiments, figures and claims. `Configuration.experiment(name, scale)` resolves one experiment
at one scale into its points, each a validated parameter object under a readable name such as
``batch_fraction=0.9,sweeps=3000``.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from thermobatch.pipeline.config.complaints import describe, nearest, written_out
from thermobatch.pipeline.config.files import Layer, merged, origin_of, read_layer
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.study.claim import claim_problems, claims, options_model
from thermobatch.study.experiment import Experiment, experiment_class, experiments
from thermobatch.study.scale import SCALES, Scale

Name = r"^[A-Za-z][A-Za-z0-9_]*$"
LONGEST_NAME = (
    200  # bytes: with scale, experiment and seeds the name of a point must fit that of a file (255)
)


class _Stanza(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ExperimentStanza(_Stanza):
    """One experiment: fixed parameters, a scan over others, the number of seeds, and what each scale changes.

    A scan may set `seeds` for its own points.
    """

    parameters: dict[str, Any]
    scan: dict[str, Any] | list[dict[str, Any]] = Field(default_factory=dict)
    seeds: int = Field(ge=1)
    scales: dict[Scale, dict[str, Any]] = Field(default_factory=dict)


class FigureStanza(_Stanza):
    """One figure: its notebook and the experiments it draws."""

    notebook: str = Field(pattern=Name)
    datasets: list[str] = Field(default_factory=list)


class ClaimStanza(_Stanza):
    """One claim: the experiments that decide it, and its margin or other options stated beforehand."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    dataset: str | list[str]

    @property
    def datasets(self) -> list[str]:
        """The experiments, always as a list."""
        return [self.dataset] if isinstance(self.dataset, str) else self.dataset

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the datasets: keyword arguments of the claim."""
        return dict(self.model_extra or {})


class _File(_Stanza):
    scale: Scale = "standard"
    seed: int = Field(ge=0)
    chunk_seconds: float = Field(default=45, gt=0)
    experiments: dict[str, ExperimentStanza]
    figures: dict[str, FigureStanza] = Field(default_factory=dict)
    claims: dict[str, ClaimStanza] = Field(default_factory=dict)


@dataclass(frozen=True)
class ResolvedExperiment:
    """One experiment at one scale: its points and the numbers of their seeds, by the points' names."""

    name: str
    scale: str
    points: dict[str, Experiment]
    seeds: dict[str, int]
    root_seed: int

    def resolved(self) -> dict[str, Any]:
        """Return everything that decides the numbers, as plain data (the attribute of every dataset)."""
        return {
            "experiment": self.name,
            "seed": self.root_seed,
            "seeds": self.seeds,
            "points": {slug: point.model_dump(mode="json") for slug, point in self.points.items()},
        }

    def to_json(self) -> str:
        """Return the resolved experiment as text."""
        return json.dumps({"scale": self.scale, **self.resolved()})

    @classmethod
    def from_json(cls, text: str) -> "ResolvedExperiment":
        """Return the experiment that `to_json` wrote."""
        plain = json.loads(text)
        kind = experiment_class(plain["experiment"])
        points = {
            slug: kind.model_validate_json(json.dumps(point)) for slug, point in plain["points"].items()
        }
        return cls(plain["experiment"], plain["scale"], points, plain["seeds"], plain["seed"])


class Configuration:
    """A validated configuration.

    Parameters
    ----------
    data
        The mapping `config.yaml` holds, or several layers of one, the lowest first.
    origin
        The name errors use for the mapping; a layer has its own.

    Raises
    ------
    ConfigurationError
        With one line per problem: the path of the key, its value, what is allowed.
    """

    def __init__(self, data: Mapping[str, Any] | Sequence[Layer], origin: str = "config.yaml"):
        self.layers = [Layer(origin, _plain(data))] if isinstance(data, Mapping) else list(data)
        self.data = merged(self.layers)
        try:
            self._file = _File.model_validate(self.data)
            problems = [*self._resolve_all(), *self._check_names()]
        except ValidationError as error:
            problems = describe(error, _known_keys)
        if problems:
            raise ConfigurationError(f"{origin_of(line, self.layers)}: {line}" for line in problems)

    @classmethod
    def read(cls, *paths: str | Path, **overrides) -> "Configuration":
        """Read YAML files (default: config.yaml), each laid over the one before; `overrides` lie on top."""
        layers = [read_layer(path) for path in paths or ("config.yaml",)]
        return cls([*layers, Layer("overrides", overrides)] if overrides else layers)

    @property
    def scale(self) -> str:
        """The scale `all` asks for."""
        return self._file.scale

    @property
    def seed(self) -> int:
        """The root seed."""
        return self._file.seed

    @property
    def chunk_seconds(self) -> float:
        """The length a simulation job aims at, in seconds of the reference machine."""
        return self._file.chunk_seconds

    @property
    def experiments(self) -> list[str]:
        """Names of the configured experiments."""
        return list(self._file.experiments)

    @property
    def figures(self) -> dict[str, FigureStanza]:
        """Figures by identifier."""
        return self._file.figures

    @property
    def claims(self) -> dict[str, ClaimStanza]:
        """Claims by identifier."""
        return self._file.claims

    def stanza(self, name: str) -> ExperimentStanza:
        """Return what the configuration says of one experiment."""
        return self._file.experiments[name]

    def blocks(self, name: str, scale: str) -> list[dict[str, Any]]:
        """Return the scans of one experiment at one scale."""
        return _merge(self.stanza(name), scale, {}).blocks

    def experiment(self, name: str, scale: str | None = None) -> ResolvedExperiment:
        """Return one experiment at one scale (default: the configured one)."""
        scale = scale or self.scale
        if name not in self._file.experiments:
            raise ConfigurationError([f"experiments: no {name!r}{nearest(name, self.experiments)}"])
        if scale not in SCALES:
            raise ConfigurationError([f"scale = {scale!r}: must be one of {', '.join(SCALES)}"])
        return self._resolved[name, scale]

    def with_overrides(self, name: str, scale: str, overrides: Mapping[str, Any]) -> ResolvedExperiment:
        """Return one experiment at one scale with some parameters (or `scan`, `seeds`) changed.

        A changed parameter that the scan varies is taken out of the scan.
        """
        stanza = self._file.experiments[self.experiment(name, scale).name]
        lines, resolved = _resolve(name, scale, _merge(stanza, scale, dict(overrides)), self.seed, where=name)
        if lines:
            raise ConfigurationError(lines)
        return resolved

    def _resolve_all(self) -> list[str]:
        self._resolved, problems = {}, []
        for name, stanza in self._file.experiments.items():
            if name not in experiments():
                problems.append(f"experiments.{name}: no such experiment{nearest(name, experiments())}")
                continue
            for scale in SCALES:
                where = f"experiments.{name}"
                try:
                    laid = _merge(stanza, scale, {})
                    lines, resolved = _resolve(name, scale, laid, self.seed, where)
                    lines = lines or [f"{where}.{line}" for line in _problems_of_unused(name, stanza, laid)]
                except ConfigurationError as error:
                    lines, resolved = [f"{where}.{line}" for line in error.lines], None
                problems += [line for line in lines if line not in problems]
                self._resolved[name, scale] = resolved
        return problems

    def _check_names(self) -> list[str]:
        problems = []
        for identifier, figure in self.figures.items():
            problems += self._unknown(f"figures.{identifier}.datasets", figure.datasets)
            if not re.match(Name, identifier):
                problems.append(f"figures.{identifier}: names are letters, digits and _")
        for identifier, claim in self.claims.items():
            problems += self._unknown(f"claims.{identifier}.dataset", claim.datasets)
            found = claim_problems(identifier, len(claim.datasets)) or _problems_of_options(
                identifier, claim.options
            )
            problems += [f"claims.{identifier}{line}" for line in found]
        return problems

    def _unknown(self, where: str, names: Iterable[str]) -> list[str]:
        known = self.experiments
        return [
            f"{where}: no experiment {name!r}{nearest(name, known)}" for name in names if name not in known
        ]


class _Merged(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    parameters: dict[str, Any]
    blocks: list[dict[str, Any]]
    seeds: int = Field(ge=1)

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        expanded = []
        for block in self.blocks:
            columns = [value if isinstance(value, list) else [value] for value in block.values()]
            expanded += [dict(zip(block, values, strict=True)) for values in itertools.product(*columns)]
        return [{"seeds": self.seeds, **point} for point in expanded]


def _merge(stanza: ExperimentStanza, scale: str, overrides: dict[str, Any]) -> _Merged:
    """Lay the scale's changes and then `overrides` over the stanza; a scanned key that is set leaves the scan."""
    merged = {"parameters": dict(stanza.parameters), "scan": stanza.scan, "seeds": stanza.seeds}
    for changes in (stanza.scales.get(scale, {}), overrides):
        changes = dict(changes)
        merged["scan"] = changes.pop("scan", merged["scan"])
        merged["seeds"] = changes.pop("seeds", merged["seeds"])
        blocks = merged["scan"] if isinstance(merged["scan"], list) else [merged["scan"]]
        if not all(isinstance(block, dict) for block in blocks):
            raise ConfigurationError(
                [f"scan = {merged['scan']!r}: must be a mapping or a list of mappings ({scale})"]
            )
        merged["scan"] = [
            {key: value for key, value in block.items() if key not in changes} for block in blocks
        ]
        merged["parameters"].update(changes)
    blocks = [block for index, block in enumerate(merged["scan"]) if block not in merged["scan"][:index]]
    return _Merged.model_construct(
        parameters=merged["parameters"], blocks=blocks or [{}], seeds=merged["seeds"]
    )


def _resolve(
    name, scale, merged: _Merged, seed: int, where: str
) -> tuple[list[str], ResolvedExperiment | None]:
    problems, points, seeds = [], {}, {}
    kind = experiment_class(name)
    for block in merged.blocks:
        for key, value in block.items():
            if isinstance(value, list) and not value:
                problems.append(f"{where}.scan.{key} = [] ({scale}): must hold at least one value")
    for changes in merged.points:
        count = changes.pop("seeds")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            advice = written_out(count, whole=True)
            line = (
                f"{where}.seeds = {count!r}: must be an integer greater than or equal to 1{advice} ({scale})"
            )
            problems += [line] if line not in problems else []
        parameters = {**merged.parameters, **changes}
        try:
            point = kind.model_validate(parameters)
            slug = point_slug({key: getattr(point, key) for key in changes})
        except ValidationError as error:
            for line in describe(error, lambda path: list(kind.model_fields)):
                line = f"{where}.{line} ({scale})"
                problems += [line] if line not in problems else []
            continue
        except ConfigurationError as error:
            problems += [f"{where}.scan: {line} ({scale})" for line in error.lines]
            continue
        if slug in points:
            problems.append(f"{where}.scan: the point {slug} appears twice ({scale})")
        points[slug], seeds[slug] = point, count
    return problems, ResolvedExperiment(name, scale, points, seeds, seed)


def _problems_of_unused(name: str, stanza: ExperimentStanza, merged: _Merged) -> Iterator[str]:
    """What is wrong in itself with base values that a scale or the scan replaces, so that no point would tell."""
    kind = experiment_class(name)
    point = {**merged.parameters, **merged.points[0]}
    point.pop("seeds", None)
    for key, value in stanza.parameters.items():
        if point[key] != value:
            try:
                kind.model_validate({**point, key: value})
            except ValidationError as error:
                lines = describe(error, lambda path: list(kind.model_fields))
                yield from (line for line in lines if re.match(rf"{re.escape(key)}\b", line))


def point_slug(changes: Mapping[str, Any]) -> str:
    """Return the name of a scan point in paths, such as ``batch_fraction=0.9,sweeps=3000`` (``all`` without a scan)."""
    parts = []
    for key, value in changes.items():
        text = format(value, ".12g") if isinstance(value, float) else str(value)
        if isinstance(value, dict | list) or not re.fullmatch(r"[A-Za-z0-9_.+-]+", text):
            raise ConfigurationError([f"{key} = {value!r}: a scanned value must be a number or a plain word"])
        parts.append(f"{key}={text}")
    name = ",".join(parts) or "all"
    if len(name) > LONGEST_NAME:
        raise ConfigurationError(
            [
                f"the point {name[:40]}... has a name of {len(name)} bytes, and {LONGEST_NAME} fit a path: scan over "
                "fewer parameters at once, and put what does not vary into `parameters`"
            ]
        )
    return name


def _plain(data: Any) -> Any:
    """Return mappings as plain dicts (Snakemake hands its own kinds over)."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list | tuple) else data


def _problems_of_options(identifier: str, options: dict[str, Any]) -> list[str]:
    model = options_model(claims()[identifier])
    try:
        model.model_validate(options)
    except ValidationError as error:
        return [f".{line}" for line in describe(error, lambda path: list(model.model_fields))]
    return []


def _known_keys(path: list[str]) -> list[str]:
    """Return the keys allowed at `path` of the file."""
    if not path:
        return list(_File.model_fields)
    stanzas = {"experiments": ExperimentStanza, "figures": FigureStanza, "claims": ClaimStanza}
    return list(stanzas[path[0]].model_fields) if path[0] in stanzas else []

"""What the Snakefile asks for: paths, chunks, inputs and resources of every job, all from the configuration."""

import ast
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import nbformat

from thermobatch.compilation import PACKAGE
from thermobatch.experiments.experiment import Experiment, Instance
from thermobatch.pipeline.configuration import (
    Configuration,
    FigureStanza,
    point_slug,
)
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.sources import closure_hash, imported_modules

INSTANCES = "results/{scale}/instances/{ensemble}/instances={first}-{last}.nc"
CHUNK = "results/{scale}/chunks/{experiment}/{point}/seeds={first}-{last}.nc"
DATASET = "results/{scale}/datasets/{experiment}.nc"
FIGURE = "figures/{scale}/{figure}"
NOTEBOOK = "results/{scale}/notebooks/{figure}"
CLAIMS = "results/{scale}/claims.json"

INTERPRETER_BYTES = 350e6
INSTANCE_FILE_BYTES = 32e6


class Chunk(NamedTuple):
    """A block of consecutive seeds of one point: the work of one job."""

    point: str
    first: int
    last: int


@dataclass(frozen=True)
class Workflow:
    """The jobs of a configuration.

    Parameters
    ----------
    configuration : Configuration
    """

    configuration: Configuration

    def targets(self, scale: str) -> list[str]:
        """Return the files `all` asks for at one scale."""
        files = [
            f"{FIGURE.format(scale=scale, figure=figure)}.{kind}"
            for figure in self.configuration.figures
            for kind in ("pdf", "svg", "png")
        ]
        return [*files, CLAIMS.format(scale=scale)] if self.configuration.claims else files

    def chunks(self, scale: str, experiment: str) -> Iterator[Chunk]:
        """Yield the chunks of an experiment: as many seeds each as fill the configured time."""
        resolved = self.configuration.experiment(experiment, scale)
        for slug, point in resolved.points.items():
            seeds = resolved.seeds[slug]
            size = max(1, min(seeds, int(self.configuration.chunk_seconds / point.cost().seconds)))
            for first in range(0, seeds, size):
                yield Chunk(slug, first, min(first + size, seeds) - 1)

    def chunk_files(self, scale: str, experiment: str) -> list[str]:
        """Return the files an experiment's dataset is made of."""
        return [
            CHUNK.format(scale=scale, experiment=experiment, **chunk._asdict())
            for chunk in self.chunks(scale, experiment)
        ]

    def point(self, scale: str, experiment: str, slug: str) -> Experiment:
        """Return one point; a path of an unknown point is an error that says so."""
        points = self.configuration.experiment(experiment, scale).points
        if slug not in points:
            raise ConfigurationError(
                [f"{experiment} has no point {slug} at scale {scale}; known: {', '.join(points)}"]
            )
        return points[slug]

    def point_json(self, scale: str, experiment: str, slug: str) -> str:
        """Return the parameters of one point as text for a command line."""
        return json.dumps(self.point(scale, experiment, slug).model_dump(mode="json"), sort_keys=True)

    def instance_files(self, scale: str, experiment: str, slug: str, first: int, last: int) -> list[str]:
        """Return the instance files a chunk reads, in the order of the seeds."""
        ensemble = self.point(scale, experiment, slug).instance()
        if ensemble is None:
            return []
        size = instances_per_file(ensemble)
        blocks = range(first // size, last // size + 1)
        return [
            INSTANCES.format(
                scale=scale, ensemble=ensemble_slug(ensemble), first=b * size, last=(b + 1) * size - 1
            )
            for b in blocks
        ]

    @cache  # noqa: B019 - one Workflow lives as long as the process
    def _ensembles(self, scale: str) -> dict[str, Instance]:
        found = {}
        for experiment in self.configuration.experiments:
            for point in self.configuration.experiment(experiment, scale).points.values():
                if (ensemble := point.instance()) is not None:
                    found[ensemble_slug(ensemble)] = ensemble
        return found

    def ensemble(self, scale: str, slug: str) -> Instance:
        """Return the ensemble whose folder is called `slug`."""
        if slug not in self._ensembles(scale):
            raise ConfigurationError([f"no experiment uses instances {slug} at scale {scale}"])
        return self._ensembles(scale)[slug]

    def ensemble_json(self, scale: str, slug: str) -> str:
        """Return an ensemble as text for a command line."""
        return json.dumps(self.ensemble(scale, slug).model_dump(mode="json"), sort_keys=True)

    def structures_json(self, scale: str, experiment: str) -> str:
        """Return the different kinds of points an experiment has, one of each, as text for a command line."""
        kinds = {}
        for point in self.configuration.experiment(experiment, scale).points.values():
            kinds.setdefault(_text(point.structure()), point.model_dump(mode="json"))
        return _text(list(kinds.values()))

    def instances_memory(self, scale: str, slug: str) -> int:
        """Return the memory in MB that drawing one file of instances takes, with room to spare."""
        ensemble = self.ensemble(scale, slug)
        return math.ceil(
            (INTERPRETER_BYTES + 2 * (1 + instances_per_file(ensemble)) * ensemble.size_bytes()) / 1e6
        )

    def simulate_memory(self, scale: str, experiment: str, slug: str) -> int:
        """Return the memory in MB of a simulation job, with room to spare."""
        point = self.point(scale, experiment, slug)
        ensemble = point.instance()
        size = 2 * ensemble.size_bytes() if ensemble else 0.0
        return math.ceil((INTERPRETER_BYTES + 1.5 * (point.cost().memory_bytes + size)) / 1e6)

    def simulate_minutes(self, scale: str, experiment: str, slug: str, n_seeds: int) -> int:
        """Return the run time in minutes to ask a scheduler for: four times the expected one, and the start."""
        return 5 + math.ceil(4 * self.point(scale, experiment, slug).cost().seconds * n_seeds / 60)

    def typical_seconds(self) -> dict[str, float]:
        """Return the mean length of a simulation job at the configured scale, for the progress lines."""
        scale, names = self.configuration.scale, self.configuration.experiments
        resolved = {name: self.configuration.experiment(name, scale) for name in names}
        chunks = [(name, chunk) for name in names for chunk in self.chunks(scale, name)]
        seconds = sum(
            resolved[name].points[c.point].cost().seconds * (c.last - c.first + 1) for name, c in chunks
        )
        return {"simulate": 1.0 + seconds / max(1, len(chunks))}

    def resolved_json(self, scale: str, experiment: str) -> str:
        """Return a resolved experiment as text."""
        return self.configuration.experiment(experiment, scale).to_json()

    def notebook(self, figure: str) -> str:
        """Return the notebook that draws a figure."""
        return f"workflow/notebooks/{self._figure(figure).notebook}.ipynb"

    def figure_datasets(self, scale: str, figure: str) -> list[str]:
        """Return the datasets a figure draws."""
        return self.datasets(scale, self._figure(figure).datasets)

    def _figure(self, figure: str) -> FigureStanza:
        if figure not in self.configuration.figures:
            raise ConfigurationError([f"no figure {figure}; known: {', '.join(self.configuration.figures)}"])
        return self.configuration.figures[figure]

    def claims_json(self) -> str:
        """Return all claims with their datasets and options as text for a command line."""
        rows = {
            name: {"datasets": c.datasets, "options": c.options}
            for name, c in self.configuration.claims.items()
        }
        return json.dumps(rows)

    def datasets(self, scale: str, names: list[str]) -> list[str]:
        """Return the dataset files of some experiments."""
        return [DATASET.format(scale=scale, experiment=name) for name in names]

    def claim_datasets(self) -> list[str]:
        """Return the experiments any claim needs, each once, in the order of the configuration."""
        needed = {name for claim in self.configuration.claims.values() for name in claim.datasets}
        return [name for name in self.configuration.experiments if name in needed]


# What a job's numbers depend on enters its rule as a hash of source files among the parameters: an edit reruns what
# uses the file and nothing else, and a touched file or a fresh checkout reruns nothing.


def experiment_sources(experiment: str) -> str:
    """Return the hash of the sources an experiment's runs depend on."""
    return closure_hash(f"experiments.{experiment}")


def instance_sources(ensemble: Instance) -> str:
    """Return the hash of the sources instances of an ensemble depend on."""
    return closure_hash(type(ensemble).__module__.removeprefix("thermobatch."))


def claim_sources() -> str:
    """Return the hash of the sources claims depend on."""
    files = (PACKAGE / "claims").glob("*.py")
    return closure_hash(*sorted(f"claims.{file.stem}" for file in files if file.stem != "__init__"))


def notebook_sources(notebook: str) -> str:
    """Return the hash of the sources a notebook imports from the package."""
    cells = nbformat.read(notebook, as_version=4).cells
    tree = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    return closure_hash(*sorted(imported_modules(tree)))


def ensemble_slug(ensemble: Instance) -> str:
    """Return the folder name of an ensemble, such as ``coloring,graph=random,n=10000,q=5,mean_degree=19.0``."""
    return f"{ensemble.kind},{point_slug(ensemble.model_dump(mode='json', exclude_none=True))}"


def instances_per_file(ensemble: Instance) -> int:
    """Return how many instances share a file: a power of two that keeps files near 32 MB, at most 64.

    It depends on the ensemble alone and files are always full, so more seeds never change an existing file.
    """
    fitting = INSTANCE_FILE_BYTES / max(ensemble.size_bytes(), 1.0)
    return int(2 ** min(6, max(0, math.floor(math.log2(max(fitting, 1.0))))))


def _text(plain) -> str:
    return json.dumps(plain, sort_keys=True, default=str)

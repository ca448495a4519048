"""What the Snakefile asks for: paths, chunks, inputs and resources of every job, all from the configuration."""

import ast
import base64
import bz2
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat

from thermobatch.pipeline.configuration import (
    Configuration,
    FigureStanza,
    point_slug,
)
from thermobatch.pipeline.errors import ConfigurationError
from thermobatch.pipeline.registration import LOCK
from thermobatch.pipeline.sources import closure_hash, imported_modules
from thermobatch.study.discovery import claim_modules, experiment_module
from thermobatch.study.experiment import Cost, Experiment, Instance

INSTANCES = "results/{scale}/instances/{ensemble}/instances={first}-{last}.nc"
CHUNK = "results/{scale}/chunks/{experiment}/{point}/seeds={first}-{last}.nc"
DATASET = "results/{scale}/datasets/{experiment}.nc"
RESOLVED = "results/{scale}/datasets/{experiment}.yaml"
FIGURE = "figures/{scale}/{figure}"
NOTEBOOK = "results/{scale}/notebooks/{figure}"
CLAIMS = "results/{scale}/claims.json"
CLAIMS_LOG = "logs/{scale}/claims.log"

INTERPRETER_BYTES = 500e6  # with the libraries, and room to compile
INSTANCE_FILE_BYTES = 32e6
MOST_CHUNKS = 3000


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
    folder
        The folder of the Snakefile and the notebooks; what is made goes to the working directory.
    """

    configuration: Configuration
    folder: Path = Path()

    def targets(self, scale: str) -> list[str]:
        """Return the files `all` asks for at one scale."""
        files = [file for figure in self.configuration.figures for file in self.figure_files(scale, figure)]
        return [*files, CLAIMS.format(scale=scale)] if self.configuration.claims else files

    def figure_files(self, scale: str, figure: str) -> list[str]:
        """Return the files of one figure at one scale."""
        return [f"{FIGURE.format(scale=scale, figure=figure)}.{kind}" for kind in ("pdf", "svg", "png")]

    @cache  # noqa: B019 - one Workflow lives as long as the process
    def costs(self, scale: str, experiment: str) -> dict[str, Cost]:
        """Return what one seed of each point costs."""
        points = self.configuration.experiment(experiment, scale).points
        return {slug: point.cost() for slug, point in points.items()}

    @cache  # noqa: B019
    def chunk_seconds(self, scale: str) -> float:
        """Return the length jobs aim at: the configured one, or as much longer as keeps them below MOST_CHUNKS."""
        points = [
            (self.configuration.experiment(name, scale).seeds[slug], cost.seconds)
            for name in self.configuration.experiments
            for slug, cost in self.costs(scale, name).items()
        ]
        seconds = self.configuration.chunk_seconds
        while any(_chunk_size(*point, seconds) < point[0] for point in points):
            if sum(math.ceil(point[0] / _chunk_size(*point, seconds)) for point in points) <= MOST_CHUNKS:
                break
            seconds *= 1.25
        return seconds

    def _chunk_sizes(self, scale: str, experiment: str) -> Iterator[tuple[str, int, int]]:
        """The points of an experiment with the number of their seeds and how many of them make a chunk."""
        seeds, seconds = self.configuration.experiment(experiment, scale).seeds, self.chunk_seconds(scale)
        for slug, cost in self.costs(scale, experiment).items():
            yield slug, seeds[slug], _chunk_size(seeds[slug], cost.seconds, seconds)

    def chunks(self, scale: str, experiment: str) -> Iterator[Chunk]:
        """Yield the chunks of an experiment from nothing: as many seeds each as fill the time jobs aim at."""
        for slug, seeds, size in self._chunk_sizes(scale, experiment):
            yield from (Chunk(slug, *block) for block in blocks_of_seeds(seeds, size))

    @cache  # noqa: B019
    def chunk_files(self, scale: str, experiment: str) -> list[str]:
        """Return the files an experiment's dataset is made of: those that exist, and chunks for the other seeds.

        So another length of the jobs, another estimate of their cost or more seeds never rerun a finished chunk.
        """
        files = []
        for slug, seeds, size in self._chunk_sizes(scale, experiment):
            path = CHUNK.format(
                scale=scale, experiment=experiment, point=path_name(slug), first="{}", last="{}"
            )
            existing = map(held_seeds, Path(path).parent.glob("seeds=*-*.nc"))
            files += [path.format(*block) for block in blocks_of_seeds(seeds, size, existing)]
        return files

    def slug(self, scale: str, experiment: str, name: str) -> str:
        """Return the point that paths call `name`; a path of an unknown point is an error that says so."""
        points = self.configuration.experiment(experiment, scale).points
        for slug in points:
            if name in (slug, path_name(slug)):
                return slug
        known = ", ".join(map(path_name, points))
        raise ConfigurationError([f"{experiment} has no point {name} at scale {scale}; known: {known}"])

    def point(self, scale: str, experiment: str, name: str) -> Experiment:
        """Return one point by its name, or by what paths call it."""
        points = self.configuration.experiment(experiment, scale).points
        return points[self.slug(scale, experiment, name)]

    def cost(self, scale: str, experiment: str, name: str) -> Cost:
        """Return what one seed of a point costs."""
        return self.costs(scale, experiment)[self.slug(scale, experiment, name)]

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

    def instance_counts(self, scale: str) -> dict[str, int]:
        """Return how many files of instances each ensemble needs, by its folder's name."""
        files: dict[str, int] = {}
        for experiment in self.configuration.experiments:
            resolved = self.configuration.experiment(experiment, scale)
            for slug, point in resolved.points.items():
                if (ensemble := point.instance()) is not None:
                    name, seeds = ensemble_slug(ensemble), resolved.seeds[slug]
                    files[name] = max(files.get(name, 0), -(-seeds // instances_per_file(ensemble)))
        return files

    def ensemble(self, scale: str, slug: str) -> Instance:
        """Return the ensemble whose folder is called `slug`."""
        if slug not in self._ensembles(scale):
            raise ConfigurationError([f"no experiment uses instances {slug} at scale {scale}"])
        return self._ensembles(scale)[slug]

    def ensemble_json(self, scale: str, slug: str) -> str:
        """Return an ensemble as text for a command line."""
        return json.dumps(self.ensemble(scale, slug).model_dump(mode="json"), sort_keys=True)

    def instances_memory(self, scale: str, slug: str) -> int:
        """Return the memory in MB that drawing one file of instances takes, with room to spare."""
        ensemble = self.ensemble(scale, slug)
        return math.ceil(
            (INTERPRETER_BYTES + 2 * (1 + instances_per_file(ensemble)) * ensemble.size_bytes()) / 1e6
        )

    def instances_disk(self, scale: str, slug: str) -> int:
        """Return the disk in MB that one file of instances takes, with room to spare."""
        ensemble = self.ensemble(scale, slug)
        return 10 + math.ceil(2 * instances_per_file(ensemble) * ensemble.size_bytes() / 1e6)

    def simulate_memory(self, scale: str, experiment: str, slug: str) -> int:
        """Return the memory in MB of a simulation job, with room to spare."""
        point = self.point(scale, experiment, slug)
        ensemble = point.instance()
        size = 2 * ensemble.size_bytes() if ensemble else 0.0
        needed = self.cost(scale, experiment, slug).memory_bytes + size
        return math.ceil((INTERPRETER_BYTES + 1.5 * needed) / 1e6)

    def simulate_disk(self, scale: str, experiment: str, slug: str, n_seeds: int) -> int:
        """Return the disk in MB that a simulation job takes, with room to spare."""
        return 10 + math.ceil(2 * self.cost(scale, experiment, slug).disk_bytes * n_seeds / 1e6)

    def aggregate_disk(self, scale: str, experiment: str) -> int:
        """Return the disk in MB that the dataset of an experiment takes, with room to spare."""
        seeds, costs = self.configuration.experiment(experiment, scale).seeds, self.costs(scale, experiment)
        return 10 + math.ceil(2 * sum(seeds[slug] * costs[slug].disk_bytes for slug in costs) / 1e6)

    def aggregate_memory(self, scale: str, experiment: str) -> int:
        """Return the memory in MB of joining an experiment's chunks: the data several times, with room to spare."""
        return 1000 + 4 * self.aggregate_disk(scale, experiment)

    def simulate_minutes(self, scale: str, experiment: str, slug: str, n_seeds: int) -> int:
        """Return the run time in minutes to ask a scheduler for: four times the expected one, and the start."""
        return 5 + math.ceil(4 * self.cost(scale, experiment, slug).seconds * n_seeds / 60)

    def aggregate_request(self, scale: str, experiment: str) -> str:
        """Return a resolved experiment and its chunks, packed: as they are they would not fit a command line."""
        resolved = self.configuration.experiment(experiment, scale).to_json()
        return packed({"resolved": resolved, "chunks": self.chunk_files(scale, experiment)})

    def notebook(self, figure: str) -> str:
        """Return the notebook that draws a figure."""
        return self._own(f"workflow/notebooks/{self._figure(figure).notebook}.ipynb")

    def lock(self) -> str:
        """Return the file of the registered margins."""
        return self._own(LOCK)

    def lock_content(self) -> str:
        """Return a hash of the registered margins, so that a change of them decides the claims again."""
        return hashlib.sha256(Path(self.lock()).read_bytes()).hexdigest()[:16]

    def _own(self, file: str) -> str:
        """A file beside the Snakefile, relative where that is the working directory."""
        folder = self.folder.resolve()
        return file if folder == Path.cwd() else str(folder / file)

    def figure_experiments(self, figure: str) -> list[str]:
        """Return the experiments a figure draws."""
        return self._figure(figure).datasets

    def figure_datasets(self, scale: str, figure: str) -> list[str]:
        """Return the datasets a figure draws."""
        return self.datasets(scale, self.figure_experiments(figure))

    def expected(self, scale: str, experiments: list[str]) -> str:
        """Return what the datasets of some experiments must have been made with, packed."""
        return packed({name: self.configuration.experiment(name, scale).resolved() for name in experiments})

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

    def claim_datasets(self, scale: str) -> dict[str, str]:
        """Return the dataset file of every experiment that any claim needs, in the order of the configuration."""
        needed = {name for claim in self.configuration.claims.values() for name in claim.datasets}
        names = [name for name in self.configuration.experiments if name in needed]
        return dict(zip(names, self.datasets(scale, names), strict=True))


def _chunk_size(seeds: int, seconds_a_seed: float, seconds: float) -> int:
    return max(1, min(seeds, int(seconds / seconds_a_seed)))


def held_seeds(path: Path) -> tuple[int, int]:
    """Return the first and the last number in a name such as ``seeds=0-3.nc`` or ``instances=0-63.nc``."""
    first, last = path.stem.split("=")[1].split("-")
    return int(first), int(last)


def blocks_of_seeds(
    seeds: int, size: int, existing: Iterable[tuple[int, int]] = ()
) -> Iterator[tuple[int, int]]:
    """Cut the seeds 0..`seeds` - 1 into blocks, existing ones where they fit and others of at most `size` seeds.

    Blocks are (first, last). While the missing ones are made the answer stays the same: it is asked again by every
    process of a running workflow.
    """
    known: dict[int, int] = {}
    for first, last in existing:
        known[first] = max(last, known.get(first, last))
    seed = 0
    while seed < seeds:
        following = min((first for first in known if first > seed), default=seeds)
        last = known[seed] if seed in known else min(seed + size, following, seeds) - 1
        yield seed, last
        seed = last + 1


# What a job's numbers depend on enters its rule as a hash of source files among the parameters: an edit reruns what
# uses the file and nothing else, and a touched file or a fresh checkout reruns nothing.


def experiment_sources(experiment: str) -> str:
    """Return the hash of the sources an experiment's runs depend on."""
    return closure_hash(experiment_module(experiment))


def instance_sources(ensemble: Instance) -> str:
    """Return the hash of the sources instances of an ensemble depend on."""
    return closure_hash(type(ensemble).__module__.removeprefix("thermobatch."))


def claim_sources() -> str:
    """Return the hash of the sources claims depend on."""
    return closure_hash(*claim_modules())


def notebook_sources(notebook: str) -> str:
    """Return the hash of a notebook's cells and of the sources it imports from the package."""
    cells = nbformat.read(notebook, as_version=4).cells
    tree = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    content = hashlib.sha256(_text([[cell.cell_type, cell.source] for cell in cells]).encode()).hexdigest()
    return f"{content[:16]} {closure_hash(*sorted(imported_modules(tree)))}"


def path_name(name: str) -> str:
    """Return how paths, and so wildcards, spell the name of a point: on its way to a node Snakemake cuts at commas."""
    return name.replace(",", "+")


def ensemble_slug(ensemble: Instance) -> str:
    """Return the folder name of an ensemble, such as ``coloring+graph=random+n=10000+q=5+mean_degree=19``."""
    return path_name(f"{ensemble.kind},{point_slug(ensemble.model_dump(mode='json', exclude_none=True))}")


def instances_per_file(ensemble: Instance) -> int:
    """Return how many instances share a file: a power of two that keeps files near 32 MB, at most 64.

    It depends on the ensemble alone and files are always full, so more seeds never change an existing file.
    """
    fitting = INSTANCE_FILE_BYTES / max(ensemble.size_bytes(), 1.0)
    return int(2 ** min(6, max(0, math.floor(math.log2(max(fitting, 1.0))))))


def packed(plain) -> str:
    """Return plain data as short text; the same for the same data everywhere."""
    return base64.b64encode(bz2.compress(_text(plain).encode())).decode()


def unpacked(text: str):
    """Return the data that `packed` made text of."""
    return json.loads(bz2.decompress(base64.b64decode(text)))


def _text(plain) -> str:
    return json.dumps(plain, sort_keys=True, default=str)

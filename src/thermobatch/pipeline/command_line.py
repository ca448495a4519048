"""The command `thermobatch`: what people ask (info, plan, validate, claims, missing) and what the jobs run."""

import argparse
import errno
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from thermobatch import __version__
from thermobatch.foundation.compilation_error import CompilationError
from thermobatch.pipeline.errors import ConfigurationError, DamagedFileError
from thermobatch.study.scale import SCALES

STORAGE_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again; finished files are kept",
    errno.EFBIG: "a file may not grow that large here (ulimit -f): raise the limit and run the same command again",
    errno.EDQUOT: "your disk quota is used up: free some space and run the same command again; finished files are kept",
    errno.EROFS: "the file system is read-only: make it writable, or work in another folder",
    errno.EACCES: "permission denied: make the folder writable for you (chmod -R u+w), or work in another folder",
}
STOPPED = 128 + signal.SIGTERM


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Let SIGTERM (a scheduler's limit, scancel) end a job with a line in its log and no half-written file."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_) -> None:
        _complaint(
            "stopped by SIGTERM (time limit, cancelled job or drained node); run the same command again"
        )
        sys.exit(STOPPED)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors a user can mend into their message (exit status 2), and leave bugs their traceback."""
    try:
        yield
    except (CompilationError, ConfigurationError, DamagedFileError) as error:
        sys.exit(_complaint(str(error)))
    except OSError as error:
        if error.errno not in STORAGE_ADVICE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(_complaint(f"{where}{STORAGE_ADVICE[error.errno]}"))


def _complaint(message: str) -> int:
    for line in message.splitlines():
        print(f"thermobatch: {line}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = _parser().parse_args(arguments)
    with stopping_cleanly(), one_line_errors():
        return options.run(options) or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="thermobatch", description="How far mini-batch size is a temperature."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    def for_people(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        added = command(name, run, text)
        added.add_argument(
            "--config",
            type=Path,
            action="append",
            metavar="FILE",
            help="configuration file (config.yaml); given again, each is laid over those before, as by --configfile",
        )
        return added

    for_people("info", _info, "say what is installed here and what the configuration holds")
    plan = for_people("plan", _plan, "predict time, memory and disk of every experiment before anything runs")
    plan.add_argument("--scale", choices=SCALES, help="default: the configuration's")
    plan.add_argument("--cores", type=_positive, help="cores of a machine or node (default: this machine's)")
    plan.add_argument("--nodes", type=_positive, help="also on so many nodes of --cores each")
    plan.add_argument(
        "--measure",
        type=float,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="instead, really run a slice of every experiment, about SECONDS each (5), and compare",
    )
    plan.add_argument(
        "--reference",
        action="store_true",
        help="run nothing: the cost models' numbers for the reference machine",
    )
    plan.add_argument("--markdown", action="store_true", help="as the table of docs/cluster.md")
    validate = for_people("validate", _validate, "check the configuration and say all that is wrong with it")
    validate.add_argument("--scale", choices=SCALES, help="also say what this scale has of its own")
    claims = for_people("claims", _claims, "show the verdict on every claim")
    claims.add_argument("--scale", choices=SCALES, help="default: the configuration's")
    claims.add_argument(
        "--publish",
        action="store_true",
        help="take the verdicts into README and docs of this folder (standard scale)",
    )

    missing = for_people("missing", _missing, "say which figures and verdicts are not made (status 1 if any)")
    missing.add_argument("--scale", choices=SCALES, help="default: the configuration's")

    warm = command("warm-up", _warm_up, "(job) compile the kernels of an experiment for this processor")
    warm.add_argument("experiment")
    warm.add_argument("--configuration", required=True, help="the configuration of the run, packed")
    warm.add_argument("--scale", choices=SCALES, required=True)

    instances = command("instances", _instances, "(job) draw instances")
    instances.add_argument("kind")
    instances.add_argument("--ensemble", required=True, help="JSON")
    simulate = command("simulate", _simulate, "(job) run some seeds of one point of an experiment")
    simulate.add_argument("experiment")
    simulate.add_argument("--point", required=True, help="name of the point")
    simulate.add_argument("--parameters", required=True, help="JSON")
    simulate.add_argument(
        "--instances", nargs="*", type=Path, default=[], help="files of instances, in order"
    )
    for job in (instances, simulate):
        job.add_argument("--seed", type=int, required=True, help="root seed")
        job.add_argument("--first", type=int, required=True)
        job.add_argument("--last", type=int, required=True)
        job.add_argument("--output", type=Path, required=True)

    aggregate = command("aggregate", _aggregate, "(job) join the chunks of an experiment into its dataset")
    aggregate.add_argument("--request", required=True, help="the resolved experiment and its chunks, packed")
    aggregate.add_argument("--output", type=Path, required=True)
    aggregate.add_argument("--resolved", type=Path, required=True, help="what it was made with, for people")

    figure = command("figure", _figure, "(job) execute the notebook of a figure")
    figure.add_argument("figure")
    figure.add_argument("--scale", choices=SCALES, required=True)
    figure.add_argument("--notebook", type=Path, required=True)
    figure.add_argument("--executed", type=Path, required=True)
    decide = command("decide", _decide, "(job) decide the claims")
    decide.add_argument("--claims", required=True, help="JSON")
    decide.add_argument("--lock", type=Path, required=True, help="the registered margins")
    decide.add_argument("--missing", nargs="*", type=Path, default=[], help="datasets that were not made")
    for job in (figure, decide):
        job.add_argument("--datasets", nargs="*", type=Path, default=[])
        job.add_argument("--expected", required=True, help="what they must have been made with, packed")
        job.add_argument("--output", type=Path, required=True)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return number


def _configuration(options):
    from thermobatch.pipeline.configuration import Configuration

    return Configuration.read(*options.config or ())


def _info(options) -> None:
    from thermobatch.pipeline.console.summary import information

    information(_configuration(options))


def _plan(options) -> None:
    from thermobatch.pipeline.plan import print_plan

    configuration = _configuration(options)
    scale = options.scale or configuration.scale
    print_plan(
        configuration,
        scale,
        options.cores,
        options.nodes,
        options.measure,
        options.markdown,
        calibrate=not options.reference,
    )


def _validate(options) -> None:
    from thermobatch.foundation.compilation import cache_directory
    from thermobatch.foundation.kernel_cache import check_cache
    from thermobatch.pipeline.config.notes import own_values, without_effect

    configuration = _configuration(options)
    check_cache(cache_directory())
    counts = [
        f"{len(configuration.experiments)} experiments",
        f"{len(configuration.figures)} figures",
        f"{len(configuration.claims)} claims",
    ]
    files = " + ".join(layer.origin for layer in configuration.layers)
    print(f"{files} is valid: {', '.join(counts)}")
    for line in without_effect(configuration) + (
        own_values(configuration, options.scale) if options.scale else []
    ):
        print(f"note: {line}")


def _claims(options) -> None:
    from thermobatch.pipeline.console.summary import print_claims

    scale = options.scale or _configuration(options).scale
    if options.publish:
        _publish(scale)
    else:
        print_claims(scale)


def _publish(scale: str) -> None:
    from thermobatch.pipeline.published import STORED, publish
    from thermobatch.pipeline.workflow import CLAIMS

    if scale != "standard":
        raise ConfigurationError([f"--scale {scale}: README and docs speak of the standard scale"])
    changed = publish(Path(CLAIMS.format(scale=scale)), Path())
    print(f"{STORED} written; changed pages: {', '.join(map(str, changed)) or 'none'}")


def _missing(options) -> int:
    from thermobatch.pipeline.console.summary import missing_results

    configuration = _configuration(options)
    scale = options.scale or configuration.scale
    lines = missing_results(configuration, scale)
    counts = f"{len(configuration.figures)} figures and {len(configuration.claims)} claims at scale {scale}"
    print("\n".join([*lines, f"{counts}: {f'{len(lines)} missing' if lines else 'all there'}"]))
    return 1 if lines else 0


def _warm_up(options) -> None:
    from thermobatch.pipeline.configuration import Configuration
    from thermobatch.pipeline.workflow import unpacked

    configuration = Configuration(unpacked(options.configuration))
    points = configuration.experiment(options.experiment, options.scale).points.values()
    started = time.perf_counter()
    _compile(options.experiment, points)
    print(f"compiled in {time.perf_counter() - started:.1f} s", file=sys.stderr)


def _compile(name: str, points) -> None:
    """Warm up, and say what did not work: a probe never stops the jobs it is for."""
    from thermobatch.pipeline.jobs import warm_up

    for failure in warm_up(name, points):
        _complaint(failure)


def _instances(options) -> None:
    from thermobatch.pipeline.jobs import draw_instances
    from thermobatch.study.experiment import instance_kinds

    ensemble = instance_kinds()[options.kind].model_validate_json(options.ensemble)
    draw_instances(ensemble, options.seed, range(options.first, options.last + 1), options.output)


def _simulate(options) -> None:
    from thermobatch.pipeline.console.run_progress import RunLines
    from thermobatch.pipeline.jobs import simulate
    from thermobatch.pipeline.measure import peak_megabytes
    from thermobatch.pipeline.netcdf import write_dataset
    from thermobatch.pipeline.workflow import held_seeds
    from thermobatch.study.experiment import experiment_class

    point = experiment_class(options.experiment).model_validate_json(options.parameters)
    indices = range(options.first, options.last + 1)
    _compile(options.experiment, [point])
    files = None
    if options.instances:
        held = {path: held_seeds(path) for path in options.instances}
        files = {index: path for path, (first, last) in held.items() for index in range(first, last + 1)}
    dataset = simulate(
        options.experiment, point, options.point, indices, options.seed, files, progress=RunLines()
    )
    write_dataset(dataset, options.output)
    seconds, peak = time.process_time(), peak_megabytes()
    print(f"{len(indices)} seeds: {seconds:.1f} s of processor time, at most {peak:.0f} MB", file=sys.stderr)


def _aggregate(options) -> None:
    import yaml

    from thermobatch.foundation.files import write_text
    from thermobatch.pipeline.jobs import aggregate_files
    from thermobatch.pipeline.workflow import unpacked

    request = unpacked(options.request)
    aggregate_files(request["resolved"], request["chunks"], options.output)
    write_text(options.resolved, yaml.safe_dump(json.loads(request["resolved"]), sort_keys=False))


def _figure(options) -> None:
    from thermobatch.pipeline.jobs import read_expected
    from thermobatch.pipeline.notebook.execution import execute_figure

    read_expected(options.datasets, options.expected)
    execute_figure(
        options.figure,
        options.scale,
        options.notebook,
        options.datasets,
        options.executed,
        options.output.with_suffix(""),
    )


def _decide(options) -> int:
    from thermobatch.foundation.files import write_text
    from thermobatch.pipeline.deciding import FAILED, decide_claims
    from thermobatch.pipeline.registration import read_registrations

    stanzas = json.loads(options.claims)
    rows, failures = decide_claims(
        stanzas,
        options.datasets,
        options.missing,
        expected=options.expected,
        registered=read_registrations(options.lock),
    )
    write_text(options.output, json.dumps(rows, indent=1) + "\n")
    for failure in failures:
        _complaint(failure)
    return FAILED if failures else 0

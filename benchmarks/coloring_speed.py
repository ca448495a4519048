"""Time the colouring kernels against a straightforward C program, and measure their memory.

    python benchmarks/coloring_speed.py [--quick] [--memory]

Prints nanoseconds per proposal at q = 5, c = 19 in sequential order, ours and that of coloring.c (gcc -O3
-march=native, compiled into benchmarks/build/), and the median of their ratio over interleaved repeats: both see the
same load of the machine. Times are CPU times of the sweeps alone, after 50 sweeps of warm-up; the final energies of
both are printed because speed means nothing for different physics. Then the peak memory per vertex of drawing a planted
graph and running on it, above the interpreter with its kernels loaded. `--memory` measures the memory alone.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from thermobatch.coloring.dynamics.acceptance import half_edge_acceptance, metropolis_acceptance
from thermobatch.coloring.dynamics.chain import ColoringChain, Dynamics, initial_colors
from thermobatch.coloring.dynamics.edge_batches import NO_BATCH
from thermobatch.coloring.dynamics.metropolis import metropolis
from thermobatch.coloring.dynamics.sweeps import Rule
from thermobatch.coloring.graph import ColoringGraph, planted_coloring

HERE = Path(__file__).parent
Q, MEAN_DEGREE, WARM_UP = 5, 19.0, 50
POINTS = [("metropolis", 0.5), ("metropolis", 0.8), ("metropolis", 1.2)]
POINTS += [("sgd_like", 0.6), ("sgd_like", 0.8), ("sgd_like", 0.9)]
STATUS = Path("/proc/self/status")
MEMORY_VERTICES = 1_000_000


def compile_yardstick() -> Path:
    """Compile coloring.c; stop with one clear line where that is not possible."""
    if shutil.which("gcc") is None:
        sys.exit("coloring_speed: gcc not found; install a C compiler, or use --memory alone")
    program = HERE / "build" / "coloring"
    program.parent.mkdir(exist_ok=True)
    subprocess.run(
        ["gcc", "-O3", "-march=native", "-o", str(program), str(HERE / "coloring.c"), "-lm"], check=True
    )
    return program


def time_yardstick(program: Path, name: str, parameter: float, n: int, sweeps: int, seed: int):
    """Return the C program's nanoseconds per proposal and mean energy."""
    arguments = [name, parameter, n, MEAN_DEGREE, Q, sweeps, seed]
    output = subprocess.run(
        [str(program), *map(str, arguments)], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    nanoseconds, energy = map(float, output.split())
    return nanoseconds, energy


def time_kernel(graph: ColoringGraph, dynamics: Dynamics, sweeps: int, seed: int):
    """Return our nanoseconds per proposal and final energy."""
    chain = ColoringChain(graph, dynamics, "sequential", initial_colors(graph, seed), seed)
    chain.advance(WARM_UP, False, graph.n, None)
    begin = time.process_time()
    chain.advance(WARM_UP + sweeps, False, graph.n, None)
    return 1e9 * (time.process_time() - begin) / (graph.n * sweeps), chain.energy / graph.n


def compare_speed(repeats: int, proposals: int) -> None:
    """Print the table of times."""
    program = compile_yardstick()
    print(f"q = {Q}, c = {MEAN_DEGREE:g}, sequential order; CPU ns per proposal: least of {repeats} repeats")
    print("C/ours: median over the repeats; energies: means, as a check\n")
    print("dynamics    parameter        N   ours      C  C/ours  energy ours      C")
    for n in (10_000, 100_000):
        graph = planted_coloring(n, Q, MEAN_DEGREE, seed=1)
        sweeps = proposals // n
        for name, parameter in POINTS:
            table = metropolis_acceptance if name == "metropolis" else half_edge_acceptance
            dynamics = Dynamics(name, 1, Rule(table(parameter, graph.max_degree), NO_BATCH))
            time_kernel(graph, dynamics, 1, 0)  # compiled and loaded
            pairs = [
                (
                    time_kernel(graph, dynamics, sweeps, seed),
                    time_yardstick(program, name, parameter, n, sweeps, seed),
                )
                for seed in range(repeats)
            ]
            ours, theirs = ([pair[side][0] for pair in pairs] for side in (0, 1))
            ratio = statistics.median(c / kernel for kernel, c in zip(ours, theirs, strict=True))
            energies = [statistics.fmean(pair[side][1] for pair in pairs) for side in (0, 1)]
            symbol = "T" if name == "metropolis" else "B"
            print(
                f"{name:11s} {symbol} = {parameter:<5g} {n:8d} {min(ours):6.1f} "
                f"{min(theirs):6.1f} {ratio:7.1f} {energies[0]:12.4f} {energies[1]:6.4f}"
            )


def resident(field: str) -> int:
    """Return a memory figure of this process in bytes (VmRSS: now, VmHWM: peak; without /proc always the peak)."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
    return 1024 * int(lines[field].split()[0])


def measure_memory() -> float:
    """Return the peak memory of a graph and a run on it, bytes per vertex (run in a fresh process)."""
    for order in ("sequential", "random_permutation"):
        metropolis(planted_coloring(1000, Q, MEAN_DEGREE, seed=1), 0.5, 2, 2, order=order)
    before = resident("VmRSS")
    if STATUS.exists():
        STATUS.with_name("clear_refs").write_text("5", encoding="utf-8")  # the peak starts anew
    graph = planted_coloring(MEMORY_VERTICES, Q, MEAN_DEGREE, seed=1)
    metropolis(graph, 0.5, 3, 2, stop_overlap=0.9)
    return (resident("VmHWM") - before) / MEMORY_VERTICES


def report_memory() -> None:
    """Print the memory, measured in a process of its own."""
    output = subprocess.run(
        [sys.executable, __file__, "--memory-worker"], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    print(f"peak memory at N = {MEMORY_VERTICES}, c = {MEAN_DEGREE:g}: {float(output):.0f} B per vertex")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--memory", action="store_true", help="measure the memory alone")
    parser.add_argument("--memory-worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_worker:
        print(measure_memory())
        return
    if not options.memory:
        compare_speed(*((5, 1_000_000) if options.quick else (21, 1_000_000)))
        print()
    report_memory()


if __name__ == "__main__":
    main()

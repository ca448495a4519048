"""Peak memory of a large instance and a run on it, as the benchmark measures it."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "coloring_speed.py"


@pytest.mark.slow
def test_memory_per_vertex_at_a_million_vertices():
    """c = 19: at most 120 B per vertex above the interpreter, drawing the graph included (measured 95)."""
    output = subprocess.run(
        [sys.executable, SCRIPT, "--memory-worker"], check=True, capture_output=True, text=True
    )
    assert 60 < float(output.stdout) < 120

"""Ctrl-C while compiled code draws a large graph: Python's exception, not a crash of the process."""

import subprocess
import sys

PROGRAM = """
import _thread, threading, time
import numpy as np
import thermobatch as tb

pairs = np.random.default_rng(1).permutation(2_000_000).reshape(-1, 2)
calls = [
    lambda share: tb.planted_coloring(int(share * 200_000), 5, 10, seed=1),
    lambda share: tb.ColoringGraph.from_edges(pairs[: int(share * 1_000_000)], pairs.size, 5),
]
for call in calls:
    call(0.01)  # compiles
    begun = time.monotonic()
    call(1)
    seconds = time.monotonic() - begun
    for share in (0.3, 0.5, 0.7):
        timer = threading.Timer(share * seconds, _thread.interrupt_main)
        timer.start()
        try:
            call(1)
            timer.join()
            time.sleep(1)
            print("not interrupted")
        except KeyboardInterrupt:
            print("interrupted")
"""


def test_ctrl_c_while_a_large_graph_is_made_ends_as_python_ends():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()) == (0, 6 * ["interrupted"]), run.stderr[-2000:]

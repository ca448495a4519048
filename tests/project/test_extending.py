"""docs/extending.md shows code that runs."""

import re
import runpy
from pathlib import Path

from thermobatch.study.experiment import Experiment

PROJECT = Path(__file__).parent.parent.parent
PAGE = (PROJECT / "docs/extending.md").read_text()


def test_the_code_of_the_page_runs(tmp_path, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    (tmp_path / "page.py").write_text("\n".join(blocks))
    names = runpy.run_path(str(tmp_path / "page.py"))
    errors, proposals, energy = capsys.readouterr().out.split()
    assert int(errors) == 0 < int(proposals) and 0 < float(energy) < 1
    point = names["point"]
    assert isinstance(point, Experiment) and point.probed().sweeps == 10 and point.cost().seconds > 0


def test_the_files_of_the_page_exist():
    named = re.findall(r"`((?:coloring|networks|mean_field|langevin|study)/[\w/]+\.py)`", PAGE)
    missing = [name for name in named if not (PROJECT / "src/thermobatch" / name).exists()]
    assert missing == ["coloring/studies/colours/experiment.py"]  # the one the page tells to write

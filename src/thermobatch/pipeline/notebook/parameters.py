"""What a notebook asks before it does anything: are its parameters its own, and what scale is this?"""

import ast
from collections.abc import Mapping, Sequence

from thermobatch.pipeline.config.complaints import nearest
from thermobatch.pipeline.errors import ConfigurationError

INJECTED = "# Parameters"  # the first line of the cell that papermill adds after the declared parameters


def check_parameters(scale: str, datasets: Mapping[str, str]) -> None:
    """Refuse parameters that a notebook does not declare (papermill only warns), and say its scale if run by hand.

    Call it in the first cell after the parameters.

    Parameters
    ----------
    scale
        The notebook's scale: ``"smoke"``, ``"standard"`` or ``"paper"``.
    datasets
        The workflow's files by experiment; empty by hand.

    Returns
    -------
    None
        By hand it shows a line with the scale.

    Raises
    ------
    ConfigurationError
        If a given parameter is none of the notebook's; it names the nearest one.
    """
    from IPython import get_ipython
    from IPython.display import Markdown, display

    shell = get_ipython()
    unknown = unknown_parameters(shell.user_ns["In"]) if shell is not None else {}
    if unknown:
        raise ConfigurationError(
            f"{name}: this notebook has no such parameter{nearest(name, declared)}"
            for name, declared in unknown.items()
        )
    if not datasets:
        more = ", small and quick, for a first look (`-p scale standard` is the published one)"
        display(Markdown(f"**By hand, at {scale} scale**{more if scale == 'smoke' else ''}"))


def unknown_parameters(cells: Sequence[str]) -> dict[str, list[str]]:
    """Return, of the code cells that have run, the names papermill gave that none declares, with those declared."""
    given, declared = [], []
    for cell in cells:
        if cell.split("\n")[0].strip() == INJECTED:
            given = _assigned(cell)
        elif {"scale", "datasets"} <= set(names := _assigned(cell)):
            declared = names
    return {name: declared for name in given if name not in declared}


def _assigned(cell: str) -> list[str]:
    try:
        statements = ast.parse(cell).body
    except SyntaxError:  # a cell with magics declares no parameters
        return []
    targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
    return [target.id for target in targets if isinstance(target, ast.Name)]

"""The one visual language of all figures, and how they are written.

SGD-like dynamics are markers, Metropolis dynamics lines, theory black (dashed where approximate), other people's data
grey. Hue encodes one quantity per figure on a scale that survives colour blindness and grey printing.
"""

import json
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from thermobatch.foundation.files import replaced_when_complete, write_text

SINGLE_COLUMN = 3.4
DOUBLE_COLUMN = 7.0
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*", "<", ">")
BAND_ALPHA = 0.3

SETTINGS = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.6,
    "lines.markeredgewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "thermobatch",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this context to get the house style, whatever the user's matplotlibrc or style says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(sns.axes_style("ticks") | SETTINGS)
        yield


def hues(count: int) -> list[tuple[float, float, float]]:
    """Return `count` colours, from dark to light, ordered in grey and distinct to colour-blind readers."""
    return [
        tuple(colour)
        for colour in mpl.colormaps["viridis"]([0.02 + 0.80 * i / max(1, count - 1) for i in range(count)])[
            :, :3
        ]
    ]


def panel_letters(axes: Sequence[Axes], letters: str = "abcdefghijkl") -> None:
    """Letter the panels (a), (b), ... at their upper left corner, outside the axes."""
    for letter, panel in zip(letters, axes, strict=False):
        place = {"transform": panel.transAxes, "ha": "left", "va": "bottom"}
        panel.text(0.0, 1.02, f"({letter})", fontweight="bold", fontsize=9, **place)


def plain_log_labels(axis, digits: str = "1235") -> None:
    """Label a short logarithmic axis with plain numbers whose first digit is one of `digits`."""

    def label(value: float, _) -> str:
        return f"{value:g}" if f"{value:e}"[0] in digits else ""

    axis.set_major_formatter(label)
    axis.set_minor_formatter(label)


def direct_label(axes: Axes, x: float, y: float, text: str, colour, **options) -> None:
    """Write a label beside a point of the data, in the curve's colour, readable over lines."""
    options = {"ha": "left", "va": "center", "fontsize": 8, "xytext": (4, 0)} | options
    halo = [withStroke(linewidth=1.8, foreground="white")]
    axes.annotate(
        text,
        (x, y),
        textcoords="offset points",
        color=colour,
        path_effects=halo,
        annotation_clip=False,
        **options,
    )


def end_labels(
    axes: Axes, ends: Sequence[tuple[float, float, str, tuple]], points_apart: float = 9.5
) -> None:
    """Label curves at their ends (x, y, text, colour), moving labels apart that would overlap.

    Call it when the limits of the axes are final.
    """
    if not ends:
        return
    scale = 72 / axes.figure.dpi
    heights = [axes.transData.transform((x, y))[1] * scale for x, y, *_ in ends]
    order = sorted(range(len(ends)), key=heights.__getitem__)
    placed = [heights[index] for index in order]
    for _ in range(50 * len(ends)):
        for k in range(len(placed) - 1):
            overlap = points_apart - (placed[k + 1] - placed[k])
            if overlap > 1e-6:
                placed[k], placed[k + 1] = placed[k] - overlap / 2, placed[k + 1] + overlap / 2
    for index, height in zip(order, placed, strict=True):
        x, y, text, colour = ends[index]
        direct_label(axes, x, y, text, colour, xytext=(4, height - heights[index]))


def save(figure: Figure, output: str | Path | None, caption: str) -> None:
    """Write ``output.pdf``, ``.svg``, ``.png`` and the caption ``output.md``, all byte-stable; None writes nothing."""
    with style():  # much is decided only now: ticks, compression, margins
        settle_layout(figure)
        if output is None:
            return
        dateless = {"pdf": {"CreationDate": None, "ModDate": None}, "svg": {"Date": None}, "png": {}}
        for kind, metadata in dateless.items():
            with replaced_when_complete(f"{output}.{kind}") as temporary:
                figure.savefig(temporary, format=kind, metadata=metadata)
    write_text(f"{output}.md", caption + "\n")


def settle_layout(figure: Figure) -> None:
    """Lay the panels out once and round their places: the layout's solver may differ in the last bit between runs."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(float(bound), 6) for bound in axes.get_position(original=True).bounds])


def provenance(dataset: xr.Dataset) -> str:
    """Return the sentences every caption ends with: source, fidelity, seeds and version."""
    resolved = json.loads(dataset.attrs["parameters"])
    fewest, most = min(resolved["seeds"].values()), max(resolved["seeds"].values())
    instances = f"{most}" if fewest == most else f"{fewest} to {most}"
    lines = (
        f"Source: {dataset.attrs['source']}. Fidelity: {dataset.attrs['fidelity']}",
        f"Data: {dataset.attrs['experiment']} at {dataset.attrs['scale']} scale, {instances} instances "
        f"a point, root seed {resolved['seed']}, thermobatch {dataset.attrs['thermobatch_version']}.",
    )
    return " ".join(lines)


def paragraph(text: str) -> str:
    """Return a caption as one wrapped paragraph."""
    return textwrap.fill(" ".join(text.split()), width=100)

"""What is valid and has no effect is said: a base value where a scale, or its scan, has its own."""

import copy
from pathlib import Path

import yaml

from thermobatch.pipeline.command_line import main
from thermobatch.pipeline.config.files import Layer
from thermobatch.pipeline.config.notes import own_values, without_effect
from thermobatch.pipeline.configuration import Configuration

NAME = "coloring_temperature"
BASE = {
    "seed": 1,
    "experiments": {
        NAME: {
            "parameters": {"graph": "random", "n": 20000, "q": 5, "mean_degree": 19, "sweeps": 60}
            | {"matching": "equilibrium"},
            "scan": {"batch_fraction": [0.4, 0.6]},
            "seeds": 30,
            "scales": {"paper": {"seeds": 250, "n": 50000}},
        }
    },
}


def notes(*overlays: dict, base: dict = BASE) -> list[str]:
    layers = [Layer("mine.yaml", {"experiments": {NAME: overlay}}) for overlay in overlays]
    return without_effect(Configuration([Layer("config.yaml", base), *layers]))


def test_an_overlaid_base_value_is_said_to_lose_where_a_scale_has_its_own():
    (line,) = notes({"seeds": 40})
    assert line == (
        f"mine.yaml: experiments.{NAME}.seeds = 40 has no effect at paper scale, where scales.paper.seeds = 250 wins"
    )
    assert notes({"seeds": 40, "scales": {"paper": {"seeds": 300}}}) == []
    assert notes({"parameters": {"q": 4}}) == []
    lines = notes({"parameters": {"batch_fraction": 0.5}})
    assert len(lines) == 3 and all("the scan's own batch_fraction wins" in line for line in lines)


def test_a_base_value_that_no_scale_uses_is_named():
    assert notes() == []
    base = copy.deepcopy(BASE)
    base["experiments"][NAME]["scales"] = {scale: {"seeds": 2} for scale in ("smoke", "standard", "paper")}
    assert notes(base=base) == [
        f"config.yaml: experiments.{NAME}.seeds = 30 has no effect: every scale has its own"
    ]


def test_the_values_of_one_scale_are_told_when_asked_for():
    configuration = Configuration(BASE)
    assert own_values(configuration, "smoke") == []
    told = own_values(configuration, "paper")
    assert [line.split(" has ")[0].split(f"{NAME}.")[1] for line in told] == [
        "seeds = 30",
        "parameters.n = 20000",
    ]


def test_commands_for_people_take_several_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump(BASE))
    Path("mine.yaml").write_text(f"experiments: {{{NAME}: {{seeds: 40}}}}")
    both = ["--config", "config.yaml", "--config", "mine.yaml"]
    assert main(["validate", *both]) == 0
    said = capsys.readouterr().out
    assert said.startswith("config.yaml + mine.yaml is valid: 1 experiments")
    assert "note: mine.yaml: experiments.coloring_temperature.seeds = 40 has no effect at paper" in said
    assert main(["validate", "--scale", "paper"]) == 0
    assert "scales.paper.n = 50000 wins" in capsys.readouterr().out
    rows = {}
    for options in ([], both):
        assert main(["plan", "--scale", "standard", "--reference", "--markdown", *options]) == 0
        rows[len(options)] = [line for line in capsys.readouterr().out.splitlines() if NAME in line]
    assert rows[0] != rows[4]
    assert main(["info", *both]) == 0
    assert "80" in capsys.readouterr().out  # 2 points of 40 runs

"""The configuration: what is accepted, what is refused, and that every complaint is one useful line."""

import copy
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from thermobatch.pipeline.configuration import Configuration, ConfigurationError, point_slug
from thermobatch.study.scale import SCALES

PROJECT = Path(__file__).parent.parent.parent
GOOD = yaml.safe_load((PROJECT / "config.yaml").read_text())


def changed(path: str, value) -> dict:
    """The project's configuration with one key set (None as value removes it)."""
    data = copy.deepcopy(GOOD)
    *parents, last = path.split("/")
    place = data
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


RELAXATION = "experiments/coloring_relaxation"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sede", 1, ["sede", "unknown key", "did you mean 'seed'"]),
        ("seed", None, ["seed", "required"]),
        ("seed", "abc", ["seed", "'abc'", "valid integer"]),
        ("seed", -1, ["seed", "-1", "greater than or equal to 0"]),
        ("scale", "huge", ["scale", "huge", "smoke", "standard", "paper"]),
        ("chunk_seconds", 0, ["chunk_seconds", "greater than 0"]),
        (
            "experiments/coloring_relaxtion",
            {"parameters": {}, "seeds": 1},
            ["did you mean 'coloring_relaxation'"],
        ),
        (f"{RELAXATION}/sedes", 3, ["sedes", "did you mean 'seeds'"]),
        (f"{RELAXATION}/seeds", 0, ["seeds = 0", "greater than or equal to 1"]),
        (f"{RELAXATION}/scales/tiny", {}, ["scales", "tiny"]),
        (f"{RELAXATION}/parameters/mean_degre", 17, ["mean_degre = 17", "did you mean 'mean_degree'"]),
        (f"{RELAXATION}/parameters/mean_degree", "1e2", ["mean_degree = '1e2'", "write 100 in full"]),
        (f"{RELAXATION}/parameters/mean_degree", -3, ["mean_degree = -3", "greater than 0"]),
        (f"{RELAXATION}/parameters/mean_degree", float("nan"), ["mean_degree", "finite"]),
        (f"{RELAXATION}/parameters/mean_degree", 1e-9, ["no edge"]),
        (f"{RELAXATION}/parameters/n", 100000.5, ["n = 100000.5", "integer"]),
        (f"{RELAXATION}/parameters/q", 33, ["q = 33", "less than or equal to 32"]),
        (f"{RELAXATION}/parameters/q", 1, ["q = 1", "greater than or equal to 2"]),
        (f"{RELAXATION}/parameters/graph", "planar", ["graph = 'planar'", "planted", "random"]),
        (f"{RELAXATION}/parameters/graph", None, ["graph", "required"]),
        (f"{RELAXATION}/scan/0/batch_fraction", [1.2], ["batch_fraction = 1.2", "less than 1"]),
        (f"{RELAXATION}/scan/0/batch_fraction", [0.0], ["batch_fraction = 0.0", "greater than 0"]),
        (f"{RELAXATION}/scan/0/batch_fraction", [], ["batch_fraction = []", "at least one"]),
        (f"{RELAXATION}/scan/0/batch_fraction", [0.6, 0.6], ["appears twice"]),
        (f"{RELAXATION}/scan/0/temperature", "guess", ["temperature = 'guess'", "drift", "matched"]),
        (f"{RELAXATION}/parameters/batch_fraction", "big", ["batch_fraction = 'big'", "valid number"]),
        ("figures/E1/datasets", ["coloring_relaxations"], ["figures.E1.datasets", "did you mean"]),
        ("figures/E1/notebook", "../x", ["figures.E1.notebook", "pattern"]),
        (
            "claims/E9.wrong",
            {"dataset": "coloring_relaxation"},
            ["claims.E9.wrong", "no such claim", "E1.same"],
        ),
        ("claims/E1.same_relaxation/margn", 1.0, ["claims.E1.same_relaxation", "margn", "unknown key"]),
        ("claims/E1.same_relaxation/margin", "big", ["margin = 'big'", "valid number"]),
        ("claims/E1.same_relaxation/margin", None, ["margin", "required"]),
    ],
)
def test_a_wrong_key_gets_one_line_that_says_what_is_allowed(path, value, words):
    with pytest.raises(ConfigurationError) as error:
        Configuration(changed(path, value))
    line = next((line for line in error.value.lines if all(word in line for word in words)), None)
    assert line, f"no line has {words}: {error.value.lines}"
    assert line.startswith("config.yaml: ") and "\n" not in line


def test_planted_groups_must_be_equal():
    data = changed(f"{RELAXATION}/parameters/graph", "planted")
    data["experiments"]["coloring_relaxation"]["parameters"]["q"] = 7
    with pytest.raises(ConfigurationError, match=r"q = 7 does not divide n = 100000.*n = 99995 would do"):
        Configuration(data)


def test_all_problems_are_told_at_once():
    data = changed(f"{RELAXATION}/parameters/mean_degre", 17)
    data["experiments"]["coloring_temperature"]["parameters"]["q"] = 40
    with pytest.raises(ConfigurationError) as error:
        Configuration(data)
    assert len(error.value.lines) >= 2


def test_the_projects_configuration_is_valid_at_every_scale():
    configuration = Configuration(GOOD)
    for name in configuration.experiments:
        for scale in SCALES:
            assert configuration.experiment(name, scale).points


@settings(max_examples=60, deadline=None)
@given(
    key=st.sampled_from(["seed", "scale", "chunk_seconds", "experiments", "figures", "claims"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_rubbish_is_either_valid_or_refused_in_words(key, value):
    try:
        Configuration({**GOOD, key: value})
    except ConfigurationError as error:
        assert error.lines and all(line.startswith("config.yaml: ") for line in error.lines)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    parameter=st.sampled_from(
        ["n", "q", "mean_degree", "graph", "shuffle", "sweeps", "temperature", "seeds", "scan"]
    ),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3),
)
def test_any_parameter_is_either_valid_or_refused_in_words(parameter, value):
    configuration = Configuration(GOOD)
    try:
        resolved = configuration.with_overrides("coloring_relaxation", "smoke", {parameter: value})
    except ConfigurationError as error:
        assert error.lines
    else:
        assert resolved.points and all(count >= 1 for count in resolved.seeds.values())


def test_a_set_parameter_leaves_the_scan():
    configuration = Configuration(GOOD)
    resolved = configuration.with_overrides(
        "coloring_relaxation", "smoke", {"batch_fraction": 0.7, "temperature": "drift", "sweeps": 20}
    )
    assert list(resolved.points) == ["all"]
    assert resolved.points["all"].batch_fraction == 0.7


def test_slugs_are_readable_and_safe():
    assert point_slug({"temperature": 0.5, "sweeps": 3000}) == "temperature=0.5,sweeps=3000"
    assert point_slug({"mean_degree": 19.0}) == "mean_degree=19"
    assert point_slug({}) == "all"
    for bad in ("../x", "a b", "a;b", "$HOME", "", [1], {"a": 1}):
        with pytest.raises(ConfigurationError, match="plain word"):
            point_slug({"key": bad})


def test_a_missing_and_a_broken_file_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        Configuration.read(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text("seed: [1")
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        Configuration.read(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text("- 1")
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        Configuration.read(tmp_path / "config.yaml")

"""Files of a configuration: read strictly, laid over each other as Snakemake does, blamed for what they say."""

import copy
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from thermobatch.pipeline.config.files import Layer, merged, origin_of, read_layer, snakemake_layers
from thermobatch.pipeline.configuration import Configuration
from thermobatch.pipeline.errors import ConfigurationError

SMALL = {
    "seed": 1,
    "experiments": {
        "coloring_temperature": {
            "parameters": {"graph": "random", "n": 20000, "q": 5, "mean_degree": 19, "sweeps": 60}
            | {"matching": "equilibrium"},
            "scan": {"batch_fraction": [0.4, 0.6]},
            "seeds": 3,
            "scales": {"paper": {"seeds": 250, "sweeps": 900}},
        }
    },
    "claims": {
        "E2.drift_temperature": {
            "dataset": "coloring_temperature",
            "margin": 0.01,
            "lowest": 0.2,
            "highest": 0.9,
        }
    },
}
STANZA = "experiments.coloring_temperature"


def complaints(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read_layer(path)
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in error.value.lines)
    return [line.removeprefix(f"{path}: ") for line in error.value.lines]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nscale: smoke\nseed: 2\n", ["lines 1 and 3", "the key seed is given twice"]),
        ("figures:\n  E1: {a: 1}\nclaims: {}\nfigures:\n  X1: {}\n", ["lines 1 and 4", "figures"]),
        ("a:\n  - b: 1\n    c: 2\n    b: 3\n", ["lines 2 and 4", "a.b"]),
        ("a: {b: 1, b: 1}\n", ["lines 1 and 1", "a.b"]),
        ('a: {b: 1, "b": 2}\n', ["a.b", "twice"]),
        ("a:\n  steps: 10:30\n", ["line 2: a.steps = 10:30", "base sixty"]),
        ("a: 1:30.5\n", ["a = 1:30.5", "base sixty"]),
        ("a: [1, 010]\n", ["a = 010", "write 10 (or 8)"]),
        ("a: -010\n", ["a = -010", "write -10 (or -8)"]),
        ("a: off\n", ["a = off", "write false"]),
        ("a: [Yes]\n", ["a = Yes", "write true"]),
        ("a: 2024-05-22\n", ["2024-05-22", "date"]),
        ("a:\n  b:\n  c: 1\n", ["line 2: a.b = (empty)", "no value"]),
        ("1: 2\n", ["the key 1 is no text", "quotes"]),
        ("on: 2\n", ["the key on is no text"]),
        ("[a, b]: 2\n", ["no text"]),
        ("a: &x\n  b: *x\n", ["holds itself"]),
        ("a:\n\tb: 1\n", ["not valid YAML", "line 2", "spaces, not with tabs"]),
        ("a: [1\n", ["not valid YAML"]),
        ("a: 1\n---\na: 2\n", ["not valid YAML", "single document"]),
        ("a: !!python/name:os.system\n", ["not valid YAML"]),
        ("", ["must be a mapping"]),
        ("- 1\n", ["must be a mapping"]),
    ],
)
def test_what_yaml_would_silently_read_otherwise_is_an_error_with_its_line(tmp_path, text, words):
    lines = complaints(tmp_path / "config.yaml", text)
    assert any(all(word in line for word in words) for line in lines), lines


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path):
    (tmp_path / "config.yaml").write_bytes("a: 1 # größer".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"config\.yaml: not valid YAML: .*utf-8"):
        read_layer(tmp_path / "config.yaml")


def test_what_is_meant_is_read(tmp_path):
    text = "a: {b: true, c: null, d: 0, e: 0.5, f: 1.0e-5, g: '010', h: 'off', i: 0x10, j: 1_000, k: x:y}\n"
    text += "base: &base {n: 5, q: 3}\nl: {<<: *base, q: 4}\nm: *base\n"
    (tmp_path / "config.yaml").write_text(text)
    data = read_layer(tmp_path / "config.yaml").data
    assert data["a"] == {
        "b": True,
        "c": None,
        "d": 0,
        "e": 0.5,
        "f": 1e-5,
        "g": "010",
        "h": "off",
        "i": 16,
        "j": 1000,
        "k": "x:y",
    }
    assert data["l"] == {"n": 5, "q": 4} and data["m"] == {"n": 5, "q": 3}
    (tmp_path / "config.json").write_text('{\n\t"a": 1e5,\n\t"b": [false]\n}')
    assert read_layer(tmp_path / "config.json").data == {"a": 1e5, "b": [False]}
    (line,) = complaints(tmp_path / "twice.json", '{"b": {\n\t"a": 1,\n\t"c": "\\u00e9", "a": 2}}')
    assert "lines 2 and 3: the key b.a is given twice" in line


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)
mappings = st.dictionaries(st.sampled_from(["a", "b", "c"]), plain, max_size=3)


@given(layers=st.lists(mappings, min_size=1, max_size=3))
def test_layers_are_merged_as_snakemake_merges(layers):
    expected: dict = {}
    for data in layers:
        update_config(expected, copy.deepcopy(data))
    assert merged([Layer("file", data) for data in layers]) == expected


def test_each_complaint_names_the_layer_that_says_it():
    def told(*layers: dict) -> list[str]:
        with pytest.raises(ConfigurationError) as error:
            Configuration([Layer("config.yaml", SMALL), *map(Layer, ("mine.yaml", "--config"), layers)])
        return error.value.lines

    mine = {"experiments": {"coloring_temperature": {"parameters": {"mean_degre": 17}}}}
    assert all(line.startswith(f"mine.yaml: {STANZA}.mean_degre = 17: unknown key") for line in told(mine))
    assert told({}, {"scael": "smoke"})[0].startswith("--config: scael = 'smoke': unknown key; did you mean")
    assert told({}, {"scale": "tiny"})[0].startswith("--config: scale = 'tiny'")
    one_scale = {"experiments": {"coloring_temperature": {"scales": {"paper": {"q": 99}}}}}
    (line,) = told({"experiments": {"coloring_temperature": {"seeds": 2}}}, one_scale)
    assert line.startswith(f"--config: {STANZA}.q = 99") and line.endswith("(paper)")
    claims = {"claims": {"E2.drift_temperature": {"margin": "small"}}}
    assert told(claims, {"seed": 3})[0].startswith("mine.yaml: claims.E2.drift_temperature.margin = 'small'")
    assert told({"claims": {"E2.nothing": {"dataset": "x"}}})[0].startswith("mine.yaml: claims.E2.nothing")
    below = [Layer("config.yaml", {"experiments": {"x": {"n": 0}}}), Layer("mine.yaml", {"seed": 2})]
    assert origin_of("experiments.x.n = 0: must be greater than 0 (smoke)", below) == "config.yaml"


def test_the_layers_of_snakemake_are_read_again_strictly_and_its_command_line_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump(SMALL))
    Path("mine.yaml").write_text(f"experiments:\n  {STANZA.split('.')[1]}:\n    seeds: 4\n")

    def workflow(**given):
        settings = {"configfiles": [tmp_path / "mine.yaml"], "config": {}, "replace_workflow_config": False}
        settings = SimpleNamespace(**settings | given)
        return SimpleNamespace(config_settings=settings, configfiles=[*settings.configfiles, "config.yaml"])

    # --config 'experiments={coloring_temperature: {seeds: 5, parameters: {mean_degree: 1.5e+1}}}'
    nested = {
        "coloring_temperature": {"seeds": "5", "parameters": {"mean_degree": "1.5e+1", "graph": "random"}}
    }
    layers = snakemake_layers(workflow(config={"experiments": nested, "chunk_seconds": 0.3}))
    assert [layer.origin for layer in layers] == ["config.yaml", "mine.yaml", "--config"]
    configuration = Configuration(layers)
    resolved = configuration.experiment("coloring_temperature", "smoke")
    assert configuration.chunk_seconds == 0.3 and set(resolved.seeds.values()) == {5}
    assert {point.mean_degree for point in resolved.points.values()} == {15.0}
    assert len(snakemake_layers(workflow(replace_workflow_config=True))) == 1
    with pytest.raises(ConfigurationError, match=r"--config: experiments\.x\.momentum = off: .* write false"):
        snakemake_layers(workflow(config={"experiments": {"x": {"momentum": "off"}}}))
    Path("mine.yaml").write_text("seed: 4\nseed: 5\n")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: lines 1 and 2: the key seed is given twice"):
        snakemake_layers(workflow())


@pytest.mark.parametrize(
    ("key", "text", "advice"),
    [
        (f"{STANZA}.parameters.mean_degree", "1e1", "10"),
        (f"{STANZA}.parameters.mean_degree", "1.9e1", "19"),
        (f"{STANZA}.parameters.mean_degree", "+1e1", "10"),
        (f"{STANZA}.parameters.n", "1e5", "100000"),
        (f"{STANZA}.parameters.sweeps", "1.0e+2", "100"),
        (f"{STANZA}.scan.batch_fraction", "[5e-1, 0.6]", "5.0e-1"),
        (f"{STANZA}.scan.batch_fraction", "[0.5, 6E-1]", "6.0e-1"),
        (f"{STANZA}.seeds", "1e1", "10"),
        (f"{STANZA}.scales.paper.seeds", "2e1", "20"),
        (f"{STANZA}.scan.seeds", "[1e1]", "10"),
        ("chunk_seconds", "1e20", "1.0e+20"),
        ("chunk_seconds", "1e-5", "1.0e-5"),
        ("seed", "1e20", "100000000000000000000"),
        ("seed", "1.0e+3", "1000"),
        ("claims.E2.drift_temperature.margin", "1e-2", "1.0e-2"),
        ("claims.E2.drift_temperature.lowest", "-1e-3", "-1.0e-3"),
        ("claims.E2.drift_temperature.highest", "1e+5", "100000"),
    ],
)
def test_advice_on_a_number_that_yaml_reads_as_text_works_when_followed(tmp_path, key, text, advice):
    def read(value: str) -> Configuration:
        data = copy.deepcopy(SMALL)
        place, path = data, key.replace("E2.", "E2/").split(".")
        for part in path[:-1]:
            place = place[part.replace("/", ".")]
        place[path[-1]] = "HERE"
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(data).replace("HERE", value))
        return Configuration.read(tmp_path / "config.yaml")

    with pytest.raises(ConfigurationError) as error:
        read(text)
    given = {re.search(r"write ([-+.0-9e]+)", line)[1] for line in error.value.lines}
    assert given == {advice}
    wrong = next(part for part in re.findall(r"[-+.0-9eE]+", text) if "e" in part.lower())
    read(text.replace(wrong, advice))


def test_a_name_that_does_not_fit_a_path_is_refused():
    data = copy.deepcopy(SMALL)
    data["experiments"]["coloring_temperature"]["scan"] = {"matching": "e" * 300}
    with pytest.raises(ConfigurationError, match="matching"):
        Configuration(data)
    from thermobatch.pipeline.configuration import point_slug

    longest = {f"parameter_{number}": 0.123456789012 for number in range(7)}
    assert len(point_slug(longest)) < 200
    with pytest.raises(
        ConfigurationError, match=r"has a name of 201 bytes, and 200 fit a path: .*`parameters`"
    ):
        point_slug(longest | {"q": 1.23456789})


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--config", "seed=1", "seed=2"], ["the key seed is given twice"]),
        (["--config", "seed=1", "-p", "--config", "scale=smoke"], ["more than once"]),
        (["-C", "seed=1", "--cores", "2", "--config=scale=smoke"], ["more than once"]),
        (
            ["--config", "experiments={a: {q: 3, q: 4}}"],
            ["experiments: lines 1 and 1: the key a.q is given twice"],
        ),
        (
            ["--config", "experiments={a: {q: 3}}", "experiments={a: {q: 4}}"],
            ["experiments.a.q is given twice"],
        ),
        (["--config", "experiments={a: 1}", "experiments={a: {q: 4}}"], ["given twice"]),
        (["--config", "seed=010"], ["seed = 010", "octal"]),
        (["--config", "figures=[10:30]"], ["base sixty"]),
    ],
)
def test_what_the_command_line_of_snakemake_says_twice_or_otherwise_is_an_error(
    arguments, words, monkeypatch
):
    with pytest.raises(ConfigurationError) as error:
        _layers_of(["snakemake", *arguments], monkeypatch)
    assert any(all(word in line for word in words) for line in error.value.lines), error.value.lines


def test_the_command_line_may_give_parts_of_one_mapping(monkeypatch):
    parts = ["--config", "experiments={a: {q: 3}}", "experiments={a: {n: 4}, b: {q: 3}}", "scale=smoke"]
    for arguments in (
        parts,
        [*parts, "--configfile", "x.yaml", "--cores=2", "-c4"],
        ["--configfile", "x", "--cores", "1"],
    ):
        assert _layers_of(["snakemake", *arguments], monkeypatch)


def _layers_of(argv, monkeypatch):
    monkeypatch.setattr(sys, "argv", argv)
    settings = SimpleNamespace(configfiles=[], config={"scale": "smoke"}, replace_workflow_config=False)
    return snakemake_layers(SimpleNamespace(config_settings=settings, configfiles=["config.yaml"]))

"""Read configuration files strictly, lay them over each other as Snakemake does, and tell where a value comes from.

YAML 1.1 has silent defaults that turn a slip into another number: the last of two equal keys wins, `10:30` is 630,
`010` is 8, `off` is false. Here each is an error with its line.
"""

import argparse
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from thermobatch.pipeline.errors import ConfigurationError

COMMAND_LINE = "--config"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times as fast where it is there
_TAG = "tag:yaml.org,2002:"


class Layer(NamedTuple):
    """One source of a configuration: the name errors use for it, and what it holds."""

    origin: str
    data: Mapping[str, Any]


def read_layer(path: str | Path) -> Layer:
    """Read one YAML or JSON file.

    Raises
    ------
    ConfigurationError
        With one line per problem: keys given twice (with both lines), values that YAML reads as something else than
        they look like, what is no YAML at all.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigurationError([f"{path}: no such file; run from the folder that holds config.yaml"])
    try:
        text = path.read_text(encoding="utf-8")
        problems, data = _read_json(text) if path.suffix == ".json" else _read_yaml(text)
    except yaml.YAMLError as error:
        advice = "; indent with spaces, not with tabs" if re.search("^ *\t", text, re.MULTILINE) else ""
        said = " ".join(str(error).split())
        raise ConfigurationError([f"{path}: not valid YAML: {said}{advice}"]) from None
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ConfigurationError([f"{path}: not valid {kind}: {error}"]) from None
    if problems:
        raise ConfigurationError(f"{path}: {line}" for line in problems)
    if not isinstance(data, dict):
        raise ConfigurationError(
            [f"{path}: must be a mapping with the keys seed, experiments, figures, claims"]
        )
    return Layer(str(path), data)


def snakemake_layers(workflow) -> list[Layer]:
    """Return the layers of a Snakemake workflow: the Snakefile's file, those of --configfile, and --config."""
    settings = workflow.config_settings
    of_snakefile = workflow.configfiles[len(settings.configfiles) :]
    files = [*([] if settings.replace_workflow_config else of_snakefile), *settings.configfiles]
    here = Path.cwd()
    layers = [
        read_layer(path.relative_to(here) if path.is_relative_to(here) else path) for path in map(Path, files)
    ]
    problems, given = _problems_of_arguments(sys.argv[1:]) if settings.config else [], {}
    for key, value in settings.config.items():
        given[key] = _typed(value, key, problems) if isinstance(value, Mapping | list) else value
    if problems:
        raise ConfigurationError(f"{COMMAND_LINE}: {line}" for line in problems)
    return [*layers, Layer(COMMAND_LINE, given)] if given else layers


def merged(layers: Iterable[Layer]) -> dict[str, Any]:
    """Return the layers laid over each other as Snakemake lays them: mappings key by key, all else as a whole."""
    data: dict[str, Any] = {}
    for layer in layers:
        data = _laid_over(data, layer.data)
    return data


def _laid_over(below: Any, above: Mapping[str, Any]) -> dict[str, Any]:
    below = below if isinstance(below, Mapping) else {}
    changed = {
        key: _laid_over(below.get(key), value) if isinstance(value, Mapping) else value
        for key, value in above.items()
    }
    return {**below, **changed}


def origin_of(line: str, layers: Sequence[Layer]) -> str:
    """Return the name of the topmost layer that gives the key (and the value, if it is told) a complaint is about."""
    where, _, told = line.partition(" = ") if " = " in line.split(": ")[0] else line.partition(": ")
    value = told.partition(": ")[0]
    closeness = [_closeness(layer.data, where, value) for layer in layers]
    return max(zip(closeness, range(len(layers)), layers, strict=True))[2].origin


def _closeness(data: Mapping[str, Any], where: str, value: str) -> int:
    """How much of a complaint about the key `where` and its value can come from `data`."""
    top = where.split(".")[0]
    if top not in data or where == top:
        return (2 + (repr(data[top]) == value)) if top in data else 0
    stanzas = data[top] if isinstance(data[top], Mapping) else {}
    names = [name for name in stanzas if f"{where}.".startswith(f"{top}.{name}.")]
    if not names:
        return 1
    key = where.rpartition(".")[2]
    values = [repr(item) for name, item in _items(stanzas[names[0]]) if name == key]
    return 3 + bool(values) + (value in values)


def _items(data: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value at any depth with the nearest key above it."""
    yield key, data
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _items(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _items(value, key)


def _read_json(text: str) -> tuple[list[str], Any]:
    twice: list[str] = []

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice.extend(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    data = json.loads(text, object_pairs_hook=mapping)
    # Python's reader of JSON knows no lines; YAML's does, and reads JSON where no tab is in the way.
    return [
        line for line in _read_yaml(text.expandtabs(1))[0] if "given twice" in line
    ] if twice else [], data


def _read_yaml(text: str) -> tuple[list[str], Any]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        problems = [] if node is None else list(_problems(node, "", []))
        return problems, None if node is None or problems else loader.construct_document(node)
    finally:
        loader.dispose()


def _problems(node: yaml.Node, where: str, above: list[yaml.Node]) -> Iterator[str]:
    """What is not as it looks in a node of YAML and below, one line a problem."""
    line = node.start_mark.line + 1
    if any(node is other for other in above):
        yield f"line {line}: {where}: holds itself"
    elif isinstance(node, yaml.ScalarNode):
        complaint = _misread(node)
        if complaint:
            yield f"line {line}: {where} = {node.value or '(empty)'}: {complaint}"
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _problems(item, where, [*above, node])
    else:
        yield from _problems_of_keys(node, where)
        for key, value in node.value:
            yield from _problems(value, f"{where}.{key.value}".lstrip("."), [*above, node])


def _problems_of_keys(node: yaml.MappingNode, where: str) -> Iterator[str]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
            shown = key.value if isinstance(key, yaml.ScalarNode) else "of several parts"
            yield f"line {line}: the key {shown} is no text for YAML; keys are names: put it in quotes"
        elif key.value in first:
            full = f"{where}.{key.value}".lstrip(".")
            yield (
                f"lines {first[key.value]} and {line}: the key {full} is given twice, and the last would win; "
                "keep one, or join what they hold"
            )
        else:
            first[key.value] = line


def _misread(node: yaml.ScalarNode) -> str | None:
    """What is wrong with a plain value that YAML 1.1 reads as something else than it looks like."""
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "null" and text == "":
        return "has no value; give one, or write null where nothing is meant"
    if kind in ("int", "float") and ":" in text:
        return "YAML reads a number with colons in base sixty; write the number in full, or text in quotes"
    if kind == "int" and re.fullmatch(r"[-+]?0[0-7_]+", text):
        sign, digits = text.rstrip("0123456789_"), text.lstrip("+-").replace("_", "")
        return f"YAML reads a leading 0 as octal; write {sign}{digits.lstrip('0') or 0} (or {sign}{int(digits, 8)})"
    if kind == "bool" and text.lower() not in ("true", "false"):
        meant = "true" if text.lower() in ("yes", "on") else "false"
        return f"YAML reads this as {meant}; write {meant}, or text in quotes"
    if kind == "timestamp":
        return "YAML reads this as a date; write text in quotes"
    return None


def _problems_of_arguments(arguments: Sequence[str]) -> list[str]:
    """What Snakemake's command line gives twice with --config, or writes as YAML misreads it: it is silent on both."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(COMMAND_LINE, "-C", nargs="*", action="append", default=[])
    given = parser.parse_known_args(arguments)[0].config
    if len(given) > 1:
        return ["is given more than once, and the last would win; give all keys after one"]
    problems: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for entry in itertools.chain(*given):
        key, _, text = entry.partition("=")
        try:
            found, data = _read_yaml(text)
        except yaml.YAMLError:
            continue  # Snakemake reads it as text, and its key says whether it may be text
        problems += [f"{key}: {line}".replace(f"{key}: line 1:  = ", f"{key} = ") for line in found]
        leaves = set(_leaves(data, (key,)))
        twice = {
            leaf
            for leaf in leaves
            for other in seen
            if leaf[: len(other)] == other or other[: len(leaf)] == leaf
        }
        problems += [
            f"the key {'.'.join(leaf)} is given twice, and the last would win; keep one"
            for leaf in sorted(twice)
        ]
        seen |= leaves
    return problems


def _leaves(data: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of all values below `data` that are no mappings."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, str(key)))
    else:
        yield path


def _typed(value: Any, where: str, problems: list[str]) -> Any:
    """Read what is inside a mapping or list of --config as in a file: Snakemake leaves it text."""
    if isinstance(value, Mapping):
        return {key: _typed(item, f"{where}.{key}", problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item, where, problems) for item in value]
    if not isinstance(value, str):
        return value
    loader = yaml.SafeLoader("")
    node = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, value, (True, False)), value)
    complaint = _misread(node)
    if complaint:
        problems.append(f"{where} = {value or '(empty)'}: {complaint}")
        return value
    return loader.construct_object(node)

"""Say which values of a valid configuration have no effect, because a scale or its scan has its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from thermobatch.pipeline.configuration import Configuration
from thermobatch.study.scale import SCALES


def without_effect(configuration: Configuration) -> list[str]:
    """Return a line for each base value that no scale uses, or that a file laid over others gives in vain.

    A value of a later file that only some scales use is told for the scales where their own wins, unless that file
    gives those too.
    """
    lines = []
    for number, layer in enumerate(configuration.layers):
        given = layer.data.get("experiments") or {}
        for name in given:
            for key, value in _base_values(given[name]):
                won = {scale: _winner(configuration, name, scale, key) for scale in SCALES}
                won = {scale: winner for scale, winner in won.items() if winner}
                if number:
                    own = given[name].get("scales") or {}
                    won = {
                        scale: winner for scale, winner in won.items() if key not in (own.get(scale) or {})
                    }
                    lines += [
                        f"{layer.origin}: {_told(name, key, value)} has no effect at {scale} scale, where {winner} wins"
                        for scale, winner in won.items()
                    ]
                elif len(won) == len(SCALES):
                    lines.append(
                        f"{layer.origin}: {_told(name, key, value)} has no effect: every scale has its own"
                    )
    return lines


def own_values(configuration: Configuration, scale: str) -> list[str]:
    """Return a line for each base value that has no effect at one scale."""
    return [
        f"{_told(name, key, value)} has no effect at {scale} scale, where {winner} wins"
        for name in configuration.experiments
        for key, value in _base_values(configuration.data["experiments"][name])
        if (winner := _winner(configuration, name, scale, key))
    ]


def _base_values(stanza: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an experiment gives for all scales."""
    yield from ((key, stanza[key]) for key in ("seeds", "scan") if key in stanza)
    yield from (stanza.get("parameters") or {}).items()


def _winner(configuration: Configuration, name: str, scale: str, key: str) -> str | None:
    """What a scale uses instead of the base value of `key`, in words; None where it uses that."""
    own = configuration.stanza(name).scales.get(scale, {})
    if key in own:
        return f"scales.{scale}.{key}{_shown(own[key])}"
    if key != "scan" and all(key in block for block in configuration.blocks(name, scale)):
        return f"the scan's own {key}"
    return None


def _told(name: str, key: str, value: Any) -> str:
    where = key if key in ("seeds", "scan") else f"parameters.{key}"
    return f"experiments.{name}.{where}{_shown(value)}"


def _shown(value: Any) -> str:
    return "" if isinstance(value, dict | list) else f" = {value}"

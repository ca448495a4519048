"""Every claim that counts can fail: a plausible world is known in which it does, with the standard options."""

import importlib
from pathlib import Path

import pytest
import yaml

from thermobatch.study.claim import claims

PROJECT = Path(__file__).parent.parent.parent
STANZAS = yaml.safe_load((PROJECT / "config.yaml").read_text())["claims"]
WINGS = ("coloring", "networks", "mean_field", "langevin")
FILES = {wing: importlib.import_module(f"falsifiers.{wing}") for wing in WINGS}
FALSIFIERS = {name: world for file in FILES.values() for name, world in file.FALSIFIERS.items()}


def wing_of(name: str) -> str:
    return claims()[name].decide.__module__.split(".")[1]


@pytest.mark.parametrize("name", [name for name, claim in claims().items() if not claim.illustration])
def test_every_claim_has_a_world_in_which_it_fails(name):
    assert name in FALSIFIERS, f"tests/falsifiers/{wing_of(name)}.py has no world in which {name} is false"
    stanza = dict(STANZAS[name])
    wanted = stanza.pop("dataset")
    datasets = FALSIFIERS[name]()
    assert len(datasets) == (1 if isinstance(wanted, str) else len(wanted))
    outcome = claims()[name].decide(*datasets, **stanza)
    assert outcome.verdict == "not_reproduced", f"{name} in its false world: {outcome}"


def test_falsifiers_are_of_claims_that_can_fail_and_in_their_wing():
    counted = {name for name, claim in claims().items() if not claim.illustration}
    assert set(FALSIFIERS) == counted
    for wing, file in FILES.items():
        assert {wing_of(name) for name in file.FALSIFIERS} <= {wing}

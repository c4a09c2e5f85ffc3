import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.cost.expert_load import touched_probability
from placer.errors import ScenarioError
from placer.robust.mixture import mixture
from placer.scenario.routing import RoutingKind, RoutingProfile
from placer.scenario.routing_file import read_routing_counts

COUNTS = Path(__file__).parents[3] / "shared" / "data" / "expert_counts_olmoe_mixtral.json"
DOMAINS = ("arxiv", "book", "c4", "github", "wikipedia")
LAYERS = {(64, 8): tuple(range(16))}


def counts(*values):
    return RoutingProfile(kind=RoutingKind.COUNTS, counts=values)


@given(st.floats(0.01, 0.99), st.integers(1, 500))
def test_a_mixture_ranks_experts_by_how_often_they_are_touched(weight, tokens):
    one, other = counts(5, 3, 2, 1), counts(1, 2, 3, 5)
    mixed = mixture([one, other], [weight, 1 - weight], {(4, 1): (0,)}, tokens)
    batch = np.array([float(tokens)])
    touched = [touched_probability(each.selection_probability(4, 1), batch)[0] for each in (one, other)]
    mean = weight * touched[0] + (1 - weight) * touched[1]
    ranked = mixed.selection_probability(4, 1)
    for first in range(4):
        for second in range(4):
            if mean[first] > mean[second] + 1e-9:
                assert ranked[first] > ranked[second]


def test_of_single_tokens_it_is_the_mean_of_the_chances():
    mixed = mixture([counts(3, 1), counts(1, 3)], [0.5, 0.5], {(2, 1): (0, 1)}, 1)
    assert mixed.kind is RoutingKind.COUNTS
    assert mixed.selection_probability(2, 1).tolist() == pytest.approx([0.5, 0.5])


def test_measured_layers_stay_layers():
    layered = RoutingProfile(kind=RoutingKind.LAYERS, layers=((3.0, 1.0), (1.0, 3.0)))
    mixed = mixture([layered, counts(1, 1)], [0.5, 0.5], {(2, 1): (1, 2)}, 1)
    chances = mixed.by_layer({(2, 1): (1, 2)})
    assert chances[1].tolist() == pytest.approx([0.625, 0.375])
    assert chances[2].tolist() == pytest.approx([0.375, 0.625])


def test_a_model_with_several_kinds_of_experts_is_refused():
    with pytest.raises(ScenarioError, match="one kind of MoE layers"):
        mixture([counts(1, 1), counts(1, 2)], [0.5, 0.5], {(2, 1): (0,), (4, 1): (1,)}, 1)


def cold_touched(chances, picked_on, batch, num_hot):
    """Return the cold experts that a batch touches, over all layers, if the hottest of another routing are hot."""
    total = 0.0
    for layer, chance in chances.items():
        hot = np.argsort(-picked_on[layer], kind="stable")[:num_hot]
        touched = touched_probability(chance, np.array([float(batch)]))[0]
        total += float(np.delete(touched, hot).sum())
    return total


@pytest.mark.skipif(not COUNTS.exists(), reason="needs the measured counts")
@pytest.mark.parametrize("batch", [64, 256])
@pytest.mark.parametrize("num_hot", [8, 16, 32, 48])
def test_on_domains_left_out_a_mixture_loses_at_most_half_of_what_single_domains_do(batch, num_hot):
    names = json.loads(COUNTS.read_text())["data"]
    profiles = {domain: read_routing_counts(f"{COUNTS}#olmoe/expert_counts/{domain}.pkl").profile for domain in DOMAINS}
    assert all(f"olmoe/expert_counts/{domain}.pkl" in names for domain in DOMAINS)
    chances = {domain: profile.by_layer(LAYERS) for domain, profile in profiles.items()}
    single, mixed = [], []
    for left_out in DOMAINS:
        others = [domain for domain in DOMAINS if domain != left_out]
        own = cold_touched(chances[left_out], chances[left_out], batch, num_hot)
        single += [cold_touched(chances[left_out], chances[other], batch, num_hot) / own - 1 for other in others]
        together = mixture([profiles[other] for other in others], [0.25] * 4, LAYERS, batch).by_layer(LAYERS)
        mixed.append(cold_touched(chances[left_out], together, batch, num_hot) / own - 1)
    assert max(mixed) <= 0.5 * max(single)

from types import SimpleNamespace

import pytest

from placer.catalog.link import Duplex
from placer.plan.placement import Location, Role
from placer.verify.recompute.crossing import Crossing
from placer.verify.recompute.figures import occupancy_s, step_time_s
from placer.verify.recompute.flow import Flow
from placer.verify.recompute.replica import Replica

HOST, SIDECAR = Role.HOST, Role.SIDECAR


def replica_with(duplex):
    return SimpleNamespace(crossing=Crossing(1e-6, {HOST: 4.0, SIDECAR: 2.0}, duplex))


def one_group(*, in_flight, stages):
    group = SimpleNamespace(shape=SimpleNamespace(stages=stages))
    return Replica({HOST: group}, None, SimpleNamespace(in_flight=in_flight))


def make_flow():
    """Two host stages: stage 0 sends 8 and receives 4 bytes, stage 1 sends 2 and receives 6."""
    flow = Flow()
    flow.send((HOST, 0), (SIDECAR, 0), 8.0)
    flow.send((SIDECAR, 0), (HOST, 0), 4.0)
    flow.send((HOST, 1), (SIDECAR, 0), 2.0)
    flow.send((SIDECAR, 0), (HOST, 1), 6.0)
    return flow


def test_the_busiest_stage_counts_in_each_direction():
    flow, replica = make_flow(), replica_with(Duplex.FULL)
    assert flow.port_s(HOST, replica) == (8 / 4, 6 / 4)
    assert flow.port_s(SIDECAR, replica) == (10 / 2, 10 / 2)


def test_half_duplex_ports_carry_both_directions():
    flow, replica = make_flow(), replica_with(Duplex.HALF)
    assert flow.port_s(HOST, replica) == (12 / 4, 12 / 4)
    assert flow.port_s(SIDECAR, replica) == (20 / 2, 20 / 2)


def test_a_group_is_as_busy_as_its_busiest_stage():
    flow = Flow()
    for stage, seconds in ((0, 1.0), (1, 3.0), (0, 1.5)):
        flow.work(Location(role="host", stage=stage, tier="hbm"), seconds)
    assert flow.busiest_s(HOST) == 3.0
    assert flow.busiest_s(SIDECAR) == 0.0


def test_fabrics_bound_the_step_like_devices_and_ports():
    # three microbatches: path 5, work 3 * 1, exchange 3 * 1.5 on stage 0 and 3 * 2 on stage 1
    flow = Flow(path_s=5.0, busy_s={(HOST, 0): 1.0}, fabric_s={(HOST, 0): 1.5, (HOST, 1): 2.0})
    replica = one_group(in_flight=3, stages=2)
    assert occupancy_s(flow, replica) == {"host": 3.0, "host fabric": 6.0, "host turns": 0.0}
    assert step_time_s(flow, replica) == 6.0
    assert step_time_s(flow, one_group(in_flight=2, stages=2)) == 5.0


def test_turns_of_the_fullest_stage_bound_the_step():
    # five microbatches on two stages: three together, in two turns; either way of following them may be the longer
    flow = Flow(path_s=5.0)
    for place, seconds in (((HOST, 0), (1.0, 2.0, 0.5)), ((HOST, 1), (1.0, 1.0, 3.0)), ((HOST, 1), (2.5, 1.0, 0.0))):
        flow.take(place, seconds)
    replica = one_group(in_flight=5, stages=2)
    assert (replica.share(HOST), replica.num_turns(HOST)) == (3, 2)
    assert occupancy_s(flow, replica)["host turns"] == 2 * 3.5
    assert step_time_s(flow, replica) == 7.0
    assert "host turns" not in occupancy_s(flow, one_group(in_flight=1, stages=2))


def test_a_hop_is_as_fast_as_its_narrower_side():
    assert replica_with(Duplex.FULL).crossing.hop_s(8.0) == pytest.approx(1e-6 + 8 / 2)

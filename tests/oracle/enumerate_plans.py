"""Every plan of a small declared space, priced: the oracle the solver is held against.

Written from ``docs/method.md``; nothing of the search or the planner is imported. Kernels, blocks and hops are the
verifier's. Replicas are enumerated one by one, layers by all ways and stages, nothing is pruned.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from placer.catalog.device import TierRole
from placer.catalog.kernel import KernelFamily
from placer.catalog.link import Duplex
from placer.graph.drafter import lower_drafter
from placer.graph.lower import lower
from placer.plan.placement import GroupPlan, Role, Way
from placer.plan.speculation import DrafterPool
from placer.verify.recompute.blocks import embedding_s, head_s
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.crossing import crossing_of, stage_hop_s
from placer.verify.recompute.group import group_of
from placer.verify.recompute.layer import Layer, layer_cost, turns_of
from placer.verify.recompute.load import Microbatch, part_load
from placer.verify.recompute.replica import Replica
from placer.verify.recompute.speculation import draft_of, drafter_group, round_trip_s, tokens_gained
from placer.verify.recompute.weights import shard_bytes

ROLES = (Role.HOST, Role.SIDECAR)


@dataclass(frozen=True)
class Shape:
    pool: str
    stages: int
    width: int
    tp: int
    cut: int
    cp: int = 1


@dataclass(frozen=True)
class Optimum:
    """The cheapest plan: price, step and what it is made of; ``naive`` prices every plan at the target's step."""

    usd_per_million: float
    step_s: float
    shapes: tuple[Shape, ...]
    in_flight: int
    batch: int
    ways: tuple[Way, ...]
    naive_ranks_otherwise: bool
    drafted: int = 0


def divisors(number):
    return [d for d in range(1, number + 1) if number % d == 0]


def shapes_of(model, pool, space):
    layers = len(model.layer_ops)
    inside = min(pool.domain, pool.count)
    widths = {d for d in divisors(pool.domain) if d <= inside} | {2**k for k in range(20) if 2**k <= inside}
    widths |= set(range(pool.domain, pool.count + 1, pool.domain))
    heads = math.gcd(*(mixer.num_heads for mixer in model.spec.mixers.values()))
    parts = [ops.core.kv_max_shards for ops in model.layer_ops]
    experts = min((ops.moe.num_experts for ops in model.layer_ops if ops.moe), default=0)
    counts = set(range(1, min(8, layers) + 1)) | {layers + 1, layers + 2}
    counts |= {-(-layers // size) for size in range(1, layers + 1)}
    for width, stages in itertools.product(sorted(widths), sorted(counts)):
        if width > space.max_width or stages > space.max_stages or stages * width > pool.count:
            continue
        for tp in divisors(width):
            whole_heads = heads % tp == 0 and all(p % tp == 0 or tp % p == 0 for p in parts)
            if whole_heads and _inside(tp, width, pool.domain):
                for cut in _cuts(width, tp, pool.domain, experts):
                    yield Shape(pool.name, stages, width, tp, cut)
                    # all layers have the same mixer
                    if space.context_parallel and tp > parts[0]:
                        yield Shape(pool.name, stages, width, tp, cut, tp // parts[0])


def _inside(ranks, width, domain):
    return ranks <= domain and (width <= domain or domain % ranks == 0)


def _cuts(width, tp, domain, experts):
    if not experts:
        return [1]
    least = min(u for u in divisors(width) if width // u <= experts)
    legal = {u for u in (least, max(least, tp), width) if width % u == 0 and width // u <= experts}
    return sorted(u for u in legal if _inside(u, width, domain))


def rentals(fleet, shapes, target):
    """Yield replicas and dollars per hour, as long as the inventory and the caps allow."""
    for replicas in itertools.count(1):
        usd = watts = 0.0
        for shape in shapes:
            pool = fleet.pool(shape.pool)
            devices = _rented(pool, shape, replicas)
            if devices is None:
                return
            device = fleet.devices[pool.device]
            usd += devices * device.price[fleet.price_basis]
            watts += devices * device.power
        capped = (target.cost_cap is not None and usd > target.cost_cap) or (
            target.power_cap is not None and watts > target.power_cap
        )
        if not capped:
            yield replicas, usd


def _rented(pool, shape, replicas):
    """Return the devices in the units touched, domains filled one after the other; None if they do not suffice."""
    whole_group = shape.stages * shape.width <= pool.domain
    size = shape.stages * shape.width if whole_group else shape.width
    blocks = replicas if whole_group else replicas * shape.stages
    units, here = set(), 0
    for _ in range(blocks):
        room = pool.domain - here % pool.domain
        if size <= pool.domain and room < size:
            here += room
        if here + size > pool.count:
            return None
        units.update(range(here // pool.unit, (here + size - 1) // pool.unit + 1))
        here += size
    return len(units) * pool.unit


def optimum(scenario):
    """Return the cheapest plan of the declared space, or None where there is none."""
    model, fleet, space = lower(scenario.model), scenario.fleet, scenario.space
    names = [pool.name for pool in fleet.pools]
    families = [(name,) for name in names]
    if space.max_groups > 1:
        families += [pair for pair in itertools.permutations(names, 2) if fleet.cross_link(*pair)]
    required = set(scenario.target.required_pools)
    required = set(scenario.target.required_pools)
    candidates = [
        shapes
        for family in families
        if required <= set(family)
        for shapes in itertools.product(*(list(shapes_of(model, fleet.pool(name), space)) for name in family))
    ]
    priced = [
        (*entry, drafted)
        for (drafted, beside), shapes in itertools.product(_choices(scenario), candidates)
        if beside is None or all(fleet.cross_link(shape.pool, beside.pool) for shape in shapes)
        for entry in _priced(scenario, model, shapes, (drafted, beside))
    ]
    if not priced:
        return None
    best = min(priced, key=lambda entry: entry[0])
    wrong = best[1] > min(entry[1] for entry in priced) * (1 + 1e-9)
    return Optimum(best[0], *best[2:-1], wrong, best[-1])


def _choices(scenario):
    """Yield every number of tokens drafted, with every width of a drafter on a pool of its own."""
    speculation = scenario.speculation
    yield 0, None
    for drafted in speculation.depths[1:] if speculation else ():
        if speculation.pool is None:
            yield drafted, None
            continue
        pool, heads = scenario.fleet.pool(speculation.pool), {m.num_heads for m in speculation.draft.mixers.values()}
        parts = {ops.core.kv_max_shards for ops in lower(speculation.draft).layer_ops}
        used = [speculation.draft.ffns[kind.ffn] for kind in speculation.draft.layer_kinds()]
        fewest = min((ffn.num_experts for ffn in used if ffn.kind == "moe"), default=None)
        for width in scenario.space.widths(pool):
            whole = all(h % width == 0 for h in heads) and all(p % width == 0 or width % p == 0 for p in parts)
            if width <= min(pool.domain, pool.count) and whole:
                cut = 1 if fewest is None else next(u for u in divisors(width) if width // u <= fewest)
                yield drafted, DrafterPool(pool=pool.name, width=width, expert_tp=cut, first_device=(0,))


def _priced(scenario, model, shapes, choice):
    """Yield price, price at the target's step, and what the plan is, for every size of a replica."""
    drafted, beside = choice
    gained = tokens_gained(scenario.speculation, drafted)
    rented = (
        shapes if beside is None else (*shapes, Shape(beside.pool, 1, beside.width, beside.width, beside.expert_tp))
    )
    rents, space = list(rentals(scenario.fleet, rented, scenario.target)), scenario.space
    flights = [m for m in range(1, space.max_microbatches + 1) if _suits(m, shapes)]
    sizes = itertools.product(flights, range(1, space.max_rank_batch + 1))
    for in_flight, ranks in sizes if rents else ():
        batch = ranks * shapes[0].width // shapes[0].tp
        found = _best_step(scenario, model, shapes, (in_flight, batch, *choice))
        if found is None:
            continue
        longest = gained / scenario.target.tokens_per_s_per_user
        price = _price(scenario, rents, gained * in_flight * batch, found[0])
        naive = _price(scenario, rents, gained * in_flight * batch, longest)
        if price < math.inf:
            yield price, naive, found[0], shapes, in_flight, batch, found[1]


def _suits(in_flight, shapes):
    """Whether every group has at least as many stages, or as many microbatches for each."""
    return all(in_flight <= shape.stages or in_flight % shape.stages == 0 for shape in shapes)


def _price(scenario, rents, tokens, step_s):
    target, best = scenario.target, math.inf
    for replicas, usd in rents:
        rate = replicas * tokens / step_s
        if target.tokens_per_s is not None:
            if rate < target.tokens_per_s * (1 - 1e-12):
                continue
            rate = target.tokens_per_s
        best = min(best, 1e6 * usd / (3600.0 * rate * scenario.workload.utilisation))
    return best


def _deal(batch, ranks):
    return tuple(batch // ranks + (rank < batch % ranks) for rank in range(ranks))


def _replica(scenario, shapes, in_flight, batch, drafted):
    groups = {}
    for role, shape in zip(ROLES, shapes, strict=False):
        plan = GroupPlan(
            role=role,
            pool=shape.pool,
            stages=shape.stages,
            width=shape.width,
            tp=shape.tp,
            expert_tp=shape.cut,
            cp=shape.cp,
            sequences_per_rank=_deal(batch, shape.width // shape.tp),
        )
        groups[role] = group_of(plan, scenario.fleet, drafted + 1)
    load = Microbatch(
        sequences=batch,
        in_flight=in_flight,
        hidden_size=scenario.model.hidden_size,
        dispatch_bytes=scenario.model.precision.dispatch.element_bytes,
        time_context=scenario.workload.mean_context,
        capacity_context=scenario.workload.capacity_context + drafted,
        width=drafted + 1,
    )
    return Replica(groups, crossing_of(groups, scenario.fleet), load)


def _with_drafter(scenario, replica, beside):
    """Return the replica with a drafter on a pool of its own, or None if that does not fit."""
    batch, fleet = replica.batch, scenario.fleet
    group = drafter_group(beside, batch.sequences, fleet)
    drafter = lower_drafter(scenario.speculation, scenario.model)
    draft = draft_of(drafter, batch.width - 1, group, batch)
    if draft.weights + _kept(drafter, group, batch) > group.device.usable_bytes:
        return None
    pools = [each.pool.name for each in replica.groups.values()]
    trip = round_trip_s(fleet, pools, beside.pool, batch.sequences * (2 * batch.width - 1))
    overlap = scenario.speculation.overlap
    return replace(replica, draft=replace(draft, group=group, round_trip_s=trip, is_overlapped=overlap))


def _kept(drafter, group, batch):
    """Return the KV cache of a drafter, a byte of every layer rounded up, and its buffers, all in flight."""
    tp, spec, kept = group.shape.tp, drafter.model.spec, 0
    for ops in drafter.model.layer_ops:
        (cache,) = ops.core.caches
        kept += math.ceil(cache.entry_bytes * batch.capacity_context / min(tp, ops.core.kv_max_shards))
    top_k = max((ops.moe.top_k for ops in drafter.model.layer_ops if ops.moe), default=0)
    buffers = 2 * spec.hidden_size * (2 + 2 * top_k / tp)
    return batch.in_flight * group.rank_sequences * (kept * drafter.modules + buffers)


class _Candidate:
    """Tables of one candidate: slots are the stages of host and sidecar, one after the other."""

    def __init__(self, scenario, model, shapes, replica):
        self.scenario, self.model, self.shapes, self.replica = scenario, model, shapes, replica
        self.first = (0, shapes[0].stages)
        self.slots = sum(shape.stages for shape in shapes)
        self.group_of_slot = [g for g, shape in enumerate(shapes) for _ in range(shape.stages)]

    def zeros(self):
        return np.zeros(self.slots)

    def options(self, index):
        """Yield what a layer uses in every way and stage."""
        ops = self.model.layer_ops[index]
        pair = len(self.shapes) > 1
        ways = [(Way.NEAR, 0)]
        if pair:
            ways += [(Way.RELAY, 0), (Way.AWAY, 0)]
        if pair and ops.moe:
            ways.append((Way.DIRECT, 0))
            ways += [(Way.SPLIT, hot) for hot in self.scenario.space.hot_counts(ops.moe.num_experts)]
        for way, hot in ways:
            cost = self._cost(index, way, hot)
            for host, side in self._stages(way):
                yield self._use(ops, (way, hot), cost, (host, side))

    def _stages(self, way):
        hosts = range(self.shapes[0].stages)
        sides = range(self.shapes[1].stages) if len(self.shapes) > 1 else ()
        if way is Way.NEAR:
            return [(host, -1) for host in hosts]
        if way is Way.AWAY:
            return [(-1, side) for side in sides]
        return list(itertools.product(hosts, sides))

    def _parts(self, way, hot, experts):
        if way is Way.SPLIT:
            return [(0, range(hot, experts)), (1, range(hot))]
        return [(0 if way is Way.NEAR else 1, range(experts))]

    def _cost(self, index, way, hot):
        ops, spec = self.model.layer_ops[index], self.scenario.model
        kind = type(spec.mixers[spec.layer_kinds()[index].mixer]).__name__
        family = KernelFamily.MLA if kind == "LatentAttention" else KernelFamily.ATTENTION
        loads = []
        if ops.moe:
            selection = self.scenario.workload.routing.by_layer(self.model.expert_layers)[index]
            hottest_first = np.argsort(-selection, kind="stable")
            for group, members in self._parts(way, hot, ops.moe.num_experts):
                ranks = self.shapes[group].width // self.shapes[group].cut
                dealt = [hottest_first[list(members)][rank::ranks].tolist() for rank in range(ranks)]
                loads.append(part_load(selection, dealt, self.replica.batch.tokens))
        return layer_cost(Layer(ops, family, way, loads), self.replica)

    def _held(self, op, group):
        shape = self.shapes[group]
        return math.ceil(shard_bytes(op, self.replica.groups[ROLES[group]].device, shape.tp))

    def _taken(self, held, kept):
        """Return what a layer takes of the devices of every slot: both, or the larger share of split memory."""
        rates = np.array([_rate(self.replica.groups[ROLES[g]].device) for g in self.group_of_slot])
        return np.where(rates > 0, np.maximum(held, rates * kept), held + kept)

    def _use(self, ops, placed, cost, stages):
        (way, hot), (host, side) = placed, stages
        slot = {0: host, 1: self.first[1] + side}
        at = int(way is Way.AWAY)
        busy, fabric, sent, got, held, kept, first, last, alone = (self.zeros() for _ in range(9))
        for g, stage in enumerate(stages):
            if stage >= 0:
                turns = turns_of(cost, ROLES[g], self.replica.share(ROLES[g]))
                first[slot[g]], last[slot[g]], alone[slot[g]] = turns
        busy[slot[at]] += cost.attention_s
        group, load = self.replica.groups[ROLES[at]], self.replica.batch
        held[slot[at]] += sum(self._held(op, at) for op in (*ops.attention, *((ops.moe.router,) if ops.moe else ())))
        (cache,) = ops.core.caches
        kv = cache.entry_bytes * math.ceil(load.capacity_context / group.shape.cp)
        kept[slot[at]] += (
            load.in_flight * group.rank_sequences * math.ceil(kv / min(group.shape.tp, ops.core.kv_max_shards))
        )
        parts = self._parts(way, hot, ops.moe.num_experts if ops.moe else 0)
        for number, (g, members) in enumerate(parts):
            busy[slot[g]] += cost.parts_s[number]
            if ops.dense is not None:
                held[slot[g]] += self._held(ops.dense, g)
                continue
            shape = self.shapes[g]
            one = math.ceil(shard_bytes(ops.moe.expert, self.replica.groups[ROLES[g]].device, shape.cut))
            held[slot[g]] += -(-len(members) // (shape.width // shape.cut)) * one
            if number == 0 and ops.moe.shared is not None:
                held[slot[g]] += self._held(ops.moe.shared, g)
        fabric[slot[parts[0][0]]] += cost.exchange_s
        if cost.out_bytes:
            sent[slot[0]] += cost.out_bytes
            got[slot[1]] += cost.out_bytes
        if cost.back_bytes:
            sent[slot[1]] += cost.back_bytes
            got[slot[0]] += cost.back_bytes
        held = self._taken(held, kept)
        leaves = slot[1] if way in {Way.RELAY, Way.AWAY} else slot[0]
        return {
            "way": way, "path": cost.path_s, "vectors": np.stack([busy, fabric, sent, got, held, first, last, alone]),
            "enters": slot[at], "leaves": leaves, "host": host, "side": side,
        }  # fmt: skip

    def draft(self, g):
        """Return the time and the bytes of what drafts, on a device of the LM head's stage."""
        batch, group = self.replica.batch, self.replica.groups[ROLES[g]]
        if batch.width == 1 or self.replica.draft.is_beside:
            return 0.0, 0
        drafter = lower_drafter(self.scenario.speculation, self.scenario.model)
        draft = draft_of(drafter, batch.width - 1, group, batch)
        return draft.passes_s, draft.weights + _kept(drafter, group, batch)

    def hop(self, here, there):
        """Return path time and bytes of hidden states on their way from slot to slot."""
        if here == there:
            return 0.0, 0.0
        message = 2.0 * self.scenario.model.hidden_size * self.replica.batch.tokens
        to = self.replica.groups[ROLES[self.group_of_slot[there]]]
        gather = gather_hidden_s(to, self.replica.batch)
        if self.group_of_slot[here] == self.group_of_slot[there]:
            return stage_hop_s(to, message) + gather, 0.0
        return self.replica.link.hop_s(message) + gather, message

    def token(self, here, there):
        """Return the time token ids take from the LM head's slot to the embedding's."""
        if here == there:
            return 0.0
        message = 4.0 * self.replica.batch.tokens
        if self.group_of_slot[here] == self.group_of_slot[there]:
            return stage_hop_s(self.replica.groups[ROLES[self.group_of_slot[here]]], message)
        return self.replica.link.hop_s(message)


def _best_step(scenario, model, shapes, size):
    """Return the shortest step of a candidate and its ways, or None if nothing fits within the target."""
    in_flight, batch, drafted, beside = size
    replica = _replica(scenario, shapes, in_flight, batch, drafted)
    if beside is not None:
        replica = _with_drafter(scenario, replica, beside)
        if replica is None:
            return None
    candidate = _Candidate(scenario, model, shapes, replica)
    hops = [[candidate.hop(a, b) for b in range(candidate.slots)] for a in range(candidate.slots)]
    hop_s = np.array([[hop[0] for hop in row] for row in hops])
    hop_bytes = np.array([[hop[1] for hop in row] for row in hops])
    states = _start(candidate)
    for index in range(len(model.layer_ops)):
        states = _extend(states, list(candidate.options(index)), (hop_s, hop_bytes))
    return _finish(candidate, states, (hop_s, hop_bytes), in_flight)


def _groups(candidate):
    return range(len(candidate.shapes))


def _start(candidate):
    states = {"path": [], "vectors": [], "at": [], "host": [], "side": [], "first": [], "ways": []}
    for g in _groups(candidate):
        group = candidate.replica.groups[ROLES[g]]
        slot = candidate.first[g]
        vectors = np.zeros((8, candidate.slots))
        time = embedding_s(candidate.model.embedding, group, candidate.replica.batch)
        vectors[0, slot] = time
        vectors[5:, slot] = time * np.array([candidate.replica.share(ROLES[g])] * 2 + [1])
        vectors[4, slot] = candidate._held(candidate.model.embedding, g)
        for name, value in zip(states, (time, vectors, slot, -1, -1, slot, ()), strict=True):
            states[name].append(value)
    return {name: values if name == "ways" else np.array(values) for name, values in states.items()}


def _extend(states, options, hops):
    hop_s, hop_bytes = hops
    count = len(states["path"])
    grid = [(s, o) for s in range(count) for o in range(len(options))]
    s, o = np.array([g[0] for g in grid]), np.array([g[1] for g in grid])
    host, side = np.array([op["host"] for op in options])[o], np.array([op["side"] for op in options])[o]
    legal = ((host < 0) | (host >= states["host"][s])) & ((side < 0) | (side >= states["side"][s]))
    s, o, host, side = s[legal], o[legal], host[legal], side[legal]
    enters = np.array([op["enters"] for op in options])[o]
    here = states["at"][s]
    vectors = states["vectors"][s] + np.array([op["vectors"] for op in options])[o]
    message, rows = hop_bytes[here, enters], np.arange(len(s))
    vectors[rows, 2, here] += message
    vectors[rows, 3, enters] += message
    return {
        "path": states["path"][s] + np.array([op["path"] for op in options])[o] + hop_s[here, enters],
        "vectors": vectors,
        "at": np.array([op["leaves"] for op in options])[o],
        "host": np.where(host < 0, states["host"][s], host),
        "side": np.where(side < 0, states["side"][s], side),
        "first": states["first"][s],
        "ways": [(*states["ways"][a], options[b]["way"]) for a, b in zip(s.tolist(), o.tolist(), strict=True)],
    }


def _finish(candidate, states, hops, in_flight):
    hop_s, hop_bytes = hops
    best = None
    for g in _groups(candidate):
        group = candidate.replica.groups[ROLES[g]]
        slot = candidate.first[g] + candidate.shapes[g].stages - 1
        vectors, here = states["vectors"].copy(), states["at"]
        rows = np.arange(len(here))
        draft_s, draft_bytes = candidate.draft(g)
        time = head_s(candidate.model.lm_head, group) + draft_s
        vectors[:, 0, slot] += time
        vectors[:, 5:, slot] += time * np.array([candidate.replica.share(ROLES[g])] * 2 + [1])
        vectors[:, 4, slot] += candidate._held(candidate.model.lm_head, g) + math.ceil(draft_bytes)
        message = hop_bytes[here, slot]
        vectors[rows, 2, here] += message
        vectors[rows, 3, slot] += message
        back = np.array([candidate.token(slot, first) for first in range(candidate.slots)])
        waiting = candidate.replica.draft.path_s if candidate.replica.draft.is_beside else 0.0
        path = states["path"] + time + hop_s[here, slot] + back[states["first"]] + waiting
        step = np.maximum(path, in_flight * _busiest(candidate, vectors))
        if candidate.replica.draft.is_beside:
            step = np.maximum(step, candidate.replica.draft.busy_s(in_flight))
        if in_flight > 1:
            step = np.maximum(step, _longest_turns(candidate, vectors))
        batch = candidate.replica.batch
        gained = tokens_gained(candidate.scenario.speculation, batch.width - 1)
        longest = gained / candidate.scenario.target.tokens_per_s_per_user
        fits = _fits(candidate, vectors[:, 4], in_flight) & (step <= longest)
        if fits.any():
            index = int(np.argmin(np.where(fits, step, np.inf)))
            if best is None or step[index] < best[0]:
                best = float(step[index]), states["ways"][index]
    return best


def _busiest(candidate, vectors):
    busiest = np.maximum(vectors[:, 0].max(axis=1), vectors[:, 1].max(axis=1))
    if candidate.replica.crossing is None:
        return busiest
    sent, got = vectors[:, 2], vectors[:, 3]
    if candidate.replica.crossing.duplex is Duplex.HALF:
        sent = got = sent + got
    rate = np.array([candidate.replica.crossing.side_bytes_per_s[ROLES[g]] for g in candidate.group_of_slot])
    return np.maximum(busiest, np.maximum((sent / rate).max(axis=1), (got / rate).max(axis=1)))


def _longest_turns(candidate, vectors):
    turns = np.array([candidate.replica.num_turns(ROLES[g]) for g in candidate.group_of_slot])
    return (turns * vectors[:, 5:].max(axis=1)).max(axis=1)


def _fits(candidate, held, in_flight):
    model, batch = candidate.model, candidate.replica.batch
    top_k = max((ops.moe.top_k for ops in model.layer_ops if ops.moe), default=0)
    fits = np.ones(len(held), dtype=bool)
    for slot, g in enumerate(candidate.group_of_slot):
        group = candidate.replica.groups[ROLES[g]]
        tokens = 2 * group.rank_tokens + 2 * top_k * group.rank_tokens / candidate.shapes[g].tp
        buffers = in_flight * 2 * batch.hidden_size * tokens
        if group.shape.cp > 1:
            core = model.layer_ops[0].core
            bytes_of_heads = 2 * core.query_width + 2 * (2 * core.intermediate_width + 4 * core.num_heads)
            buffers += in_flight * group.rank_tokens * bytes_of_heads * group.shape.cp / group.shape.tp
        fits &= held[:, slot] <= math.floor(group.device.usable_bytes - (_rate(group.device) or 1.0) * buffers)
    return fits


def _rate(device):
    """Return what a byte of the tier of the KV cache is worth in the tier of the weights; 0 where they are one."""
    tiers = {tier.role: tier.capacity for tier in device.memory}
    return tiers[TierRole.COMPUTE] / tiers[TierRole.CACHE] if TierRole.CACHE in tiers else 0.0

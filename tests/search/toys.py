"""A tiny sizing problem, models of single constraints over it, and a tiny scenario; all figures are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ortools.sat.python import cp_model

from placer.graph.lower import lower
from placer.plan.placement import Way
from placer.scenario.scenario import Scenario
from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout, class_of_layer
from placer.search.layout.variables import layout_variables
from placer.search.leaf import Found, LeafSolver
from placer.search.nodes import Family
from placer.search.params import SolveParams
from placer.search.quantize import seconds
from placer.search.rows import Placement
from placer.search.sizing.build import Candidate, wire_between
from placer.search.sizing.problem import ClassTable, Crossing, Outside, Run, SizingProblem
from placer.search.sizing.variables import sizing_variables
from placer.search.solve import Searcher, batch_grid
from placer.search.tree import build_tree
from placer.search.value import Valuation

#: Numbers of the placements of the toy class.
NEAR, DIRECT, RELAY, AWAY, SPLIT = range(5)
PLACEMENTS = (
    Placement(Way.NEAR),
    Placement(Way.DIRECT),
    Placement(Way.RELAY),
    Placement(Way.AWAY),
    Placement(Way.SPLIT, 0, 2),
)
#: path, host, sidecar, host fabric, sidecar fabric, host out, host in, sidecar out, sidecar in
TIMES = (
    (10, 10, 0, 3, 0, 0, 0, 0, 0),
    (30, 4, 5, 0, 0, 7, 8, 8, 7),
    (25, 4, 6, 0, 2, 5, 0, 0, 5),
    (12, 0, 11, 0, 2, 0, 0, 0, 0),
    (28, 6, 3, 1, 0, 4, 4, 4, 4),
)
HOST_BYTES, SIDE_BYTES = (6, 2, 2, 0, 5), (0, 4, 5, 7, 2)
EMBEDDING, LM_HEAD = Outside((1, 2), (3, 4)), Outside((5, 7), (8, 9))
CROSSING = Crossing(
    to_side=100,
    to_host=200,
    token=50,
    ports=((13, 0, 0, 17), (0, 19, 23, 0)),
    stage=(31, 37),
    stage_token=(41, 43),
)
PLENTY = 10**6


NO_TURNS = np.zeros((2, 3, len(PLACEMENTS)))


def table(times=TIMES, host_bytes=HOST_BYTES, side_bytes=SIDE_BYTES, turns=NO_TURNS):
    rows = (times, host_bytes, side_bytes, turns)
    return ClassTable(PLACEMENTS, *(np.array(entry, dtype=np.int64) for entry in rows))


def problem(*runs, **changes):
    """Runs of so many layers each, one of three by default, all of one class; two microbatches in flight."""
    made = SizingProblem(
        runs=tuple(Run(number, count, 0) for number, count in enumerate(runs or (3,))),
        classes=(table(),),
        embedding=EMBEDDING,
        lm_head=LM_HEAD,
        crossing=CROSSING,
        stages=(1, 1),
        in_flight=2,
        capacity=(PLENTY, PLENTY),
        longest=PLENTY,
    )
    return replace(made, **changes)


class _Model:
    """A CP-SAT model in the making; an invalid one never counts as infeasible."""

    def __init__(self) -> None:
        self.model = cp_model.CpModel()

    def fix(self, variable, value):
        self.model.add(variable == value)

    def fix_all(self, variables, values):
        for variable, value in zip(variables, values, strict=True):
            self.fix(variable, value)

    def _solve(self):
        assert not self.model.validate()
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        return solver.status_name(solver.solve(self.model)), solver

    @property
    def status(self):
        return self._solve()[0]

    def status_if(self, *constraints):
        """Status with more constraints, which are then gone."""
        whole, self.model = self.model, self.model.clone()
        for constraint in constraints:
            self.model.add(constraint)
        status = self.status
        self.model = whole
        return status

    def least(self, expression):
        """The least value of an expression, or None."""
        whole, self.model = self.model, self.model.clone()
        self.model.minimize(expression)
        status, solver = self._solve()
        self.model = whole
        return round(solver.objective_value) if status == "OPTIMAL" else None

    def assert_share(self, expected):
        """The step is exactly as long as expected: one less is forbidden, just that is allowed."""
        step = self.variables.step
        assert self.least(step) == expected
        assert self.status_if(step <= expected - 1) == "INFEASIBLE"
        assert self.status_if(step == expected) == "OPTIMAL"


class SizingModel(_Model):
    """The variables of a sizing problem and the constraints asked for."""

    def __init__(self, problem_, *constraints) -> None:
        super().__init__()
        self.problem = problem_
        self.variables = sizing_variables(self.model, problem_)
        for constraint in constraints:
            constraint.add(self.model, self.variables, problem_)

    def place(self, *counts):
        """Fix the layers of every run, by placement."""
        for run, by_placement in zip(self.variables.runs, counts, strict=True):
            self.fix_all(run.count, [by_placement.get(number, 0) for number in range(len(PLACEMENTS))])
        return self

    def ends(self, embedding=0, lm_head=0):
        self.fix(self.variables.embedding_on_side, embedding)
        self.fix(self.variables.lm_head_on_side, lm_head)
        return self

    def hops(self, junctions_to_side=None, junctions_to_host=None, inside=None, token=0):
        """Fix all hops between the groups; ``inside``: starts on side, ends on side, hops to side, by run."""
        variables, runs = self.variables, len(self.variables.runs)
        self.fix_all(variables.junction_to_side, junctions_to_side or [0] * (runs + 1))
        self.fix_all(variables.junction_to_host, junctions_to_host or [0] * (runs + 1))
        for run, values in zip(variables.runs, inside or [(0, 0, 0)] * runs, strict=True):
            self.fix_all((run.starts_on_side, run.ends_on_side, run.hops_to_side), values)
        self.fix(variables.token_hops, token)
        return self

    def hold(self, group, *stages):
        """Fix what every stage of a group holds: layers by (bundle, placement)."""
        for content, held in zip(self.variables.content[group], stages, strict=True):
            for key, count in content.count.items():
                self.fix(count, held.get(key, 0))
        return self


class LayoutModel(_Model):
    """The variables of a layout and the constraints asked for."""

    def __init__(self, problem_, *constraints) -> None:
        super().__init__()
        self.problem = problem_
        self.variables = layout_variables(self.model, problem_, 0)
        for constraint in constraints:
            constraint.add(self.model, self.variables)

    def place(self, *placements):
        for ways, chosen in zip(self.variables.way, placements, strict=True):
            self.fix_all(ways, [number == chosen for number in range(len(ways))])
        return self

    def at(self, group, *stages):
        for literals, chosen in zip(self.variables.at[group], stages, strict=True):
            self.fix_all(literals, [stage == chosen for stage in range(len(literals))])
        return self

    def ends(self, embedding=0, lm_head=0):
        self.fix_all(self.variables.on_side, (embedding, lm_head))
        return self

    def lay(self, layout):
        """Fix everything a layout says."""
        self.place(*layout.placements).ends(*map(int, layout.outside_on_side))
        for group in self.variables.groups:
            self.at(group, *layout.stages[group])
        return self


def _device(name, *, capacity, bandwidth, price, floor="1 us"):
    kernel = {"floor": floor, "mbu": 0.5, "mfu": 0.5}
    return {
        "name": name,
        "memory": [{"tier": "hbm", "capacity": capacity, "bandwidth": bandwidth}],
        "peak": {"bf16": "1 TFLOP/s"},
        "kernels": [{"family": family, **kernel} for family in ("gemm", "attention", "moe")],
        "power": "100 W",
        "price": {"tco": price},
    }


def scenario(*, routing=None, target=None, big=None, fast=None, **space):
    """A mixture of experts of five layers on two pools that a link joins; a step may take a second."""
    starts = {"all_reduce": [{"devices": 2, "latency": "3 us"}], "all_to_all": [{"devices": 2, "latency": "2 us"}]}
    links = {
        "inner": {"name": "inner", "bandwidth": "8 GB/s", "latency": "1 us", **starts},
        "outer": {"name": "outer", "bandwidth": "2 GB/s", "latency": "5 us"},
        "bridge": {"name": "bridge", "bandwidth": "4 GB/s", "latency": "4 us", "duplex": "half"},
    }
    moe = {"kind": "moe", "num_experts": 6, "top_k": 2, "intermediate_size": 16, "shared_intermediate_size": 8}
    model = {
        "name": "tiny",
        "source": "made up",
        "hidden_size": 16,
        "vocab_size": 64,
        "mixers": {"gqa": {"kind": "gqa", "num_heads": 4, "num_kv_heads": 2, "head_dim": 4}},
        "ffns": {"dense": {"kind": "dense", "intermediate_size": 32}, "moe": moe},
        "layers": [
            {"repeat": 2, "pattern": [{"mixer": "gqa", "ffn": "dense"}]},
            {"repeat": 3, "pattern": [{"mixer": "gqa", "ffn": "moe"}]},
        ],
        "precision": {"dispatch": "fp8"},
    }
    inside = {"scale_up": "inner", "scale_out": "outer"}
    pools = [
        {"name": "big", "device": "wide", "count": 8, "unit": 2, "domain": 4, **inside},
        {"name": "fast", "device": "quick", "count": 8, "unit": 4, "domain": 4, **inside},
    ]
    pools[0] |= big or {}
    pools[1] |= fast or {}
    return Scenario.model_validate(
        {
            "model": model,
            "fleet": {
                "name": "toy",
                "price_basis": "tco",
                "pools": pools,
                "links": [{"between": ["big", "fast"], "link": "bridge", "bandwidth": {"big": "3 GB/s"}}],
                "devices": {
                    "wide": _device("wide", capacity="60 kB", bandwidth="1 GB/s", price="0.5 USD/h"),
                    "quick": _device("quick", capacity="24 kB", bandwidth="8 GB/s", price="1 USD/h", floor="300 ns"),
                },
                "link_types": links,
            },
            "workload": {"input_tokens": 20, "output_tokens": 4, "routing": routing or {}},
            "target": {"tokens_per_s_per_user": 1.0} | (target or {}),
            "space": {"max_microbatches": 4, "max_stages": 3} | space,
        }
    )


class Searched:
    """A scenario with everything a search builds of it, and what can be drawn from it at random."""

    def __init__(self, scenario_, **params) -> None:
        self.scenario, self.params = scenario_, SolveParams(**params)
        self.searcher = Searcher(scenario_, lower(scenario_.model), self.params)
        self.builder, self.objective = self.searcher.builder, Valuation(scenario_)
        self.trees = {
            pool: build_tree(self.searcher.cost, pool, self.objective, batch_grid(self.searcher.cost))
            for pool in self.searcher.pool_names
        }
        self.leaves = LeafSolver(self.builder, self.objective, self.params, scenario_.target.step_time_s)

    def family(self, pools):
        side = pools[1] if len(pools) > 1 else None
        wire = wire_between(self.searcher.cost, pools[0], side)
        return Family(pools, self.trees[pools[0]], self.trees[side] if side else None, wire, self.scenario.space)

    def draw_box(self, random, family):
        """A node: any inner or leaf node of either tree, any range of microbatches and sizes."""
        nodes = [self._node(random, tree) for tree in (family.host, family.side)]
        flights = sorted(random.choice([1, 1, 2, 3, self.scenario.space.max_microbatches]) for _ in range(2))
        cells = sorted(random.randrange(len(family.host.sizes)) for _ in range(2))
        return np.array([[*nodes, *flights, *cells]], dtype=np.int64)

    def _node(self, random, tree):
        if tree is None:
            return 0
        node = random.randrange(tree.first_leaf, 2 * tree.first_leaf)
        return node >> random.randrange(node.bit_length())

    def _shape(self, random, tree, node):
        """A shape below a node of a tree."""
        while node < tree.first_leaf:
            node = 2 * node + random.randrange(2)
        return tree.shapes[node - tree.first_leaf]

    def draw_all(self, random):
        """A family, a box of it, and a candidate of the box or None."""
        family = self.family(random.choice(self.searcher.families()))
        box = self.draw_box(random, family)
        return family, box, self.draw_candidate(random, family, box)

    def draw_candidate(self, random, family, box):
        """A candidate of a box, or None if its shape has no microbatch size in it."""
        host_node, side_node, least_flight, most_flight, first, last = box[0].tolist()
        host = self._shape(random, family.host, host_node)
        side = None if family.side is None else self._shape(random, family.side, side_node)
        low = 1 if first == 0 else int(family.host.sizes[first - 1]) + 1
        high = min(int(family.host.sizes[last]), self.scenario.space.max_rank_batch * host.dp)
        sizes = range(-(-low // host.dp) * host.dp, high + 1, host.dp)
        allowed = self.scenario.space.microbatches(shape.stages for shape in (host, side) if shape is not None)
        flights = [number for number in allowed if least_flight <= number <= most_flight]
        if not sizes or not flights:
            return None
        size = random.choice([sizes[0], sizes[-1], random.choice(sizes)])
        return Candidate(host, side, random.choice(flights), size, size)

    def draw_layout(self, random, problem_):
        """Any layout: ways at random, stages that rise at random, embedding and LM head anywhere."""
        sides = 2 if problem_.has_side else 1
        classes = [problem_.classes[index] for index in class_of_layer(problem_)]
        likes = random.choice([range(9), range(9), [0], [random.randrange(9)]])
        ways = tuple(random.choice(likes) % len(entry.placements) for entry in classes)
        stages = [sorted(random.randrange(max(1, count)) for _ in classes) for count in problem_.stages]
        ends = tuple(bool(random.randrange(sides)) for _ in range(2))
        return Layout(ways, (tuple(stages[0]), tuple(stages[1])), ends)

    def found(self, candidate, layout):
        """A layout as the search reports one, or None if it does not fit or cannot be rented."""
        time = evaluate(self.builder.exact(candidate), layout)
        step_s = seconds(time.step)
        if not time.fits or step_s > self.scenario.target.step_time_s:
            return None
        best = self.objective.best(candidate.shapes, float(candidate.most * candidate.in_flight), step_s)
        return None if best is None else Found(best[0], candidate, layout, best[1], step_s, rounding_s=0.0)

"""Memory: the published peak, small nets by hand, and a machine that runs every plan and notices clobbered tensors."""

from __future__ import annotations

import random

import pytest
from effort import seconds_of
from netbuild import Net, mobilenet_v2, resnet50

from archdsl.analyses.arena import arena
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.measure import measure
from archdsl.analyses.memory import LEVELS, Schedule, peak, schedule, traffic
from archdsl.diagnostics import Refusal
from archdsl.dims import symbol
from archdsl.graph import Graph, Value

MIB = 2**20


def peak_bytes(graph: Graph, level: str = "full") -> object:
    return peak(schedule(Bound(graph), level)).bytes


def test_mobilenet_v2_needs_5_74_mib() -> None:
    """The depthwise convolution behind the first expansion: 96 maps of 112 x 112 and of 56 x 56."""
    found = peak(schedule(Bound(mobilenet_v2())))
    assert found.bytes == 4 * 96 * (112 * 112 + 56 * 56)
    assert f"{found.bytes / MIB:.2f}" == "5.74"
    assert [b.size for b in found.buffers] == [4 * 96 * 112 * 112, 4 * 96 * 56 * 56]


def test_resnet50_peaks_where_the_first_block_widens() -> None:
    """The projection at 56 x 56: the block's input (64 maps), the body's result and the projection's (256 each)."""
    assert peak_bytes(resnet50()) == 4 * 56 * 56 * (64 + 256 + 256)


def chain() -> Graph:
    """1000 elements in, conv to 4000, norm, relu, pooled to 40, flattened, 10 out."""
    net = Net(1, 1, 10, 100)
    x = net.relu(net.batch_norm(net.conv(net.input, 4, 3)))
    return net.graph(net.linear(net.flatten(net.max_pool(x, 10)), 10))


def test_levels_by_hand() -> None:
    assert peak_bytes(chain(), "none") == 4 * (4000 + 4000)
    assert peak_bytes(chain(), "act") == 4 * (4000 + 4000), "the norm still has a tensor of its own"
    assert peak_bytes(chain(), "full") == 4 * (1000 + 4000)


def test_an_activation_in_place() -> None:
    net = Net(1, 10)
    graph = net.graph(net.relu(net.relu(net.linear(net.input, 100))))
    assert peak_bytes(graph, "none") == 4 * 200
    assert peak_bytes(graph, "act") == 4 * 110


def test_the_callers_input_is_not_written_over() -> None:
    net = Net(1, 100)
    assert peak_bytes(net.graph(net.relu(net.input)), "full") == 4 * 200


def test_an_output_is_not_written_over() -> None:
    net = Net(1, 10)
    x = net.linear(net.input, 100)
    assert peak_bytes(net.graph(net.relu(x), x), "full") == 4 * 200


def test_what_is_used_again_is_not_written_over() -> None:
    net = Net(1, 10)
    x = net.linear(net.input, 100)
    y = net.relu(x)
    graph = net.graph(net.concat(y, x))
    assert peak_bytes(graph, "full") == 4 * (200 + 200)


def test_an_addition_in_place_only_at_full() -> None:
    net = Net(1, 10)
    x, y = net.linear(net.input, 100), net.linear(net.input, 100)
    graph = net.graph(net.add(x, y))
    assert peak_bytes(graph, "act") == 4 * 300
    assert peak_bytes(graph, "full") == 4 * 210


def test_a_broadcasting_addition_takes_the_operand_of_its_size() -> None:
    net = Net(1, 4, 10, 10)
    x = net.conv(net.input, 4, 1)
    y = net.global_avg_pool(x)
    assert peak_bytes(net.graph(net.add(y, x)), "full") == 4 * 800


def test_a_norm_that_does_not_follow_a_layer_has_its_own_tensor() -> None:
    """DenseNet's batch norm behind a concatenation."""
    net = Net(1, 4, 10, 10)
    x = net.max_pool(net.input, 1)
    assert peak_bytes(net.graph(net.relu(net.batch_norm(x))), "full") == 4 * 800


def test_views_cost_nothing_but_keep_their_tensor_alive() -> None:
    net = Net(1, 10)
    x = net.linear(net.input, 100)
    seen = net.flatten(x)
    y = net.linear(x, 50)
    graph = net.graph(net.concat(y, net.linear(seen, 7)))
    bound = Bound(graph)
    plan = schedule(bound, "full")
    buffer = plan.by_value[x]
    assert plan.by_value[seen] is buffer
    assert (buffer.start, buffer.end) == (0, 3)
    assert seen.producer is not None
    assert traffic(bound, plan, seen.producer) == 0
    assert peak_bytes(graph, "none") == 4 * (100 + 100 + 50)


def test_raw_parameters_and_constants_are_weights() -> None:
    net = Net(1, 100)
    x = net.linear(net.input, 100)
    graph = net.graph(net.mul(net.add(x, net.param([100])), net.constant(2.0)))
    assert peak_bytes(graph, "full") == 4 * 200
    assert measure(graph, "activation_elements") == 300


def test_traffic_by_hand() -> None:
    bound = Bound(chain())
    conv, norm, relu, pool, flat, linear = bound.graph.nodes
    plan = schedule(bound)
    moved = {node: traffic(bound, plan, node) for node in bound.graph.nodes}
    assert moved[conv] == 4 * (1000 + 4 * 9 + 4 + 4000)
    assert moved[norm] == 4 * 16, "fused: its scale, shift, mean and variance"
    assert moved[relu] == moved[flat] == 0
    assert moved[pool] == 4 * (4000 + 40)
    assert moved[linear] == 4 * (40 + 410 + 10)
    apart = schedule(bound, "none")
    assert traffic(bound, apart, norm) == 4 * (4000 + 16 + 4000)
    assert traffic(bound, apart, relu) == 4 * 8000


def test_an_operand_used_twice_is_read_once() -> None:
    net = Net(1, 100)
    graph = net.graph(net.mul(net.input, net.input))
    assert measure(graph, "traffic") == 4 * 200


def test_a_layer_with_two_readers_is_not_fused() -> None:
    net = Net(1, 4, 10, 10)
    x = net.conv(net.input, 4, 1, bias=False)
    y = net.batch_norm(x)
    graph = net.graph(net.concat(x, y))
    plan = schedule(Bound(graph))
    assert plan.kernels[graph.nodes[1]] is graph.nodes[1]


def test_symbolic_peaks_where_the_order_does_not_depend_on_the_symbol() -> None:
    batch = symbol("N")
    assert measure_symbolic(mobilenet_v2(batch=batch)) == 6_021_120 * batch


def measure_symbolic(graph: Graph) -> object:
    return peak(schedule(Bound(graph, symbolic=True))).bytes


def test_symbolic_peaks_are_refused_where_it_does() -> None:
    net = Net(1, symbol("T"))
    x = net.reduce_mean(net.input, axis=1, keep=True)
    graph = net.graph(net.linear(x, 100))
    with pytest.raises(Refusal) as refused:
        measure_symbolic(graph)
    assert refused.value.code == "E0307"
    assert "`T`" in refused.value.message


# A machine that runs plans


def random_net(seed: int) -> Graph:
    """Up to 40 operators of all kinds on maps [1, c, 8, 8], with early outputs and reuse."""
    rng = random.Random(seed)
    net = Net(1, 2, 8, 8)
    pool = [net.input]
    for _ in range(rng.randint(3, 40)):
        x = rng.choice(pool[-4:] if rng.random() < 0.7 else pool)
        kind = rng.choice(["conv", "conv", "batch_norm", "relu", "relu", "dropout", "add", "add", "concat", "max_pool"])
        if kind == "conv":
            pool.append(net.conv(x, rng.randint(1, 6), 3, bias=False))
        elif kind == "add":
            same = [v for v in pool if v.type == x.type]
            pool.append(net.add(x, rng.choice(same)))
        elif kind == "concat":
            pool.append(net.concat(x, rng.choice(pool)))
        elif kind == "max_pool":
            pool.append(net.max_pool(x, 3, stride=1, pad=1))
        else:
            pool.append(getattr(net, kind)(x))
    return net.graph(pool[-1], *rng.sample(pool[1:], rng.randint(0, 2)))


def run_plan(graph: Graph, plan: Schedule) -> int:
    """Execute a plan on memory that remembers who wrote each buffer; the largest number of bytes in use."""
    holds: dict[int, set[Value]] = {}
    most = 0
    for value in graph.inputs:
        holds[id(plan.by_value[value])] = {value}
    for step, node in enumerate(graph.nodes):
        in_use = sum(b.size for b in plan.buffers if b.start <= step <= b.end)
        most = max(most, in_use)
        for value in node.inputs:
            buffer = plan.by_value[value]
            assert buffer.start <= step <= buffer.end, "read outside of its lifetime"
            assert value in holds[id(buffer)], "read after it was written over"
        for value in node.outputs:
            buffer = plan.by_value[value]
            assert buffer.start <= step <= buffer.end
            views = node.op.role == "view" and plan.level != "none"
            holds[id(buffer)] = (holds[id(buffer)] if views else set()) | {value}
    for value in graph.outputs.values():
        buffer = plan.by_value[value]
        assert value in holds[id(buffer)], "an output was written over"
        assert buffer.end == len(graph.nodes)
    return most


def live_by_definition(graph: Graph) -> int:
    """Level ``none`` from the definition, value by value and step by step."""
    made = dict.fromkeys(graph.inputs, -1)
    used = dict.fromkeys(graph.values(), -1)
    for step, node in enumerate(graph.nodes):
        made.update(dict.fromkeys(node.outputs, step))
        used.update(dict.fromkeys(node.inputs, step))
    used.update(dict.fromkeys(graph.outputs.values(), len(graph.nodes)))
    return max(
        sum(int(str(v.type.bytes)) for v in made if made[v] <= step <= max(used[v], made[v], 0))
        for step in range(len(graph.nodes))
    )


@pytest.mark.parametrize("seed", range(60))
def test_every_plan_runs(seed: int) -> None:
    graph = random_net(seed)
    found = []
    for level in LEVELS:
        plan = schedule(Bound(graph), level)
        most = run_plan(graph, plan)
        assert peak(plan).bytes == most
        check_arena(plan, most)
        found.append(most)
    assert found[0] == live_by_definition(graph)
    assert found == sorted(found, reverse=True), "more fusion never needs more"


def check_arena(plan: Schedule, least: int) -> None:
    for align in (1, 64):
        packed = arena(plan, align)
        assert packed.size >= least
        spans = [(b, packed.offsets[b.values[0]]) for b in plan.buffers]
        assert max(offset + int(str(b.size)) for b, offset in spans) <= packed.size
        for i, (b, at) in enumerate(spans):
            assert at % align == 0
            for other, where in spans[:i]:
                together = b.start <= other.end and other.start <= b.end
                apart = at + int(str(b.size)) <= where or where + int(str(other.size)) <= at
                assert not together or apart, "two live buffers overlap"


def test_arenas_of_real_nets_need_no_more_than_the_peak() -> None:
    for graph in (resnet50(), mobilenet_v2()):
        assert measure(graph, "arena") == measure(graph, "peak_activations")


def test_gaps_are_reused() -> None:
    """A long chain of equal layers needs two buffers, however long it is."""
    net = Net(1, 16)
    x = net.input
    for _ in range(50):
        x = net.linear(x, 16)
    assert measure(net.graph(x), "arena") == 4 * 32


def test_long_nets_and_long_lives_take_time_in_proportion() -> None:
    """A chain whose values all live to the end (one concatenation of them all)."""

    def long(length: int) -> Graph:
        net = Net(1, 4)
        values = [net.input]
        for _ in range(length):
            values.append(net.softsign(values[-1]))
        return net.graph(net.concat(*values))

    def both(graph: Graph, length: int) -> None:
        assert measure(graph, "peak_activations") == 4 * 4 * 2 * (length + 1)
        assert measure(graph, "arena") == 4 * 4 * 2 * (length + 1)

    few, many = long(2_500), long(10_000)
    assert seconds_of(lambda: both(many, 10_000), 3) < 8 * seconds_of(lambda: both(few, 2_500), 3), "quadratic: 16"


def test_unknown_levels_are_refused() -> None:
    with pytest.raises(Refusal):
        schedule(Bound(chain()), "all")


def test_sources_take_no_part() -> None:
    net = Net(1, 4)
    graph = net.graph(net.add(net.input, net.param([4])))
    assert graph.nodes[0].op.role == "source"
    assert graph.nodes[0].outputs[0] not in schedule(Bound(graph)).by_value

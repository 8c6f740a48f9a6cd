"""Closed forms of the recurrent networks, from the equations of their layers."""

from __future__ import annotations

from sheet import Count


def layer(gates: int, inputs: int, width: int, steps: int, ways: int = 1, biases: int = 2) -> Count:
    """Each gate multiplies the input and the last state by a matrix of its own, in each direction."""
    matrices = ways * gates * width * (inputs + width)
    return matrices + ways * gates * width * biases, steps * matrices


def dense(inputs: int, width: int, steps: int, bias: bool = True) -> Count:
    return width * (inputs + bias), steps * width * inputs


def total(*parts: Count) -> Count:
    return sum(params for params, _ in parts), sum(macs for _, macs in parts)


def stacked(gates: int, layers: int = 1, width: int = 128, ways: int = 1, read: int = 100) -> Count:
    """64 features at 100 steps, 10 classes at ``read`` of them."""
    inputs = [64, *[ways * width] * (layers - 1)]
    return total(*[layer(gates, n, width, 100, ways) for n in inputs], dense(ways * width, 10, read))


def densely(layers: int = 3, width: int = 100) -> Count:
    inputs = [64 + 2 * width * i for i in range(layers + 1)]
    return total(*[layer(4, n, width, 100, 2) for n in inputs[:-1]], dense(inputs[-1], 10, 100))


def listener(width: int = 256) -> Count:
    """arXiv:1508.01211: 800 frames of 40 features; a layer reads pairs of what the one below it says."""
    pairs = [layer(4, 4 * width, width, 800 >> i, 2, 1) for i in (1, 2, 3)]
    return total(layer(4, 40, width, 800, 2, 1), *pairs)


def language_model(width: int, biases: int = 1, words: int = 10_000, steps: int = 35) -> Count:
    layers = [layer(4, width, width, steps, biases=biases)] * 2
    return total((words * width, 0), *layers, dense(width, words, steps))


def deep_speech_2(width: int = 800, frames: int = 101) -> Count:
    """Two convolutions of 161 frequencies, of which 81 and 41 are left, and their norms; five summed layers with norms."""
    steps = (frames + 1) // 2
    convolutions = [(1, 41 * 11, 81), (32, 21 * 11, 41)]
    front = [(32 * (c * k + 3), 32 * c * k * height * steps) for c, k, height in convolutions]
    layers = [layer(3, n, width, steps, 2) for n in (32 * 41, *[width] * 4)]
    return total(*front, *layers, (5 * 2 * width, 0), dense(width, 29, steps, bias=False))


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    return {
        "rnn_elman": stacked(1), "rnn_gru": stacked(3), "rnn_lstm": stacked(4),
        "rnn_bidirectional": stacked(4, ways=2), "rnn_stacked": stacked(4, 3),
        "rnn_stacked_bidirectional": stacked(4, 3, ways=2), "rnn_residual": stacked(4, 4, 64),
        "rnn_many_to_one": stacked(4, 2, read=1), "rnn_dense": densely(), "las_listener": listener(),
        "zaremba_medium": language_model(650), "zaremba_large": language_model(1500),
        "zaremba_medium_torch": language_model(650, 2), "deepspeech2": deep_speech_2(),
    }  # fmt: skip

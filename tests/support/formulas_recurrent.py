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


def stacked(
    gates: int, layers: int = 1, width: int = 128, ways: int = 1, steps: int = 100, read: int | None = None
) -> Count:
    """64 features at each step, 10 classes at ``read`` of them, or all."""
    inputs = [64, *[ways * width] * (layers - 1)]
    return total(*[layer(gates, n, width, steps, ways) for n in inputs], dense(ways * width, 10, read or steps))


def densely(layers: int = 3, width: int = 100, steps: int = 100) -> Count:
    inputs = [64 + 2 * width * i for i in range(layers + 1)]
    return total(*[layer(4, n, width, steps, 2) for n in inputs[:-1]], dense(inputs[-1], 10, steps))


def listener(width: int = 256, frames: int = 800) -> Count:
    """arXiv:1508.01211: frames of 40 features; a layer reads pairs of what the one below it says."""
    pairs = [layer(4, 4 * width, width, frames >> i, 2, 1) for i in (1, 2, 3)]
    return total(layer(4, 40, width, frames, 2, 1), *pairs)


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
        "rnn_many_to_many": stacked(4, 2), "rnn_many_to_many T=7": stacked(4, 2, steps=7),
        "rnn_many_to_one": stacked(4, 2, read=1), "rnn_dense": densely(), "las_listener": listener(),
        "zaremba_medium": language_model(650), "zaremba_large": language_model(1500),
        "zaremba_medium_torch": language_model(650, 2), "deepspeech2": deep_speech_2(),
        "rnn_elman T=7": stacked(1, steps=7), "rnn_gru T=7": stacked(3, steps=7), "rnn_lstm T=31": stacked(4, steps=31),
        "rnn_bidirectional T=7": stacked(4, ways=2, steps=7), "rnn_stacked T=7": stacked(4, 3, steps=7),
        "rnn_stacked_bidirectional T=7": stacked(4, 3, ways=2, steps=7), "rnn_residual T=7": stacked(4, 4, 64, steps=7),
        "rnn_many_to_one T=7": stacked(4, 2, steps=7, read=1), "rnn_dense T=7": densely(steps=7),
        "las_listener T=7": listener(frames=56), "zaremba_medium T=11": language_model(650, steps=11),
        "deepspeech2 T=40": deep_speech_2(frames=40),
    }  # fmt: skip

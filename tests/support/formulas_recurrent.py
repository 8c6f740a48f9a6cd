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


def seq2seq(d: int = 1000, s: int = 30, t: int = 30, source: int = 160_000, target: int = 80_000) -> Count:
    layers = [layer(4, d, d, steps, biases=1) for steps in (s, t) for _ in range(4)]
    return total(((source + target) * d, 0), *layers, dense(d, target, t))


def gnmt(d: int = 1024, s: int = 30, t: int = 30, words: int = 32_000) -> Count:
    """The bottom layer of the encoder has two directions, so that the next reads twice as much; the upper layers of the
    decoder read what was seen as well, for which each pair of words is compared by ``d`` products and summed by ``d``.
    """
    encoder = [layer(4, d, d, s, 2, 1), layer(4, 2 * d, d, s, biases=1), *[layer(4, d, d, s, biases=1)] * 6]
    decoder = [layer(4, d, d, t, biases=1), *[layer(4, 2 * d, d, t, biases=1)] * 7]
    looks = [dense(d, d, s), dense(d, d, t, bias=False), (d, 2 * s * t * d)]
    return total((2 * words * d, 0), *encoder, *decoder, *looks, dense(d, words, t))


def awd_lstm(d: int = 400, hidden: int = 1150, steps: int = 70, words: int = 10_000) -> Count:
    """The head has the words' table, and a bias."""
    layers = [layer(4, a, b, steps) for a, b in ((d, hidden), (hidden, hidden), (hidden, d))]
    return total(*layers, dense(d, words, steps))


def char_cnn(width: int, hidden: int, letters: int = 70, length: int = 1014, classes: int = 4) -> Count:
    """Table 1: kernel and pool of each layer; a convolution without padding loses ``k - 1`` places."""
    parts, inputs = [], letters
    for k, pool in ((7, 3), (7, 3), (3, 1), (3, 1), (3, 1), (3, 3)):
        length -= k - 1
        parts.append((width * (inputs * k + 1), width * inputs * k * length))
        length, inputs = length // pool, width
    return total(*parts, dense(width * length, hidden, 1), dense(hidden, hidden, 1), dense(hidden, classes, 1))


def lstm_char(filters: list[int], highways: int, width: int, steps: int = 35, longest: int = 21, e: int = 15) -> Count:
    """Convolutions of 1, 2, 3 … letters without padding, of each word; two maps a highway; one bias a gate."""
    word = [(c * (e * k + 1), steps * c * e * k * (longest - k + 1)) for k, c in enumerate(filters, 1)]
    d = sum(filters)
    carried = [dense(d, d, steps)] * 2 * highways
    layers = [layer(4, n, width, steps, biases=1) for n in (d, width)]
    return total((51 * e, 0), *word, *carried, *layers, dense(width, 10_000, steps))


def ntm(features: int = 9, outputs: int = 8, d: int = 100, rows: int = 128, width: int = 20, steps: int = 42) -> Count:
    """Both heads hold their key against each row, and what is read is a sum of the rows."""
    heads = [dense(d, width + 6, steps), dense(d, 3 * width + 6, steps), (2 * rows, 3 * steps * rows * width)]
    return total(layer(4, features + width, d, steps, biases=1), *heads, dense(d + width, outputs, steps))


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
        "seq2seq": seq2seq(), "seq2seq S=7 T=4": seq2seq(s=7, t=4), "gnmt": gnmt(), "gnmt S=7 T=4": gnmt(s=7, t=4),
        "awd_lstm_ptb": awd_lstm(), "awd_lstm_ptb T=11": awd_lstm(steps=11),
        "char_cnn_small": char_cnn(256, 1024), "char_cnn_large": char_cnn(1024, 2048),
        **{f"lstm_char_small{end}": lstm_char([25, 50, 75, 100, 125, 150], 1, 300, steps) for end, steps in (("", 35), (" T=7", 7))},
        "lstm_char_large": lstm_char([50, 100, 150, *[200] * 4], 2, 650),
        "ntm_copy": ntm(), "ntm_copy T=7": ntm(steps=7),
        "rnn_elman T=7": stacked(1, steps=7), "rnn_gru T=7": stacked(3, steps=7), "rnn_lstm T=31": stacked(4, steps=31),
        "rnn_bidirectional T=7": stacked(4, ways=2, steps=7), "rnn_stacked T=7": stacked(4, 3, steps=7),
        "rnn_stacked_bidirectional T=7": stacked(4, 3, ways=2, steps=7), "rnn_residual T=7": stacked(4, 4, 64, steps=7),
        "rnn_many_to_one T=7": stacked(4, 2, steps=7, read=1), "rnn_dense T=7": densely(steps=7),
        "las_listener T=7": listener(frames=56), "zaremba_medium T=11": language_model(650, steps=11),
        "deepspeech2 T=40": deep_speech_2(frames=40),
    }  # fmt: skip

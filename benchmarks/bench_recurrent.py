"""A recurrent layer in three forms in ONNX Runtime: the operator, a loop around a cell, and every step written out.

The same numbers come out of all three. One thread, processor time, interleaved, medians. Promises: nothing is faster
than the operator by more than a tenth, and a loop is there at once, which steps written out are not.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import onnxruntime
from measure import verdict

import archdsl
from archdsl.backends.onnx import backend

SPEC = """arch 1
use std.recurrent (lstm_cell)

block looped(d) = scan(axis = t) {
  state h = zeros([in.shape[0], d])
  state m = zeros([in.shape[0], d])
  let new, cell = in -> lstm_cell(d, h, m)
  next h = new, m = cell
  new
}

block unrolled(d) {
  let x = in
  share ih = linear(4 * d)
  share hh = linear(4 * d)
  let start = zeros([x.shape[0], d])
  (start, start)
  repeat x.t as k {
    let h, m = in
    let i, f, g, o = (x -> select(axis = t, k) -> ih) + (h -> hh) -> split(4)
    let next = sigmoid(f) * m + sigmoid(i) * tanh(g)
    y[k]: sigmoid(o) * tanh(next)
    (y[k], next)
  }
  y -> stack(axis = 1)
}

network Net(layer: block, d, steps) {
  input x: f32[N, steps, d]
  repeat 2 { layer }
  output y
}
"""
FORMS = {"LSTM": "lstm(D)", "Scan": "looped(D)", "unrolled": "unrolled(D)"}
SIZES = ((650, 35, 20), (650, 35, 1), (256, 200, 1), (256, 200, 16), (64, 500, 1))
"""Units, steps, sequences."""


def session(form: str, d: int, steps: int) -> tuple[onnxruntime.InferenceSession, float]:
    """A session with one thread, and the processor time that it took to make it."""
    text = SPEC + f"variant net = Net({FORMS[form].replace('D', str(d))}, {d}, {steps})\n"
    model = backend.lower(archdsl.load(text).graph("net"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    before = time.process_time()
    made = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return made, time.process_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one small size")
    options = parser.parse_args()
    broken: list[str] = []
    print(f"{'units, steps, sequences':26s}" + "".join(f"{form:>12s}{'':>8s}{'loading':>10s}" for form in FORMS))
    for d, steps, n in ((64, 50, 1),) if options.smoke else SIZES:
        x = np.random.default_rng(0).uniform(-1, 1, (n, steps, d)).astype(np.float32)
        made = {form: session(form, d, steps) for form in FORMS}
        times: dict[str, list[float]] = {form: [] for form in FORMS}
        for _ in range(3 if options.smoke else 9):
            for form, (net, _) in made.items():
                net.run(None, {"x": x})
                before = time.process_time()
                net.run(None, {"x": x})
                times[form].append(time.process_time() - before)
        found = {form: median(one) for form, one in times.items()}
        shown = f"{d}, {steps}, {n}".ljust(26)
        for form, taken in found.items():
            shown += f"{taken * 1e3:9.1f} ms{taken / found['LSTM']:7.2f}x{made[form][1]:8.2f} s"
        print(shown, flush=True)
        if min(found.values()) < 0.9 * found["LSTM"]:
            broken.append(f"LSTM is slower at {d}, {steps}, {n}")
        if made["Scan"][1] > max(0.25, 0.5 * made["unrolled"][1]):
            broken.append(f"a loop loads as slowly as its steps at {d}, {steps}, {n}")
    verdict(broken)


if __name__ == "__main__":
    main()

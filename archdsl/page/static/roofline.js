// The roofline: every kernel by its arithmetic for each byte moved, below what a device can do.

import { h, hideTip, onWidth, part, s, showTip } from "./dom.js";
import { bytes, largest, number, seconds, short, smallest } from "./format.js";
import { roofline } from "./model.js";

/** Name, FLOP/s and bytes/s: what the makers publish, dense, without sparsity. */
const DEVICES = [
  ["NVIDIA H100 SXM, BF16", 989.4e12, 3.35e12],
  ["NVIDIA A100 SXM 80 GB, BF16", 312e12, 2.039e12],
  ["NVIDIA A100 SXM 80 GB, FP32", 19.5e12, 2.039e12],
  ["NVIDIA T4, FP32", 8.1e12, 320e9],
  ["Raspberry Pi 5, FP32", 153.6e9, 17.1e9],
];
const MANY = 3000;
const HEIGHT = 260;
const EDGE = { left: 52, right: 12, top: 12, bottom: 30 };

export class Roofline {
  constructor(state) {
    this.state = state;
    this.choice = part("device");
    this.choice.replaceChildren(...DEVICES.map(([name], i) => h("option", { value: i }, name)), h("option", { value: "own" }, "another device …"));
    this.choice.value = "2";
    this.own = part("own-device");
    this.choice.addEventListener("change", () => this.draw());
    for (const id of ["own-flops", "own-bandwidth"]) part(id).addEventListener("input", () => this.draw());
    this.image = part("roofline");
    onWidth(this.image, () => this.draw());
    state.on("sizes", () => this.draw());
    state.on("selected", () => this.#mark());
    this.draw();
  }

  get device() {
    if (this.choice.value !== "own") return DEVICES[Number(this.choice.value)].slice(1);
    return [Number(part("own-flops").value) * 1e9, Number(part("own-bandwidth").value) * 1e9];
  }

  draw() {
    this.own.hidden = this.choice.value !== "own";
    const [flops, bandwidth] = this.device;
    const valid = flops > 0 && bandwidth > 0;
    const kernels = this.state.figures.kernels.filter((one) => one.flops > 0 && one.traffic > 0);
    if (!valid || !kernels.length) {
      this.image.replaceChildren();
      part("time").textContent = valid ? "No kernel with known arithmetic." : "Give both figures of the device.";
      return;
    }
    const all = this.state.figures.kernels;
    const time = roofline(all, flops, bandwidth);
    const bound = all.filter((one) => one.traffic / bandwidth > one.flops / flops);
    const waiting = roofline(bound, flops, bandwidth);
    part("time").textContent = `At best ${seconds(time)} for a run; ${Math.round((100 * waiting) / time)}% of it waits for memory (${bound.length} of ${all.length} kernels).`;
    this.#picture(kernels, flops, bandwidth);
    this.#mark();
  }

  #picture(kernels, flops, bandwidth) {
    const width = Math.max(240, Math.floor(this.image.clientWidth));
    const ridge = flops / bandwidth;
    const intensities = kernels.map((one) => one.flops / one.traffic);
    const [low, high] = [smallest(intensities, ridge / 8) / 1.6, largest(intensities, ridge * 8) * 1.6];
    const rates = intensities.map((one) => Math.min(flops, one * bandwidth));
    const [least, most] = [smallest(rates, low * bandwidth) / 1.2, flops * 2];
    const scale = (value, from, to, begin, end) => begin + ((end - begin) * Math.log(value / from)) / Math.log(to / from);
    const x = (value) => scale(value, low, high, EDGE.left, width - EDGE.right);
    const y = (value) => scale(value, least, most, HEIGHT - EDGE.bottom, EDGE.top);
    const heaviest = largest(kernels.map((one) => one.flops));
    this.image.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.dots = new Map();
    const dots = new Map(); // kernels that are alike have one dot
    kernels.forEach((one, i) => {
      const row = this.state.model.rows[one.row];
      const [cx, cy, r] = [x(intensities[i]), y(rates[i]), 2.5 + 7 * Math.sqrt(one.flops / heaviest)];
      const key = kernels.length > MANY ? [cx, cy, r].map(Math.round).join() : i;
      if (dots.has(key)) return this.dots.set(one.row, dots.get(key));
      const dot = s("circle", { class: "dot", cx, cy, r });
      const told = () => [row.path, `${number(Math.round(intensities[i] * 100) / 100)} FLOP/byte: ${short(one.flops)} FLOPs, ${bytes(one.traffic)}`, `${intensities[i] < ridge ? "waits for memory" : "waits for arithmetic"}: ${seconds(Math.max(one.flops / flops, one.traffic / bandwidth))}`];
      dot.addEventListener("pointermove", (event) => showTip(event, told()));
      dot.addEventListener("pointerleave", hideTip);
      dot.addEventListener("click", () => this.state.select(one.row, "charts"));
      dots.set(key, dot);
      return this.dots.set(one.row, dot);
    });
    const roof = s("path", { class: "roof", d: `M${x(low)} ${y(low * bandwidth)}L${x(ridge)} ${y(flops)}H${x(high)}` });
    this.image.replaceChildren(...ticks(low, high).map((v) => s("g", null, s("line", { class: "grid", x1: x(v), x2: x(v), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }), s("text", { class: "tick middle", x: x(v), y: HEIGHT - 12 }, short(v)))),
      ...ticks(least, most).map((v) => s("g", null, s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(v), y2: y(v) }), s("text", { class: "tick end", x: EDGE.left - 6, y: y(v) + 4 }, short(v)))),
      roof, ...dots.values());
  }

  #mark() {
    this.image.querySelector(".dot.selected")?.classList.remove("selected");
    const { selected, figures } = this.state;
    const dot = selected === null ? null : this.dots?.get(figures.rows[selected].fused_into);
    if (dot) {
      dot.classList.add("selected");
      dot.parentNode.append(dot);
    }
  }
}

/** Powers of ten between two values, at most six. */
function ticks(low, high) {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const step = Math.max(1, Math.ceil((last - first + 1) / 6));
  const found = [];
  for (let power = first; power <= last; power += step) found.push(10 ** power);
  return found;
}

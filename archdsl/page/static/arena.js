// The arena as a picture: time to the right, addresses upwards; and the tensors that are live at a step.

import { h, hideTip, onWidth, part, s, showTip } from "./dom.js";
import { bytes, number } from "./format.js";

const HEIGHT = 280;
const MANY = 3000;
const EDGE = { left: 70, top: 8, bottom: 24 };

export class Arena {
  constructor(state) {
    this.state = state;
    this.memory = state.model.data.memory;
    if (this.memory === null) return;
    this.buffers = this.memory.buffers.map(([name, from, , start, end, offset, external], index) => ({ index, name: name ?? state.model.startOf(from), from, start, end, offset: Number(offset), external }));
    const declared = state.model.at({});
    this.sizes = this.memory.buffers.map(([, , size]) => Number(declared.cell(size)));
    this.image = part("arena");
    this.image.addEventListener("pointerleave", hideTip);
    onWidth(this.image, () => this.draw());
    state.on("selected", () => this.#mark());
    state.on("sizes", () => this.#note());
    this.step = this.memory.peak.at;
    this.draw();
  }

  draw() {
    const width = Math.max(240, Math.floor(this.image.clientWidth));
    const { steps } = this.memory;
    const size = Math.max(1, Number(this.memory.arena));
    const x = (step) => EDGE.left + ((width - EDGE.left - 4) * step) / steps;
    const y = (address) => HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * address) / size;
    this.image.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const drawn = new Map(); // of many buffers, those that lie on the same pixels are drawn once
    this.boxes = this.buffers.map((one, i) => {
      const [left, right, top, bottom] = [x(one.start), x(one.end + 1), y(one.offset + this.sizes[i]), y(one.offset)];
      const key = this.buffers.length > MANY ? [left, right, top, bottom].map(Math.round).join() : i;
      if (drawn.has(key)) return drawn.get(key);
      const box = s("rect", { class: `buffer tone${i % 3}${one.external ? " external" : ""}`, x: left, y: top, width: Math.max(0.5, right - left), height: Math.max(0.5, bottom - top) });
      drawn.set(key, box);
      box.addEventListener("pointermove", (event) => showTip(event, [one.name, `${bytes(this.sizes[i])} at address ${number(one.offset)}`, `steps ${one.start} to ${one.end}${one.external ? ", of the caller" : ""}`]));
      box.addEventListener("click", () => this.#chosen(one));
      return box;
    });
    const peak = this.memory.peak.at + 0.5;
    const lines = [0, 0.5, 1].map((part) => s("g", null, s("line", { class: "grid", x1: EDGE.left, x2: width - 4, y1: y(size * part), y2: y(size * part) }), s("text", { class: "tick end", x: EDGE.left - 6, y: y(size * part) + (part === 1 ? 10 : 4) }, bytes(Math.round(size * part)))));
    this.cursor = s("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
    this.x = x;
    this.image.replaceChildren(...lines, ...drawn.values(), s("line", { class: "peak", x1: x(peak), x2: x(peak), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }), s("text", { class: "tick middle", x: Math.min(width - 24, Math.max(EDGE.left + 20, x(peak))), y: HEIGHT - 8 }, "peak"), this.cursor);
    this.#mark();
    this.#note();
  }

  #chosen(buffer) {
    this.state.select(buffer.from !== null && buffer.from >= 0 ? buffer.from : Math.min(buffer.start, this.state.model.rows.length - 1), "arena");
  }

  #note() {
    const at = this.state.model.data.symbols.map(([name, value]) => `${name} = ${value}`).join(", ");
    part("arena-note").textContent = this.state.figures.declared ? `${bytes(Number(this.memory.arena))} for ${this.buffers.length} buffers` : `as planned for ${at}`;
  }

  /** The tensors that are live at the step of the selected layer; at the peak where none is selected. */
  #mark() {
    const { selected, model } = this.state;
    const step = selected ?? this.memory.peak.at;
    this.cursor.classList.toggle("off", selected === null);
    for (const side of ["x1", "x2"]) this.cursor.setAttribute(side, String(this.x(step + 0.5)));
    const live = this.buffers.filter((one) => one.start <= step && step <= one.end).sort((a, b) => this.sizes[b.index] - this.sizes[a.index]);
    const inside = new Set(live.map((one) => one.index));
    for (const box of this.image.querySelectorAll(".live")) box.classList.remove("live");
    for (const index of inside) this.boxes[index].classList.add("live");
    const where = step < model.rows.length ? model.rows[step].path : "the outputs";
    const whole = live.reduce((sum, one) => sum + this.sizes[one.index], 0);
    part("live-title").textContent = `${selected === null || selected === this.memory.peak.at ? "Live at the peak" : "Live"}, at ${where}: ${bytes(whole)}`;
    const names = new Map(this.memory.peak.tensors.map(([index, name, from]) => [index, [name ?? model.startOf(from), from]]));
    part("live").replaceChildren(
      ...live.map((one) => {
        const [name, from] = step === this.memory.peak.at ? names.get(one.index) ?? [one.name, one.from] : [one.name, one.from];
        const go = from !== null && from >= 0 ? h("button", { type: "button", class: "link", onclick: () => this.state.select(from, "arena") }, name) : name;
        return h("tr", null, h("th", { scope: "row" }, go), h("td", { class: "figure" }, bytes(this.sizes[one.index])), h("td", { class: "figure" }, `${one.start}–${one.end}`));
      }),
    );
  }
}

// Charts along the depth: one value for each operator, drawn as steps; the pointer tells the layer, a click selects it.

import { h, hideTip, onWidth, part, s, showTip } from "./dom.js";
import { bytes, field, largest, number, share, short } from "./format.js";
import { formulaText } from "./layer.js";

const HEIGHT = 132;
const TOP = 18;
const BOTTOM = 6;

/** The charts: what is drawn, how its values read, and what a note says. */
function series(state) {
  const { model, figures } = state;
  const column = (name) => figures.rows.map((row) => Number(row[name] ?? 0n));
  const sum = (name) => figures.sum(model.rows.keys(), name);
  const found = [
    { key: "macs", title: "MACs", values: column("macs"), text: (i) => number(figures.rows[i].macs), axis: short, whole: sum("macs").total },
    { key: "params", title: "Parameters", values: column("params"), text: (i) => number(figures.rows[i].params), axis: short, whole: sum("params").total },
  ];
  if (figures.planned) {
    const profile = figures.profile;
    const top = profile.indexOf(largest(profile));
    const where = top < model.rows.length ? model.rows[top].path : "the outputs";
    found.push({ key: "live", title: "Live activation memory", values: profile, text: (i) => bytes(profile[i]), axis: bytes, peak: top, note: `peak ${bytes(profile[top])} at ${where}` });
  }
  const fields = model.rows.map((row) => (row.receptive_field === null ? 0 : Math.max(...row.receptive_field.map((one) => (typeof one === "number" ? one : 0)))));
  if (fields.some((one) => one > 1)) found.push({ key: "field", title: "Receptive field", values: fields, text: (i) => field(model.rows[i].receptive_field) || "none", axis: short, note: figures.declared ? "" : "at the declared sizes" });
  const intensity = figures.rows.map((row) => (row.flops !== null && row.traffic ? Number(row.flops) / Number(row.traffic) : 0));
  found.push({ key: "intensity", title: "Intensity", values: intensity, text: (i) => `${number(Math.round(intensity[i] * 100) / 100)} FLOP/byte`, axis: short, note: "FLOP/byte" });
  return found;
}

export class Charts {
  constructor(state) {
    this.state = state;
    this.box = part("charts");
    onWidth(this.box, () => this.draw());
    state.on("sizes", () => this.draw());
    state.on("selected", () => this.#mark());
  }

  draw() {
    this.drawn = series(this.state).map((one) => this.#chart(one));
    this.box.replaceChildren(...this.drawn.map((one) => one.element));
    for (const one of this.drawn) one.render();
    this.#mark();
  }

  #chart(one) {
    const most = largest(one.values, 1e-9);
    const at = one.values.indexOf(largest(one.values));
    const row = this.state.model.rows[at];
    const note = one.note ?? `most: ${row ? row.path : ""}${one.whole ? `, ${share(BigInt(Math.round(one.values[at])), one.whole)}` : ""}`;
    const image = s("svg", { class: "chart", role: "img", "aria-label": `${one.title} along the depth; ${note}` });
    const element = h("figure", { "data-chart": one.key }, h("figcaption", null, h("b", null, one.title), h("span", null, note)), image);
    const cursor = s("line", { class: "cursor", y1: TOP - 4, y2: HEIGHT - BOTTOM });
    const count = one.values.length;
    let width = 0;
    const render = () => {
      width = Math.floor(element.clientWidth);
      const x = (i) => (i * width) / count;
      const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
      image.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      const lines = [0.5, 1].map((part) => s("line", { class: "grid", x1: 0, x2: width, y1: y(most * part), y2: y(most * part) }));
      const labels = [0.5, 1].map((part) => s("text", { class: "tick", x: 0, y: y(most * part) - 3 }, one.axis(most * part)));
      const peak = one.peak === undefined ? [] : [s("line", { class: "peak", x1: x(one.peak + 0.5), x2: x(one.peak + 0.5), y1: y(most), y2: HEIGHT - BOTTOM }), s("circle", { class: "peak", cx: x(one.peak + 0.5), cy: y(most), r: 3.5 })];
      image.replaceChildren(...lines, s("path", { class: "area", d: steps(one.values, x, y, HEIGHT - BOTTOM) }), ...peak, cursor, ...labels);
    };
    const index = (event) => {
      const box = image.getBoundingClientRect();
      return Math.min(this.state.model.rows.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
    };
    image.addEventListener("pointermove", (event) => {
      const found = this.state.model.rows[index(event)];
      if (found) showTip(event, [found.path, `${one.title}: ${one.text(found.index)}`, formulaText(found, this.state.figures)]);
    });
    image.addEventListener("pointerleave", hideTip);
    image.addEventListener("click", (event) => this.state.model.rows.length && this.state.select(index(event), "charts"));
    const mark = (selected) => {
      cursor.classList.toggle("off", selected === null);
      for (const side of ["x1", "x2"]) cursor.setAttribute(side, String((((selected ?? 0) + 0.5) * width) / count));
    };
    return { element, mark, render };
  }

  #mark() {
    for (const one of this.drawn ?? []) one.mark(this.state.selected);
  }
}

/** A path along steps; of several values within one pixel the largest is drawn. */
function steps(values, x, y, floor) {
  let path = `M${x(0)} ${floor}`;
  for (let i = 0; i < values.length; ) {
    const begin = x(i);
    let end = i;
    let most = 0;
    do {
      most = Math.max(most, values[end]);
      end += 1;
    } while (end < values.length && x(end) - begin < 0.75);
    path += `H${begin.toFixed(2)}V${y(most).toFixed(1)}H${x(end).toFixed(2)}`;
    i = end;
  }
  return `${path}V${floor}Z`;
}

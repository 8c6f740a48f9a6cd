// What a position of a map sees of the input: the map and the input side by side, and a slider for each axis of the map.

import { h, s } from "./dom.js";
import { number } from "./format.js";

const SIDE = 112; // pixels of the longer side of a picture
const LEAST = 10; // and of the shorter one at least
const GRID = 32; // positions from which on no lines are drawn between them

/** The picture for a row; nothing where it is no map, or where these sizes are not those that its fields are known for. */
export function sight(row, model, figures) {
  const { maps } = model.data;
  if (maps === null || row.map === null) return [];
  const [name, , input] = model.data.inputs[maps.input];
  const axes = maps.axes.map((axis) => ({ axis, whole: Number(figures.cell(input[axis])) }));
  for (const [own, source, spans] of maps.maps[row.map]) {
    const axis = axes.find((one) => one.axis === source);
    Object.assign(axis, { size: Number(figures.cell(row.outputs[0][1][own])), spans: maps.spans[spans] });
  }
  const known = axes.filter((one) => one.spans);
  if (!known.length || known.some((one) => one.spans.reduce((sum, [count]) => sum + count, 0) !== one.size || extent(one.spans) > one.whole)) return [];
  return picture(name, axes, known);
}

/** How far what is seen reaches. */
function extent(spans) {
  return spans.reduce((most, [count, , last, , step]) => (last === null ? most : Math.max(most, last + 1, last + (count - 1) * step + 1)), 0);
}

/** What a position sees, first and last; null: nothing. */
function seen(spans, at) {
  let left = at;
  for (const [count, first, last, low, high] of spans) {
    if (left < count) return first === null ? null : [first + left * low, last + left * high];
    left -= count;
  }
  return null;
}

function picture(name, axes, known) {
  const shown = axes.slice(-2);
  for (const one of axes) one.at = one.spans ? Math.floor(one.size / 2) : 0;
  const titles = new Map(axes.map((one, i) => [one, axes.length === 1 ? "position" : ["row", "column"][i - axes.length + 2] ?? `axis ${one.axis}`]));
  const map = board("map", shown.map((one) => one.size ?? 1), "The map: the position that is looked from");
  const input = board("input", shown.map((one) => one.whole), `The input ${name}: what the position sees`);
  const told = h("p", { role: "status", class: "muted" });
  const sliders = known.map((one) => ({ one, range: h("input", { type: "range", min: 0, max: one.size - 1, value: one.at, "aria-label": `${titles.get(one)} of the map` }), text: h("span") }));
  const draw = () => {
    const spans = axes.map((one) => (one.spans ? seen(one.spans, one.at) : [0, one.whole - 1]));
    const nothing = spans.includes(null);
    map.mark(shown.map((one) => [one.at, one.at]));
    input.mark(nothing ? null : shown.map((one) => spans[axes.indexOf(one)]));
    for (const { one, range, text } of sliders) [range.value, text.textContent] = [one.at, number(one.at)];
    const parts = axes.map((one, i) => `${titles.get(one)}s ${number(spans[i]?.[0] ?? 0)}–${number(spans[i]?.[1] ?? 0)} of ${number(one.whole)}`);
    told.textContent = nothing ? "It sees nothing but padding." : `It sees ${parts.join(", ")}: ${spans.map(([low, high]) => number(high - low + 1)).join(" × ")}.`;
  };
  for (const { one, range } of sliders) {
    range.addEventListener("input", () => {
      one.at = Number(range.value);
      draw();
    });
  }
  map.onPlace((places) => {
    shown.forEach((one, i) => { if (one.spans) one.at = places[i]; });
    draw();
  });
  draw();
  return [h("div", { class: "sight" },
    h("h4", null, "Receptive field"),
    h("div", { class: "boards" }, h("figure", null, map.element, h("figcaption", null, `map ${known.map((one) => number(one.size)).join(" × ")}`)), h("figure", null, input.element, h("figcaption", null, `${name} ${axes.map((one) => number(one.whole)).join(" × ")}`))),
    told,
    ...sliders.map(({ one, range, text }) => h("label", { class: "place" }, titles.get(one), range, text)))];
}

/** Positions as a rectangle, rows downwards: one axis is one row. */
function board(kind, sizes, label) {
  const [rows, columns] = sizes.length > 1 ? sizes : [1, sizes[0]];
  const scale = SIDE / Math.max(rows, columns);
  const [width, height] = [columns, rows].map((size) => Math.max(LEAST, size * scale));
  const [x, y] = [width / columns, height / rows];
  const line = (count, step, d) => (count > GRID ? [] : Array.from({ length: count - 1 }, (_, i) => s("path", { class: "grid", d: d((i + 1) * step) })));
  const marked = s("rect", { class: "seen" });
  const element = s("svg", { class: `board ${kind}`, role: "img", "aria-label": label, viewBox: `-1 -1 ${width + 2} ${height + 2}`, width: width + 2, height: height + 2 },
    s("rect", { class: "ground", width, height }), ...line(columns, x, (at) => `M${at} 0V${height}`), ...line(rows, y, (at) => `M0 ${at}H${width}`), marked);
  const mark = (spans) => {
    const [[top, bottom], [left, right]] = spans === null ? [[0, -1], [0, -1]] : spans.length > 1 ? spans : [[0, 0], spans[0]];
    const found = { x: left * x, y: top * y, width: Math.max(0, right - left + 1) * x, height: Math.max(0, bottom - top + 1) * y };
    for (const [name, value] of Object.entries(found)) marked.setAttribute(name, String(value));
  };
  const onPlace = (told) => {
    for (const type of ["pointermove", "pointerdown"]) {
      element.addEventListener(type, (event) => {
        const box = element.getBoundingClientRect();
        const place = (at, begin, size, count) => Math.min(count - 1, Math.max(0, Math.floor(((at - begin) / size) * count)));
        const found = [place(event.clientY, box.top, box.height, rows), place(event.clientX, box.left, box.width, columns)];
        told(sizes.length > 1 ? found : [found[1]]);
      });
    }
  };
  return { element, mark, onPlace };
}

// Another network beside this one: the figures of both, what changed most, and the layers of both side by side.

import { h, part } from "./dom.js";
import { bytes, NAMES, number, share, short } from "./format.js";
import { plainType } from "./rows.js";
import { inOrder, sortingHead } from "./sorting.js";
import { marked } from "./spelling.js";

const MOST = 1500; // pairs that are shown at once
const TOLD = 3; // layers that the sentence names of a figure
const FIGURES = [["params", "Params", number, number], ["macs", "MACs", number, short], ["activations", "Activation", bytes, bytes]]; // steps, values

export function against(state) {
  const found = state.model.data.against;
  part("against-section").hidden = found === null;
  if (found === null) return;
  part("against-title").textContent = `Before: ${found.old} → after: ${found.new}`;
  part("against-verdict").textContent = [found.settings, `interface: ${found.verdict}`, found.structure].filter(Boolean).join("; ");
  part("against-interface").replaceChildren(...found.interface.map((line) => h("li", null, line)));
  part("against-figures").replaceChildren(...found.figures.map(([name, ...cells]) => h("tr", null, h("th", { scope: "row", title: name }, NAMES[name] ?? name), ...cells.map((cell) => h("td", { class: "figure" }, cell)))));
  part("against-changes").replaceChildren(...found.changes.map(([level, what, where, params, macs]) => h("tr", { class: level ? "inner" : null }, h("th", { scope: "row" }, what), h("td", { class: "shape" }, where), h("td", { class: "figure" }, params), h("td", { class: "figure" }, macs))));
  part("against-changes-box").hidden = found.changes.length === 0;
  const pairs = paired(state.model, found);
  part("against-largest").replaceChildren(...largest(state, found, pairs));
  let order = { key: "macs", down: true };
  const only = part("against-only");
  const draw = () => {
    const heads = [{ key: "old", title: `Before: ${found.old}`, kind: "side" }, { key: "new", title: `After: ${found.new}`, kind: "side" }, ...FIGURES.map(([key, title]) => ({ key, title, kind: "figure" }))];
    part("against-heads").replaceChildren(...heads.map((one) => sortingHead(one, order, (next) => { order = next; draw(); })));
    list(state, found, pairs, order, only.checked);
  };
  only.addEventListener("change", draw);
  state.on("selected", () => mark(state));
  draw();
}

/** Both layers of each pair with their figures: `{before, after, step}`, as BigInt; what is not known is null. */
function paired(model, found) {
  const declared = model.at({});
  const whole = (value) => (value === null ? null : BigInt(value));
  return found.pairs.map(([before, after, differs], place) => {
    const old = before === null ? null : found.layers[before];
    const row = after === null ? null : model.rows[after];
    const shape = row === null ? "" : row.outputs.map((type) => plainType(declared.type(type))).join(", ");
    const figures = Object.fromEntries(FIGURES.map(([name], i) => {
      const sides = [old === null ? 0n : whole(old[3 + i]), row === null ? 0n : declared.rows[row.index][name]];
      return [name, { before: sides[0], after: sides[1], step: sides.includes(null) ? null : sides[1] - sides[0] }];
    }));
    const told = differs && (old === null || row === null || old[1] !== row.text || FIGURES.some(([name]) => figures[name].step !== 0n));
    return { place, before, old, row, shape, figures, told };
  });
}

function magnitude(step) {
  return step === null ? null : step < 0n ? -step : step;
}

function signed(step, format) {
  return (step > 0n ? "+" : step < 0n ? "−" : "") + format(magnitude(step));
}

/** The pairs in an order; by a figure, the largest steps first, and among equal ones those of the other figures. */
function sorted(pairs, { key, down }) {
  if (key === "old" || key === "new") return inOrder(pairs, key === "old" ? (one) => one.before : (one) => one.place, down);
  const others = FIGURES.map(([name]) => name).filter((name) => name !== key);
  const order = (found, name) => inOrder(found, (one) => magnitude(one.figures[name].step), down);
  return [...others.reverse(), key].reduce(order, pairs);
}

/** What changed most, as a sentence. */
function largest(state, found, pairs) {
  const parts = [];
  for (const [name, title, format] of [["macs", "MACs", short], ["params", "parameters", number]]) {
    const most = sorted(pairs, { key: name, down: true }).slice(0, TOLD).filter((one) => one.figures[name].step);
    if (most.length) parts.push([`${title} `, ...most.flatMap((one, i) => [i ? ", " : "", named(state, one), ` ${signed(one.figures[name].step, format)}`])]);
  }
  const peak = found.figures.find(([name]) => name === "peak_activations");
  const at = state.model.rows[state.model.data.memory?.peak.at];
  if (peak && peak[1] !== peak[2]) parts.push([`peak memory ${peak[1]}${found.peak_at ? ` at ${found.peak_at}` : ""} → ${peak[2]}`, ...(at ? [" at ", link(state, at)] : [])]);
  if (!parts.length) return [];
  return [h("b", null, "Largest changes: "), ...parts.flatMap((one, i) => [i ? "; " : "", ...one]), "."];
}

/** The path of a layer as a link; one that is gone is none. */
function named(state, { old, row }) {
  if (row === null) return `${old[0]} (gone)`;
  return h("span", null, link(state, row), old === null ? " (new)" : "");
}

function link(state, row) {
  return h("button", { type: "button", class: "link", onclick: () => state.select(row.index, "link") }, row.path);
}

function list(state, found, pairs, order, only) {
  const shown = sorted(only ? pairs.filter((one) => one.told) : pairs, order);
  const sizes = state.model.data.symbols.filter(([, value]) => value !== null).map(([name, value]) => `${name} = ${value}`).join(", ");
  part("against-count").textContent = `${number(shown.length)} of ${number(found.pairs.length)} pairs${shown.length > MOST ? `, the first ${number(MOST)}` : ""}${sizes && `, at ${sizes}`}`;
  part("against-pairs").replaceChildren(...shown.slice(0, MOST).map((one) => line(state, one)));
  mark(state);
}

function line(state, { old, row, shape, figures }) {
  const [was, is] = [old && [old[1], plainType(old[2])], row && [row.text, shape]];
  const spelled = (own, other) => h("span", { class: "below" }, ...marked(own[0], other && other[0]), " → ", ...marked(own[1], other && other[1]));
  const side = (path, own, other) => h("td", { class: "side" }, ...(own ? [path, spelled(own, other)] : [h("span", { class: "muted" }, "—")]));
  return h("tr", { class: old === null ? "added" : row === null ? "removed" : null, "data-pair": row && row.index },
    side(old && old[0], was, is), side(row && link(state, row), is, was),
    ...FIGURES.map(([name, , ...formats]) => change(figures[name], ...formats)));
}

/** How a figure changed: the step, and below it both values and the part. */
function change({ before, after, step }, format, brief) {
  if (step === null) return h("td", { class: "figure" }, "?");
  if (step === 0n) return h("td", { class: "figure zero", title: format(after) }, "0");
  const part = before ? `, ${step > 0n ? "+" : "−"}${share(magnitude(step), before)}` : "";
  return h("td", { class: "figure", title: `${format(before)} → ${format(after)}` }, signed(step, format), h("span", { class: "below" }, `${brief(before)} → ${brief(after)}${part}`));
}

function mark(state) {
  const body = part("against-pairs");
  body.querySelector("[aria-current]")?.removeAttribute("aria-current");
  if (state.selected !== null) body.querySelector(`[data-pair="${state.selected}"]`)?.setAttribute("aria-current", "true");
}

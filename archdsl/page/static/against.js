// Another network beside this one: the figures of both, what changed, and the layers of both side by side.

import { h, part } from "./dom.js";
import { bytes, number } from "./format.js";

const MOST = 1500; // pairs that are shown at once

export function against(state) {
  const found = state.model.data.against;
  part("against-section").hidden = found === null;
  if (found === null) return;
  part("against-title").textContent = `${found.old} → ${found.new}`;
  part("against-verdict").textContent = [found.settings, `interface: ${found.verdict}`, found.structure].filter(Boolean).join("; ");
  part("against-interface").replaceChildren(...found.interface.map((line) => h("li", null, line)));
  part("against-figures").replaceChildren(...found.figures.map(([name, ...cells]) => h("tr", null, h("th", { scope: "row" }, name.replaceAll("_", " ")), ...cells.map((cell) => h("td", { class: "figure" }, cell)))));
  part("against-changes").replaceChildren(...found.changes.map(([level, what, where, params, macs]) => h("tr", { class: level ? "inner" : null }, h("th", { scope: "row" }, what), h("td", { class: "shape" }, where), h("td", { class: "figure" }, params), h("td", { class: "figure" }, macs))));
  part("against-changes-box").hidden = found.changes.length === 0;
  const only = part("against-only");
  const draw = () => pairs(state, found, only.checked);
  only.addEventListener("change", draw);
  state.on("selected", () => mark(state));
  draw();
}

function pairs(state, found, only) {
  const { rows } = state.model;
  const declared = state.model.at({});
  const shown = found.pairs.filter(([, , differs]) => !only || differs);
  part("against-count").textContent = `${number(shown.length)} of ${number(found.pairs.length)} pairs${shown.length > MOST ? `, the first ${number(MOST)}` : ""}`;
  part("against-pairs").replaceChildren(...shown.slice(0, MOST).map(([before, after]) => pair(state, declared, before === null ? null : found.layers[before], after === null ? null : rows[after])));
  mark(state);
}

function pair(state, declared, old, row) {
  const figures = declared.rows;
  const now = row === null ? [null, null, null] : [figures[row.index].params, figures[row.index].macs, figures[row.index].activations];
  const steps = [3, 4, 5].map((column, i) => change(old === null ? 0 : old[column], row === null ? 0n : now[i], i === 2 ? bytes : number));
  const name = row === null ? "" : h("button", { type: "button", class: "link", onclick: () => state.select(row.index, "against") }, row.path);
  const side = (path, text, shape) => [path, h("span", { class: "below" }, `${text}  ${shape}`)];
  return h("tr", { class: old === null ? "added" : row === null ? "removed" : null, "data-pair": row === null ? null : row.index },
    h("td", { class: "side" }, ...(old === null ? [h("span", { class: "muted" }, "—")] : side(old[0], old[1], old[2]))),
    h("td", { class: "side" }, ...(row === null ? [h("span", { class: "muted" }, "—")] : side(name, row.text, row.outputs.map((type) => declared.type(type)).join(", ")))),
    ...steps.map((text) => h("td", { class: text === "0" ? "figure zero" : "figure" }, text)));
}

function change(before, after, format) {
  if (before === null || after === null) return "?";
  const step = BigInt(after) - BigInt(before);
  if (step === 0n) return "0";
  return (step > 0n ? "+" : "−") + format(step > 0n ? step : -step);
}

function mark(state) {
  const body = part("against-pairs");
  body.querySelector("[aria-current]")?.removeAttribute("aria-current");
  if (state.selected !== null) body.querySelector(`[data-pair="${state.selected}"]`)?.setAttribute("aria-current", "true");
}

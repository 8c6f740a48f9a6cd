// The layer that is selected: what it is, its formula with numbers in it, its figures, and where it comes from.

import { h, part } from "./dom.js";
import { bytes, field, number, share } from "./format.js";
import { sight } from "./sight.js";

export function layer(state) {
  const draw = () => {
    const { model, figures, selected } = state;
    const row = selected === null ? null : model.rows[selected];
    part("layer-head").replaceChildren(...(row === null ? [h("p", { class: "muted" }, "Select a layer in the table, in a chart or by its line.")] : head(row, model, figures, state)));
    part("layer-body").replaceChildren(...(row === null ? [] : details(row, model, figures)));
  };
  state.on("selected", (from) => {
    draw();
    if (from === "link" && state.selected !== null) bringIntoView(part("layer-title"));
  });
  state.on("sizes", draw);
  draw();
}

/** Scroll the page where an element is not in its upper half. */
function bringIntoView(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) element.scrollIntoView({ block: "start" });
}

/** What the layer is, and what it is between. */
function head(row, model, figures, state) {
  const link = (number) => {
    const name = model.startOf(number);
    if (number === null || number < 0) return h("span", null, name);
    return h("button", { type: "button", class: "link", onclick: () => state.select(number, "link") }, name);
  };
  return [
    h("h3", null, row.path), h("p", { class: "code" }, row.text),
    h("dl", { class: "flow" },
      h("dt", null, "from"), h("dd", null, ...(row.inputs.length ? row.inputs.flatMap((one, i) => [i ? ", " : "", link(one)]) : ["nothing"])),
      h("dt", null, "gives"), h("dd", null, row.outputs.map((type) => figures.type(type)).join(", ")),
      row.receptive_field && h("dt", null, "sees"), row.receptive_field && h("dd", null, `${field(row.receptive_field)} of the input`)),
  ];
}

/** Its figures, formulas, and what it sees. */
function details(row, model, figures) {
  const own = figures.rows[row.index];
  const facts = [
    ["Parameters", own.params, number(own.params), "params"],
    ["MACs", own.macs, number(own.macs), "macs"],
    ["Activation", own.activations, bytes(own.activations), "activations"],
    ["Traffic", own.traffic, bytes(own.traffic), "traffic"],
  ];
  const whole = (name) => figures.sum(model.rows.keys(), name).total;
  return [
    h("dl", { class: "facts" }, ...facts.filter(([, value]) => value !== 0n).map(([title, value, text, name]) => h("div", null, h("dt", null, title), h("dd", null, text, h("small", null, ` ${share(value, whole(name))}`))))),
    ...formulas(row, model, figures),
    ...sight(row, model, figures),
  ];
}

/** The formulas of a layer as elements: each size says what it is. */
function formulas(row, model, figures) {
  const found = [];
  const product = (parts) => parts.flatMap(([name, size], i) => [i ? " × " : "", h("span", { title: name }, number(figures.cell(size)))]);
  if (row.formula !== null) {
    const names = model.data.formulas[row.formula[0]];
    const parts = row.formula.slice(1).map((size, i) => [names[i], size]);
    found.push(h("p", { class: "formula" }, h("b", null, "MACs"), " = ", ...product(parts), " = ", h("b", null, number(figures.rows[row.index].macs))));
    const each = parts.filter(([name]) => !name.startsWith("axis"));
    found.push(h("p", { class: "muted" }, `elements of the result × ${each.map(([name, size]) => `${name} (${figures.cell(size)})`).join(" × ")}`));
  }
  const held = row.weights === null || (row.params === 0 && row.buffers === 0) ? [] : model.data.parameters[row.weights];
  for (const [slot, ...sizes] of held) found.push(h("p", { class: "formula" }, h("b", null, slot), " = ", ...(sizes.length ? product(sizes.map((size, i) => [`axis ${i} of ${slot}`, size])) : ["1"])));
  return found;
}

/** The formula of a layer as one text, for a tip beside the pointer. */
export function formulaText(row, figures) {
  if (row.formula === null) return "";
  return `MACs = ${row.formula.slice(1).map((size) => number(figures.cell(size))).join(" × ")} = ${number(figures.rows[row.index].macs)}`;
}

// Where parameters, MACs and memory go: the blocks of the network with their parts, as many as can be seen at once.

import { h, part } from "./dom.js";
import { bytes, number, share, short } from "./format.js";

const MOST = 40; // blocks that are told apart
const HEAVY = 0.45; // of the network: a block that holds more is taken apart
const LEAST = 0.005; // of every figure: what has less of all of them is told together
const FIGURES = [["macs", "MACs", short], ["params", "Parameters", short], ["activations", "Activations", bytes]];

export function where(state) {
  const draw = () => {
    const { model, figures } = state;
    const whole = Object.fromEntries(FIGURES.map(([name]) => [name, figures.sum(model.rows.keys(), name).total]));
    const of = (rows) => Object.fromEntries(FIGURES.map(([name]) => [name, figures.sum(rows, name).total]));
    const groups = blocks(model, figures).map((one) => ({ ...one, sums: of(one.rows) }));
    const small = (one) => FIGURES.every(([name]) => Number(one.sums[name]) <= LEAST * Number(whole[name]));
    const rest = groups.filter(small).flatMap((one) => one.rows);
    const shown = groups.filter((one) => !small(one));
    if (rest.length) shown.push({ name: shown.length ? `${number(rest.length)} others` : model.data.network, rows: rest, sums: of(rest), rest: true });
    const most = Object.fromEntries(FIGURES.map(([name]) => [name, shown.reduce((best, one) => Math.max(best, Number(one.sums[name])), 1)]));
    part("where").replaceChildren(...shown.map((one) => row(one, whole, most, state)));
    part("peak").replaceChildren(...peak(state));
  };
  state.on("sizes", draw);
  draw();
}

function row(one, whole, most, state) {
  const cells = FIGURES.map(([name, , say]) => {
    const cell = h("td", { class: "figure", title: say(one.sums[name]) }, share(one.sums[name], whole[name]) || "0");
    cell.style.setProperty("--share", `${(100 * Number(one.sums[name])) / most[name]}%`);
    return cell;
  });
  const go = () => {
    state.select(one.rows[0], "where");
    state.show(new Set(one.rows));
  };
  return h("tr", null, h("th", { scope: "row", class: "path" }, one.rest ? one.name : h("button", { type: "button", class: "link", onclick: go }, one.name)), ...cells);
}

/** The outermost blocks; one that holds most of the network is taken apart. */
function blocks(model, figures) {
  const whole = ["macs", "params"].map((name) => [name, Number(figures.sum(model.rows.keys(), name).total)]).find(([, total]) => total);
  const heavy = (one) => one.parts > 1 && whole !== undefined && Number(figures.sum(one.rows, whole[0]).total) > HEAVY * whole[1];
  let found = grouped(model, model.rows.keys(), "");
  for (;;) {
    const one = found.find(heavy);
    if (!one) return found;
    const inside = grouped(model, one.rows, `${one.name}.`);
    if (found.length - 1 + inside.length > MOST) one.parts = 1;
    else found = found.flatMap((other) => (other === one ? inside : [other]));
  }
}

/** Rows by the next name of their paths. */
function grouped(model, rows, prefix) {
  const found = new Map();
  for (const index of rows) {
    const rest = model.rows[index].path.slice(prefix.length);
    const name = prefix + rest.split(".", 1)[0];
    if (!found.has(name)) found.set(name, { name, rows: [], parts: 0 });
    const one = found.get(name);
    one.rows.push(index);
    if (name !== model.rows[index].path) one.parts += 1;
  }
  return [...found.values()];
}

/** Which layer holds the peak of memory, as a sentence; and which one has most MACs. */
function peak(state) {
  const { model, figures } = state;
  const link = (index) => h("button", { type: "button", class: "link", onclick: () => state.select(index, "where") }, model.rows[index].path);
  const found = [];
  if (figures.peak !== null) found.push(h("p", null, "Peak memory ", h("b", null, bytes(figures.totals.peak_activations.value)), ", while ", link(figures.peak), " runs."));
  const macs = figures.rows.map((row) => row.macs ?? 0n);
  const most = macs.reduce((best, value, i) => (value > macs[best] ? i : best), 0);
  if (macs[most]) found.push(h("p", null, "Most MACs in one layer: ", link(most), `, ${short(macs[most])} (${share(macs[most], figures.sum(model.rows.keys(), "macs").total)}).`));
  return found;
}

// Where parameters, MACs and memory go: the blocks of the network with their parts, as many as can be seen at once.

import { h, part } from "./dom.js";
import { bytes, number, share, short } from "./format.js";
import { inOrder, sortingHead } from "./sorting.js";

const MOST = 40; // blocks that are told apart
const HEAVY = 0.45; // of the network: a block that holds more is taken apart
const LEAST = 0.005; // of every figure: what has less of all of them is told together
const FIGURES = [["macs", "MACs", short], ["params", "Params", short], ["activations", "Activations", bytes]];

export function where(state) {
  let order = { key: "path", down: false };
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
    const heads = [{ key: "path", title: "Block", kind: "path" }, ...FIGURES.map(([key, title]) => ({ key, title, kind: "figure" }))];
    part("where-heads").replaceChildren(...heads.map((one) => sortingHead(one, order, (next) => { order = next; draw(); })));
    const value = order.key === "path" ? (one) => shown.indexOf(one) : (one) => one.sums[order.key];
    part("where").replaceChildren(...inOrder(shown, value, order.down).map((one) => row(one, whole, most, state)));
    part("peak").replaceChildren(...peak(state), ...heaviest(state, shown, whole));
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
  return h("tr", null, h("th", { scope: "row", class: "path" }, one.rest ? one.name : blockLink(one, state)), ...cells);
}

/** A block as a link to its first layer and its rows. */
function blockLink(one, state) {
  const go = () => {
    state.select(one.rows[0], "link");
    state.show(new Set(one.rows));
  };
  return h("button", { type: "button", class: "link", onclick: go }, one.name);
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

/** Which layer holds the peak of memory, and what is live there. */
function peak(state) {
  const { model, figures } = state;
  if (figures.peak === null) return [];
  const { held, made } = figures.live(figures.peak);
  const inputs = new Set(model.rows[figures.peak].inputs).size;
  const sum = (sizes) => bytes(sizes.reduce((all, one) => all + one, 0));
  const before = inputs === 1 ? "input" : "inputs";
  const parts = [held.length && `${sum(held)} ${before}${held.length > inputs ? " and what is kept for later" : ""}`, made.length && `${sum(made)} output`].filter(Boolean);
  const told = parts.length > 1 ? `: ${parts.join(" + ")}, live together.` : ".";
  return [h("p", null, "Peak memory ", h("b", null, bytes(figures.totals.peak_activations.value)), ", while ", layerLink(figures.peak, state), " runs", told)];
}

function layerLink(index, state) {
  return h("button", { type: "button", class: "link", onclick: () => state.select(index, "link") }, state.model.rows[index].path);
}

/** The layer and the block with most MACs. */
function heaviest(state, groups, whole) {
  const macs = state.figures.rows.map((row) => row.macs ?? 0n);
  const most = macs.reduce((best, value, i) => (value > macs[best] ? i : best), 0);
  if (!macs[most]) return [];
  const [block] = inOrder(groups.filter((one) => one.parts && !one.rest), (one) => one.sums.macs, true);
  const told = (value) => `, ${short(value)} (${share(value, whole.macs)}).`;
  return [
    h("p", null, "Most MACs in one layer: ", layerLink(most, state), told(macs[most])),
    block && h("p", null, "Most MACs in one block: ", blockLink(block, state), told(block.sums.macs)),
  ].filter(Boolean);
}

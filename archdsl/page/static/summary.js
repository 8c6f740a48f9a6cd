// The head of the page: the totals, the sliders of the symbols, and the network's bounds as gauges.

import { h, part } from "./dom.js";
import { bytes, field, NAMES, number, short } from "./format.js";
import { polynomialText } from "./polynomial.js";

const LEADING = ["params", "macs", "peak_activations", "activations"];
const SMALL = new Set(["depth", "nodes", "receptive_field", "stride"]);
const BELOW = { depth: "layers with weights", nodes: "", receptive_field: "of the input", stride: "of the input", intensity: "FLOP/byte" };
const MEANS = {
  peak_activations: "the bytes of all tensors that are live at once, at most. The arena has room for them at fixed addresses: it is at least as large.",
  arena: "the block of memory that a plan with fixed addresses needs: the peak memory, and the gaps between tensors.",
};

export function summary(state) {
  const { data } = state.model;
  part("network").textContent = data.network;
  part("doc").textContent = data.doc;
  part("target").textContent = data.target === data.network ? "" : data.target;
  document.title = `${data.network}: archdsl`;
  const draw = () => {
    const { figures } = state;
    const order = [...LEADING, ...Object.keys(figures.totals).filter((name) => !LEADING.includes(name))];
    const shown = order.filter((name) => figures.totals[name] && !(name === "active_params" && same(figures)) && !(name === "states" && figures.totals[name].value === 0));
    part("totals").replaceChildren(...shown.map((name) => total(figures.totals[name], state, LEADING.includes(name))));
    const type = ([name, element, sizes]) => `${name}  ${figures.type([element, sizes])}`;
    part("ends").textContent = `${data.inputs.map(type).join(", ")}  →  ${data.outputs.map(([name, , ...rest]) => type([name, ...rest])).join(", ")}`;
  };
  state.on("sizes", draw);
  draw();
  part("beside").replaceChildren(...beside(state));
  sliders(state);
  gauges(state);
}

function same(figures) {
  return figures.totals.active_params.value === figures.totals.params.value;
}

function total(one, state, leading) {
  const { value, unit, partial } = one;
  const sign = partial ? "≥ " : "";
  const unknown = value === null;
  const large = unknown ? "—" : sign + (Array.isArray(value) ? field(value) : unit === "bytes" ? bytes(value) : unit || SMALL.has(one.name) ? number(value) : short(value));
  const exact = unknown ? elsewhere(state) : BELOW[one.name] ?? (Array.isArray(value) ? "" : `${number(value)}${unit ? ` ${unit}` : ""}`);
  const polynomial = Array.isArray(one.general) ? polynomialText(one.general, state.model.data.polynomials) : "";
  return h(
    "div", { class: leading ? "total leading" : "total", title: `${one.name}: ${MEANS[one.name] ?? one.doc}`, "data-total": one.name, "data-exact": unknown || Array.isArray(value) ? "" : String(value) },
    h("dt", null, NAMES[one.name] ?? one.name), h("dd", null, h("strong", null, large), h("span", null, exact), polynomial && h("span", { class: "polynomial" }, polynomial), before(one.name, state), one.name === "peak_activations" && where(state)),
  );
}

/** Where to find what this page does not know at its sizes. */
function elsewhere(state) {
  const { figures } = state;
  const at = Object.entries(figures.binding).map(([name, size]) => `--bind ${name}=${size}`).join(" ");
  const known = sizesOf(state);
  if (figures.declared || !at) return "not known";
  return `${known && `known at ${known} only; `}for these sizes: archdsl report ${at}`;
}

/** `N = 1, T = 128`: the sizes of the report. */
function sizesOf(state) {
  return state.model.data.symbols.filter(([, value]) => value !== null).map(([name, value]) => `${name} = ${value}`).join(", ");
}

/** What the total was before, at the sizes of the report. */
function before(name, state) {
  const found = state.model.data.against?.figures.find((row) => row[0] === name);
  if (!found || !state.figures.declared) return null;
  const [, was, , step, part] = found;
  return h("span", { class: "before" }, step === "0" ? "before: the same" : `before: ${was}${part && ` (${part})`}`);
}

/** Which network is which, where there are two. */
function beside(state) {
  const { against, network } = state.model.data;
  if (against === null) return [];
  return ["This page is of ", h("b", null, against.new), " (after)", against.new === network ? "" : `, ${network}`, ", beside ", h("b", null, against.old), " (before): ", h("a", { href: "#against-section" }, "what changed"), "."];
}

/** The layer at which most is live. */
function where(state) {
  const { peak } = state.figures;
  return peak !== null && h("button", { type: "button", class: "link", onclick: () => state.select(peak, "link") }, `at ${state.model.rows[peak].path}`);
}

/** Whether a symbol is the batch: `N`, as the first size of an input. */
function isBatch(name, data) {
  return name === "N" && data.inputs.some(([, , [first]]) => polynomialText(first ?? null, data.polynomials) === name);
}

/** The slider of a symbol: its scale is logarithmic where the range is wide. */
function sliders(state) {
  const { symbols } = state.model.data;
  part("sizes").hidden = symbols.length === 0;
  const controls = symbols.map(([name, , least, most]) => {
    const value = state.model.defaults[name];
    const low = Math.max(least, 0);
    const high = most ?? Math.max(64, 8 * value);
    const scale = new Scale(low, high);
    const id = `size-${name}`;
    const range = h("input", { type: "range", min: 0, max: 1000, value: scale.place(value), "aria-label": `${name}, from ${low} to ${high}`, "aria-valuetext": String(value) });
    const exact = h("input", { type: "number", id, min: low, max: most, step: 1, value });
    const set = (size) => {
      range.setAttribute("aria-valuetext", String(size));
      state.bind({ [name]: size });
    };
    range.addEventListener("input", () => set(Number((exact.value = scale.size(Number(range.value))))));
    range.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault(); // one size a key, whatever the scale
      exact.value = Math.min(high, Math.max(low, Number(exact.value) + step));
      range.value = scale.place(Number(exact.value));
      set(Number(exact.value));
    });
    let entered = false; // a click that enters the field chooses its content, as the Tab key does
    exact.addEventListener("focus", () => {
      entered = true;
      exact.select();
    });
    exact.addEventListener("click", () => {
      if (entered) exact.select();
      entered = false;
    });
    exact.addEventListener("input", () => {
      entered = false;
      const size = Number(exact.value);
      exact.setCustomValidity(Number.isSafeInteger(size) && exact.value !== "" && size >= low && (most === null || size <= most) ? "" : "not a size of this symbol");
      exact.setAttribute("aria-invalid", String(!exact.checkValidity()));
      if (!exact.checkValidity()) return;
      range.value = scale.place(size);
      set(size);
    });
    const reset = () => {
      exact.value = value;
      exact.setCustomValidity("");
      exact.setAttribute("aria-invalid", "false");
      range.value = scale.place(value);
      range.setAttribute("aria-valuetext", String(value));
    };
    return { reset, element: h("div", { class: "size" }, h("label", { for: id }, isBatch(name, state.model.data) ? `${name} (batch)` : name), range, exact) };
  });
  const reset = h("button", { type: "button", onclick: () => { controls.forEach((one) => one.reset()); state.bind(state.model.defaults); } }, "Reset");
  state.on("sizes", () => (reset.disabled = symbols.every(([name]) => state.figures.binding[name] === state.model.defaults[name])));
  reset.disabled = true;
  part("sliders").replaceChildren(...controls.map((one) => one.element), reset);
}

/** Places 0 to 1000 of a slider, and the sizes that they stand for. */
export class Scale {
  constructor(low, high) {
    this.low = low;
    this.high = high;
    this.wide = low > 0 && high / low > 100;
  }

  size(place) {
    const part = place / 1000;
    return Math.round(this.wide ? this.low * (this.high / this.low) ** part : this.low + (this.high - this.low) * part);
  }

  place(size) {
    const inside = Math.min(this.high, Math.max(this.low, size));
    if (this.high === this.low) return 0;
    return Math.round(1000 * (this.wide ? Math.log(inside / this.low) / Math.log(this.high / this.low) : (inside - this.low) / (this.high - this.low)));
  }
}

function gauges(state) {
  const { claims } = state.model.data;
  part("bounds").hidden = claims.length === 0;
  const title = () => {
    const at = sizesOf(state);
    part("bounds-title").textContent = `Bounds${at && `, measured at ${at}`}${state.figures.declared ? "" : ", not at the sizes above"}`;
  };
  state.on("sizes", title);
  title();
  part("gauges").replaceChildren(
    ...claims.map(([subject, op, limit, shown, ok, headroom, verdict]) => {
      const used = headroom === null ? (ok ? 1 : 1.2) : op.startsWith("<") ? 1 - headroom : 1 / Math.max(0.01, 1 + headroom);
      const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("span", null));
      bar.firstChild.style.setProperty("width", `${Math.min(100, 80 * used)}%`);
      return h("li", { class: ok ? "holds" : "broken" }, h("span", { class: "subject", title: subject }, NAMES[subject] ?? subject.replaceAll("_", " ")), bar, h("span", { class: "measured" }, shown), h("span", { class: "limit" }, `${op} ${limit}`), h("span", { class: "verdict" }, verdict));
    }),
  );
}

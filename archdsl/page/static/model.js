// The document as objects: rows by the names of their columns, and all figures at a binding of the symbols.

import { largest } from "./format.js";
import { evaluator } from "./polynomial.js";

const FIGURES = [
  "params", "buffers", "weight_bytes", "macs", "adds", "muls", "comparisons", "specials", "flops", "activations", "traffic",
];

export class Model {
  constructor(data) {
    this.data = data;
    const Row = rowClass(data);
    this.rows = data.rows.map((cells, index) => new Row(cells, index));
    this.defaults = Object.fromEntries(data.symbols.map(([name, value, least]) => [name, value ?? Math.max(1, least)]));
  }

  /** The rows of each line of a text. */
  get rowsOf() {
    if (this.known) return this.known;
    this.known = new Map();
    for (const row of this.rows) {
      for (const spot of this.linesOf(row)) {
        if (!this.known.has(spot)) this.known.set(spot, []);
        this.known.get(spot).push(row.index);
      }
    }
    return this.known;
  }

  /** The lines of texts that had a part in making a row: `source:line`, its own first, then those around it. */
  linesOf(row) {
    const found = new Set();
    const add = (spot) => spot && found.add(`${spot[0]}:${spot[1]}`);
    add(row.made_at);
    for (const frame of this.framesOf(row)) add(frame[2]);
    add(row.line);
    return found;
  }

  /** The applications that led to a row, the innermost first. */
  framesOf(row) {
    const found = [];
    for (let at = row.frame; at !== null; at = this.data.frames[at][3]) found.push(this.data.frames[at]);
    return found;
  }

  /** The name of where a value comes from. */
  startOf(number) {
    if (number === null) return "(input of the body)";
    return number < 0 ? this.data.inputs[-1 - number][0] : this.rows[number].path;
  }

  /** All figures at a binding. */
  at(binding) {
    return new Figures(this, { ...this.defaults, ...binding });
  }
}

/** A class whose objects read the cells of a row by the names of the columns: a large network has many. */
function rowClass(data) {
  class Row {
    constructor(cells, index) {
      this.cells = cells;
      this.index = index;
    }
  }
  const reader = (read) => function () { return read(this.cells); };
  const kind = data.columns.indexOf("kind");
  const readers = [
    ...data.columns.map((name, column) => [name, (cells) => cells[column]]),
    ...data.kind_columns.map((name, column) => [name, (cells) => data.kinds[cells[kind]][column]]),
  ];
  for (const [name, read] of readers) {
    const spot = name === "line" || name === "made_at";
    const get = reader(spot ? (cells) => (read(cells) === null ? null : data.spots[read(cells)]) : read);
    Object.defineProperty(Row.prototype, name, { get });
  }
  return Row;
}

/** The figures of a network at fixed sizes; integers are BigInt, what is not known is null. */
export class Figures {
  constructor(model, binding) {
    this.model = model;
    this.binding = binding;
    this.cell = evaluator(model.data.polynomials, binding);
    this.declared = model.data.symbols.every(([, value]) => value !== null) && Object.keys(binding).every((name) => binding[name] === model.defaults[name]);
    const fixed = this.declared ? null : model.data.fixed; // what is otherwise where all sizes are bound
    const kinds = model.data.kinds.map((cells) => Object.fromEntries(model.data.kind_columns.map((name, i) => [name, i]).filter(([name]) => FIGURES.includes(name)).map(([name, i]) => [name, this.cell(cells[i])])));
    this.rows = model.rows.map((row) => ({ ...kinds[row.kind], fused_into: row.fused_into }));
    for (const [index, activations, traffic, fusedInto] of fixed?.rows ?? []) {
      Object.assign(this.rows[index], { activations: this.cell(activations), traffic: this.cell(traffic), fused_into: fusedInto });
    }
    this.fixed = fixed?.totals ?? {};
    this.totals = this.#totals();
  }

  #totals() {
    const found = {};
    for (const total of this.model.data.totals) {
      const general = this.fixed[total.name] === undefined ? total.general : this.fixed[total.name];
      let value = general === null ? (this.declared ? total.value : null) : this.cell(general);
      if (typeof value === "string") value = BigInt(value);
      found[total.name] = { ...total, general, value };
    }
    if (found.peak_activations.value === null && this.planned) found.peak_activations.value = BigInt(largest(this.profile));
    if (found.intensity && found.flops.value !== null && found.traffic.value) {
      found.intensity.value = Number(found.flops.value) / Number(found.traffic.value);
    }
    return found;
  }

  /** `f32[1, 64, 56, 56]`. */
  type([element, sizes]) {
    return `${element}[${sizes.map((size) => this.cell(size)).join(", ")}]`;
  }

  /** The sum of a figure over rows; `partial` where some are not known. */
  sum(indexes, name) {
    let total = 0n;
    let partial = false;
    for (const index of indexes) {
      const value = this.rows[index][name];
      if (value === null) partial = true;
      else total += value;
    }
    return { total, partial };
  }

  /** Whether the plan of memory can be told at this binding. */
  get planned() {
    const memory = this.model.data.memory;
    return memory !== null && (this.declared || memory.bound.unless.every(([a, b]) => this.cell(a) !== this.cell(b)));
  }

  /** The bytes that are live at every step. */
  get profile() {
    const memory = this.model.data.memory;
    const change = new Array(memory.steps + 1).fill(0);
    for (const [size, start, end] of this.#buffers) {
      change[start] += size;
      change[end + 1] -= size;
    }
    let now = 0;
    return change.slice(0, memory.steps).map((delta) => (now += delta));
  }

  /** The buffers: bytes, first and last step, and where the first value in them is from. */
  get #buffers() {
    const memory = this.model.data.memory;
    const found = this.declared ? memory.buffers.map(([, from, size, start, end]) => [size, start, end, from]) : memory.bound.buffers;
    return found.map(([size, ...rest]) => [Number(this.cell(size)), ...rest]);
  }

  /** The bytes of the buffers that are live at a step: those that are there before it, and those that it makes. */
  live(step) {
    const found = { held: [], made: [] };
    for (const [size, start, end, from] of this.#buffers) {
      if (start <= step && step <= end) (start === step && from !== null && from >= 0 ? found.made : found.held).push(size);
    }
    return found;
  }

  /** The row at which most bytes are live; null where it is not known, or no row's. */
  get peak() {
    if (!this.planned) return null;
    const { profile } = this;
    const step = profile.indexOf(largest(profile));
    return step < this.model.rows.length ? step : null;
  }

  /** The kernels: `{row, flops, traffic}`; what is fused into a layer counts with it. */
  get kernels() {
    const found = new Map();
    this.rows.forEach((row) => {
      if (row.fused_into === null) return;
      const kernel = found.get(row.fused_into) ?? { row: row.fused_into, flops: 0, traffic: 0 };
      kernel.flops += Number(row.flops ?? 0n);
      kernel.traffic += Number(row.traffic ?? 0n);
      found.set(row.fused_into, kernel);
    });
    return [...found.values()];
  }
}

/** The time of kernels on a device, each bound by its arithmetic or by its traffic. */
export function roofline(kernels, flops, bandwidth) {
  return kernels.reduce((sum, one) => sum + Math.max(one.flops / flops, one.traffic / bandwidth), 0);
}

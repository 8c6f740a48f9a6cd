// The table without its picture: what its columns are, which rows are shown in which order, and the rows as CSV.

import { bytes, field, number, sizes } from "./format.js";
import { inOrder } from "./sorting.js";

/** `value`: what is sorted; `text`: what is shown; `kind`: how. Figures are of the row at the binding. */
export const COLUMNS = [
  { key: "path", title: "Layer", kind: "path", shown: true, value: (row) => row.index, text: (row) => row.path },
  { key: "op", title: "Operator", kind: "text", shown: true, value: (row) => row.op, text: (row) => row.op },
  { key: "kernel", title: "Kernel", kind: "figure", shown: true, value: (row) => product(row.kernel), text: (row) => sizes(row.kernel) },
  { key: "stride", title: "Stride", kind: "figure", shown: false, value: (row) => product(row.stride), text: (row) => sizes(row.stride) },
  { key: "groups", title: "Groups", kind: "figure", shown: false, value: (row) => row.groups, text: (row) => (row.groups === null ? "" : number(row.groups)) },
  { key: "output", title: "Output", kind: "shape", shown: true, value: (row, at) => elements(row, at), text: (row, at) => row.outputs.map((type) => plainType(at.type(type))).join(", ") },
  counted("params", "Params", true),
  counted("macs", "MACs", true),
  counted("flops", "FLOPs", false),
  counted("activations", "Activation", true, bytes),
  counted("weight_bytes", "Weights", false, bytes),
  counted("traffic", "Traffic", false, bytes),
  { key: "intensity", title: "FLOP/byte", kind: "figure", shown: false, value: intensity, text: (row, at) => ((found) => (found === null ? "" : number(Math.round(found * 100) / 100)))(intensity(row, at)) },
  { key: "field", title: "Field", kind: "figure", shown: true, value: (row) => fieldSize(row.receptive_field), text: (row) => field(row.receptive_field) },
  { key: "line", title: "Line", kind: "line", shown: true, value: (row) => (row.line ? row.line[0] * 1e6 + row.line[1] : null), text: (row) => (row.line ? String(row.line[1]) : "") },
];

function counted(key, title, shown, format = number) {
  const value = (row, at) => at.rows[row.index][key];
  const text = (row, at) => (value(row, at) === null ? "?" : value(row, at) === 0n ? "0" : format(value(row, at)));
  return { key, title, kind: "figure", shown, summed: true, value, text };
}

function product(sizes) {
  return sizes === null ? null : sizes.reduce((all, one) => all * one, 1);
}

function elements(row, at) {
  return row.outputs[0][1].reduce((all, size) => all * at.cell(size), 1n);
}

export function plainType(text) {
  return text.startsWith("f32[") ? text.slice(3) : text;
}

function intensity(row, at) {
  const { flops, traffic } = at.rows[row.index];
  return flops === null || !traffic ? null : Number(flops) / Number(traffic);
}

function fieldSize(value) {
  if (value === null) return null;
  return Math.max(...value.map((one) => (one === null ? Infinity : typeof one === "number" ? one : parseInt(one.replace("at most ", ""), 10) || 0)));
}

/** The indexes of the rows that match a text (all words, in the path, the operator or its arguments) and a set. */
export function filtered(rows, text, among = null) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && among === null) return [...rows.keys()];
  return rows
    .filter((row) => (among === null || among.has(row.index)) && words.every((word) => `${row.path} ${row.text}`.toLowerCase().includes(word)))
    .map((row) => row.index);
}

/** Indexes in the order of a column; equal rows stay in the order of the network, and what is not known comes last. */
export function sorted(rows, indexes, at, column, down) {
  if (column.key === "path" && !down) return indexes;
  return inOrder(indexes, (index) => column.value(rows[index], at), down);
}

/** The rows as RFC 4180 has it, all columns, figures exact. A text that a spreadsheet would run gets a quote in front. */
export function commaSeparated(rows, indexes, at) {
  const exact = (column, row) => {
    if (column.key === "line") return row.line ? row.line[1] : "";
    const plain = column.kind === "figure" && (column.summed || column.key === "groups" || column.key === "intensity");
    return plain ? (column.value(row, at) ?? "") : column.text(row, at);
  };
  const head = COLUMNS.map((column) => column.key);
  const lines = indexes.map((index) => COLUMNS.map((column) => exact(column, rows[index])));
  return [head, ...lines].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
}

function quoted(cell) {
  let text = String(cell);
  if (typeof cell === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

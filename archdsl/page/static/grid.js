// Rows, for what is neither a series nor branches: each part below all that it needs, and a lane of its own for every
// value that passes a row; archdsl/picture/grid.py says the same.

import { Block } from "./block.js";
import { channel, met } from "./channel.js";

const APART = 14;
const MANY = 12; // rows from which on a lane is not looked a gap for, which would take quadratic time
const LANE = 5.5; // half of the width of a lane

class Item {
  constructor(block, ins, outs) {
    Object.assign(this, { block, ins: [...new Set(ins)], outs: [...new Set(outs)], row: 0, last: 0, x: 0 });
    this.left = block ? block.left + APART / 2 : LANE;
    this.right = block ? block.right + APART / 2 : LANE;
  }

  tops() {
    return this.block ? this.block.outs.map(([value, x]) => [value, this.x + x]) : [[this.outs[0], this.x]];
  }
}

/** The block of what is drawn in rows; `leaving`: the values that leave it. */
export function grid(blocks, leaving) {
  const items = blocks.map((block) => new Item(block, block.ins.map(([value]) => value), block.outs.map(([value]) => value)));
  const maker = new Map(items.flatMap((item) => item.outs.map((value) => [value, item])));
  rank(items, maker);
  const rows = items.reduce((most, item) => Math.max(most, item.row), -1) + 1;
  const found = lanes(items, maker, leaving, rows);
  const table = Array.from({ length: rows }, () => []);
  for (const item of items) table[item.row].push(item);
  columns(table, found);
  for (const lane of found) for (let row = lane.row; row <= lane.last; row += 1) table[row].push(lane);
  return stacked(table, new Set(leaving));
}

function rank(items, maker) {
  const after = new Map();
  const missing = new Map();
  for (const item of items) {
    const before = new Set(item.ins.filter((value) => maker.has(value)).map((value) => maker.get(value)));
    missing.set(item, before.size);
    for (const one of before) after.set(one, [...(after.get(one) ?? []), item]);
  }
  const ready = items.filter((item) => !missing.get(item));
  const order = [];
  while (ready.length) {
    const item = ready.pop();
    order.push(item);
    for (const one of after.get(item) ?? []) {
      one.row = Math.max(one.row, item.row + 1);
      missing.set(one, missing.get(one) - 1);
      if (!missing.get(one)) ready.push(one);
    }
  }
  for (const item of order) if (!item.ins.length && after.has(item)) item.row = Math.min(...after.get(item).map((one) => one.row)) - 1;
}

function lanes(items, maker, leaving, rows) {
  const last = new Map(leaving.map((value) => [value, rows]));
  for (const item of items) for (const value of item.ins) last.set(value, Math.max(last.get(value) ?? 0, item.row));
  const found = [];
  for (const [value, end] of last) {
    const start = maker.has(value) ? maker.get(value).row : -1;
    if (end <= start + 1) continue;
    const lane = new Item(null, [value], [value]);
    [lane.row, lane.last] = [start + 1, end - 1];
    found.push(lane);
  }
  return found;
}

/** Places from left to right: below what feeds it, as near as there is room in all rows that an item takes. */
function columns(table, found) {
  const starting = new Map();
  for (const lane of found) starting.set(lane.row, [...(starting.get(lane.row) ?? []), lane]);
  const taken = table.map(() => []);
  const at = new Map();
  const order = (a, b) => a[0] - b[0] || a[1] - b[1];
  table.forEach((items, row) => {
    for (const item of items) item.last = row;
    const wanting = [...items, ...(starting.get(row) ?? [])].map((item, number) => [wanted(item, at), number, item]);
    let blocks = wanting.filter(([, , item]) => item.block).sort(order);
    if (row === 0 && blocks.length) {
      const total = blocks.reduce((sum, [, , item]) => sum + item.left + item.right, 0);
      blocks = blocks.map(([, , item], number) => [-total / 2 + (total * number) / blocks.length, number, item]);
    }
    const passing = wanting.filter(([, , item]) => !item.block).map(([x, number, item]) => [x + reach(table, item), number, item]);
    for (const [x, , item] of [...blocks, ...passing.sort(order)]) {
      const lines = taken.slice(item.row, item.last + 1);
      item.x = free(lines, x, item.left, item.right);
      for (const line of lines) insert(line, [item.x - item.left, item.x + item.right]);
    }
    for (const [, , item] of wanting) if (item.block) for (const [value, x] of item.tops()) at.set(value, [row, x]);
  });
}

function insert(line, pair) {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pair[0] < line[middle][0] || (pair[0] === line[middle][0] && pair[1] < line[middle][1])) high = middle;
    else low = middle + 1;
  }
  line.splice(low, 0, pair);
}

/** How far to the right a lane is out of the way of the blocks that it passes, if these stand below its start. */
function reach(table, lane) {
  const passed = table.slice(lane.row, Math.min(lane.last + 1, lane.row + MANY));
  return passed.flat().reduce((most, item) => Math.max(most, item.right), 0) + LANE;
}

/** Below what is nearest above it, so that a chain that takes earlier values again and again stays upright. */
function wanted(item, at) {
  const seen = item.ins.filter((value) => at.has(value)).map((value) => at.get(value));
  const last = seen.reduce((most, [row]) => Math.max(most, row), 0);
  const xs = seen.filter(([row]) => row === last).map(([, x]) => x);
  return xs.length ? xs.reduce((sum, x) => sum + x, 0) / xs.length : 0;
}

/** The place nearest to the one that is wanted at which nothing is in any of the rows; through many rows, one at the
    right of all that is there. */
function free(rows, x, left, right) {
  if (rows.length > MANY) return rows.reduce((most, row) => (row.length ? Math.max(most, row[row.length - 1][1] + left) : most), x);
  let [edge, best] = [-Infinity, Infinity];
  for (const [low, high] of [...rows.flat().sort((a, b) => a[0] - b[0] || a[1] - b[1]), [Infinity, 0]]) {
    if (low - edge >= left + right) {
      const place = Math.min(Math.max(x, edge + left), low - right);
      if (Math.abs(place - x) < Math.abs(best - x)) best = place;
    }
    edge = Math.max(edge, high);
  }
  return best;
}

function stacked(table, leaving) {
  const block = new Block();
  let tops = [];
  table.forEach((items, row) => {
    const bottoms = items.flatMap((item) => below(item, tops));
    if (row) {
      const between = channel(tops, bottoms);
      block.add(0, block.height, between);
      block.height += between.height;
    } else {
      block.ins = bottoms.map(([value, x]) => [value, x]);
      block.tips = bottoms.map(([, , tip]) => tip);
    }
    const height = items.reduce((most, item) => Math.max(most, item.block?.height ?? 0), 0);
    tops = [];
    for (const item of items) {
      tops.push(...item.tops());
      if (item.block) block.add(item.x, block.height, item.block);
      const short = block.height + (item.block?.height ?? 0);
      if (short < block.height + height) for (const [, x] of item.tops()) block.wire([[x, short], [x, block.height + height]]);
    }
    block.cover(tops.map(([, x]) => x));
    block.height += height;
  });
  block.outs = tops.filter(([value]) => leaving.has(value));
  return block;
}

function below(item, tops) {
  if (!item.block) return [[item.ins[0], item.x, false]];
  return met(tops.map(([value, x]) => [value, x - item.x]), item.block).map(([value, x, tip]) => [value, x + item.x, tip]);
}

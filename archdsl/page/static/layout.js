// Sizes and places for whatever frames are open: series downwards, branches side by side, frames around what is in them.
// archdsl/picture/blocks.py says the same; a test holds both against one another.

import { Block, placed } from "./block.js";
import { channel, entries, met, slots, SLOT } from "./channel.js";
import { grid } from "./grid.js";

const LEADING = 14; // between two lines of a text
const NOTED = 8; // below a box with a shape beside its line
const PAD = 8; // between a text and the edge of its box
const APART = 16; // between two branches
export const TITLE = 20; // the height of the strip in which the title of a frame stands
const INNER = 12; // between the edge of a frame and what is inside
const BACK = 14; // the room for what goes back at the left of a frame that runs several times
const MARGIN = 14;

/** The tree of blocks: frames by their numbers, boxes by `[frame, index]`, and their places when some are open. */
export class Layout {
  constructor(graph) {
    const named = (columns) => (cells) => Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
    this.labels = graph.labels;
    this.levels = graph.levels.map((level) => ({ ...level, parts: level.parts.map(named(graph.part_columns)) }));
    this.frames = graph.frames.map(([level, around, index, boxes]) => ({ level: this.levels[level], around, index, boxes: boxes.map(named(graph.box_columns)) }));
  }

  /** All boxes, notes and wires when the frames of a set are open. */
  place(open) {
    this.open = open;
    return placed(this.#content(0), MARGIN);
  }

  /** How many boxes there are when the frames of a set are open. */
  count(open) {
    let found = 0;
    const stack = [0];
    while (stack.length) {
      for (const { frame } of this.frames[stack.pop()].boxes) {
        found += 1;
        if (frame !== null && open.has(frame)) stack.push(frame);
      }
    }
    return found;
  }

  #content(frame) {
    const { level, boxes } = this.frames[frame];
    const draw = (index) => this.#block(frame, index, level.parts[index], boxes[index]);
    if (level.way) return way(draw, level.way);
    return grid(level.rows.map((one) => (typeof one === "number" ? draw(one) : way(draw, one))), level.leaving);
  }

  #block(frame, index, part, box) {
    const open = box.frame !== null && this.open.has(box.frame);
    const block = open ? this.#frame(frame, index, part, box) : closed(frame, index, part, box);
    return box.note === null || (open && part.count === 1) ? block : this.#noted(block, box.note);
  }

  #frame(frame, index, part, box) {
    const content = this.#content(box.frame);
    const { level } = this.frames[box.frame];
    const ins = ports(Array.from({ length: level.ins }, (_, value) => value), content.ins);
    const outs = ports(level.outs, content.outs);
    const above = channel(ins, entries(content));
    const below = channel(content.outs, outs.map(([value, x]) => [value, x, false]));
    const wide = this.labels[box.title][1];
    let left = Math.max(content.left, above.left, below.left) + INNER + (part.loops ? BACK : 0);
    let right = Math.max(content.right, above.right, below.right) + INNER;
    if (ins.length) left = Math.max(left, wide + 2 * PAD - Math.min(...ins.map(([, x]) => x)));
    else right = Math.max(right, wide + 2 * PAD - left);
    const block = new Block(left, right, TITLE + above.height + content.height + below.height);
    block.marks.push({ frame, index, x: -left, y: 0, width: left + right, height: block.height, spine: left, open: true });
    for (const [, x] of ins) block.wire([[x, 0], [x, TITLE]]);
    let y = TITLE;
    for (const one of [above, content, below]) {
      block.add(0, y, one);
      y += one.height;
    }
    if (part.loops) block.wire([[9 - left, block.height - 8], [9 - left, TITLE + 4]], true, true);
    [block.left, block.right] = [left, right];
    block.ins = part.ins.slice(0, ins.length).map((value, i) => [value, ins[i][1]]);
    block.outs = part.outs.slice(0, outs.length).map((value, i) => [value, outs[i][1]]);
    return block;
  }

  /** A block with the shape of its result beside the line that leaves it below. */
  #noted(inner, note) {
    const block = new Block(0, 0, inner.height + NOTED);
    [block.box, block.ins, block.outs] = [inner.box, inner.ins, inner.outs];
    block.add(0, 0, inner);
    const right = Math.max(...inner.outs.map(([, x]) => x));
    for (const [, x] of inner.outs) block.wire([[x, inner.height], [x, block.height]]);
    block.marks.push({ note, x: right + 5, y: inner.height + 11 });
    block.right = Math.max(block.right, right + 5 + this.labels[note][1] + 2);
    return block;
  }
}

function closed(frame, index, part, box) {
  const block = new Block(part.half, part.half, LEADING * box.lines.length + 10);
  block.box = true;
  block.marks.push({ frame, index, x: -part.half, y: 0, width: 2 * part.half, height: block.height, spine: part.half, open: false });
  const spread = (values) => slots(values.map((_, i) => i + 1), part.half - 6).map((x, i) => [values[i], x]);
  [block.ins, block.outs] = [spread(part.ins), spread(part.outs)];
  return block;
}

/** Where values pass the edge of a frame: in the middle of where they go, but apart from one another. */
function ports(values, inside) {
  const at = new Map(values.map((value) => [value, []]));
  for (const [value, x] of inside) at.get(value)?.push(x);
  const wanted = new Map([...at].map(([value, xs]) => {
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    return [value, !xs.length || (low <= 0 && high >= 0) ? 0 : (low + high) / 2];
  }));
  const found = new Map();
  let last = -Infinity;
  for (const value of [...values].sort((a, b) => wanted.get(a) - wanted.get(b))) found.set(value, (last = Math.max(wanted.get(value), last + SLOT)));
  return values.map((value) => [value, found.get(value)]);
}

function way(draw, one) {
  if (Array.isArray(one)) return lanes(one);
  return one.b ? branches(draw, one.b) : series(draw, one);
}

function lanes(values) {
  const block = new Block(0, SLOT * Math.max(values.length - 1, 0), 0);
  block.ins = values.map((value, i) => [value, SLOT * i]);
  [block.outs, block.tips] = [[...block.ins], block.ins.map(() => false)];
  return block;
}

function series(draw, { s: ways, p: parts }) {
  const steps = ways.flatMap((one, i) => [...(Array.isArray(one) ? [] : [way(draw, one)]), ...(i < parts.length ? [draw(parts[i])] : [])]);
  const block = new Block();
  steps.forEach((step, i) => {
    if (i) {
      const between = channel(block.outs, met(block.outs, step));
      block.add(0, block.height, between);
      block.height += between.height;
    } else [block.ins, block.tips, block.box] = [step.ins, step.tips, step.box];
    block.add(0, block.height, step);
    block.height += step.height;
    block.outs = step.outs;
  });
  return block;
}

function branches(draw, all) {
  const bodies = all.filter((one) => !Array.isArray(one));
  const length = (one) => one.p?.length ?? 0;
  let centred = bodies.length;
  if (bodies.length === 2 && length(bodies[0]) !== length(bodies[1])) {
    bodies.sort((a, b) => length(b) - length(a));
    centred = 1;
  }
  const blocks = [...bodies, ...all.filter(Array.isArray)].map((one) => way(draw, one));
  const wide = blocks.slice(0, centred).reduce((sum, one) => sum + one.left + one.right, APART * (centred - 1));
  let x = centred > 1 ? -wide / 2 : -blocks[0].left;
  const block = new Block(0, 0, Math.max(...blocks.map((one) => one.height)));
  for (const one of blocks) {
    x += one.left;
    const at = x;
    block.add(at, 0, one);
    block.ins.push(...one.ins.map(([value, port]) => [value, port + at]));
    block.tips.push(...entries(one).map(([, , tip]) => tip));
    block.outs.push(...one.outs.map(([value, port]) => [value, port + at]));
    if (one.height < block.height) for (const [, port] of one.outs) block.wire([[at + port, one.height], [at + port, block.height]]);
    x += one.right + APART;
  }
  return block;
}

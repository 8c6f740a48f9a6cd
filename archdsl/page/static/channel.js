// The lines between two rows: each value that does not go straight down has a level stretch at a height of its own;
// archdsl/picture/channel.py says the same.

import { Block } from "./block.js";

const STRAIGHT = 20; // the height where all lines go straight down
const BEFORE = 9; // above the first level stretch,
const STEP = 7; // between two of them,
const AFTER = 13; // and below the last, where the tips are
export const SLOT = 11; // between two lines that meet one edge

/** The lines from the ports above, `[value, x]`, to those below, `[value, x, ends in a tip]`. */
export function channel(tops, bottoms) {
  const nets = new Map();
  const net = (value) => nets.get(value) ?? nets.set(value, { tops: [], bottoms: [], above: [], track: 0 }).get(value);
  for (const [value, x] of tops) net(value).tops.push(x);
  for (const [value, x, tip] of bottoms) net(value).bottoms.push([x, tip]);
  const found = [...nets.values()].filter((one) => one.tops.length && one.bottoms.length);
  for (const one of found) {
    const xs = [...one.tops, ...one.bottoms.map(([x]) => x)];
    [one.low, one.high] = [Math.min(...xs), Math.max(...xs)];
    one.bent = one.high - one.low > 0.01;
  }
  const count = tracks(found.filter((one) => one.bent), found);
  const block = new Block(0, 0, count ? BEFORE + STEP * (count - 1) + AFTER : STRAIGHT);
  for (const one of found) {
    draw(one, block);
    block.cover([one.low, one.high]);
  }
  return block;
}

/** Give the level stretches their heights, so that no two lie on one another; how many heights there are. */
function tracks(bent, nets) {
  const key = (x) => Math.round(x * 10);
  const tops = new Map(nets.flatMap((net) => net.tops.map((x) => [key(x), net])));
  for (const net of bent) net.above = net.bottoms.map(([x]) => tops.get(key(x))).filter((one) => one && one !== net && one.bent);
  const taken = [];
  const meets = (net, others) => others.some(([low, high]) => low < net.high + 4 && net.low < high + 4);
  for (const net of ordered(bent)) {
    net.track = net.above.reduce((most, one) => Math.max(most, one.track + 1), 0);
    while (net.track < taken.length && meets(net, taken[net.track])) net.track += 1;
    while (net.track >= taken.length) taken.push([]);
    taken[net.track].push([net.low, net.high]);
  }
  return taken.length;
}

/** Each behind those that have to be above it; where these go round in a circle, one is taken out of turn. */
function ordered(bent) {
  const found = new Set();
  const wide = (net) => net.high - net.low;
  for (const first of [...bent].sort((a, b) => wide(a) - wide(b) || a.low - b.low)) {
    const stack = [[first, 0]];
    const busy = new Set([first]);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const net = top[0];
      while (top[1] < net.above.length && (found.has(net.above[top[1]]) || busy.has(net.above[top[1]]))) top[1] += 1;
      const following = net.above[top[1]];
      top[1] += 1;
      if (following === undefined) {
        found.add(net);
        stack.pop();
      } else {
        busy.add(following);
        stack.push([following, 0]);
      }
    }
  }
  return found;
}

function draw(net, block) {
  if (!net.bent) {
    block.wire([[net.low, 0], [net.low, block.height]], net.bottoms.some(([, tip]) => tip));
    return;
  }
  const y = BEFORE + STEP * net.track;
  const [start, ...others] = net.tops;
  for (const [x, tip] of net.bottoms) {
    const bend = Math.abs(x - start) > 0.01 ? [[start, y], [x, y]] : [];
    block.wire([[start, 0], ...bend, [x, block.height]], tip);
  }
  for (const x of others) block.wire([[x, 0], [x, y], [start, y]]);
}

/** Where lines end at the upper edge of a block, and whether in a tip: each does, where nothing is said. */
export function entries(block) {
  return block.ins.map(([value, x], number) => [value, x, block.tips[number] ?? true]);
}

/** Where lines from above meet a block: a box takes them in their order, what comes straight down in the middle. */
export function met(tops, block) {
  if (!block.box) return entries(block);
  const at = new Map();
  for (const [value, x] of tops) if (!at.has(value)) at.set(value, x);
  const known = block.ins.map(([value], number) => [at.get(value) ?? 0, number, value]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const places = slots(known.map(([x]) => x), Math.min(block.left, block.right) - 6);
  return known.map(([, , value], number) => [value, places[number], true]);
}

/** Places between `-half` and `half` for lines from `xs`, which are in order; one from 0 stays there. */
export function slots(xs, half) {
  const middle = xs.findIndex((x) => Math.abs(x) < 0.01);
  const centre = middle < 0 ? (xs.length - 1) / 2 : middle;
  const most = Math.max(centre, xs.length - 1 - centre);
  const step = most ? Math.min(SLOT, half / most) : SLOT;
  return xs.map((_, number) => (number - centre) * step);
}

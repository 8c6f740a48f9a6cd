// A piece of the picture around a spine at x = 0, from y = 0 to its height; archdsl/picture/marks.py says the same.

export class Block {
  constructor(left = 0, right = 0, height = 0) {
    Object.assign(this, { left, right, height, ins: [], outs: [], box: false, tips: [], marks: [], children: [] });
  }

  /** Put another block inside. */
  add(x, y, other) {
    this.children.push([x, y, other]);
    this.left = Math.max(this.left, other.left - x);
    this.right = Math.max(this.right, other.right + x);
  }

  /** Be wide enough for lines at some places. */
  cover(xs) {
    for (const x of xs) {
      this.left = Math.max(this.left, -x);
      this.right = Math.max(this.right, x);
    }
  }

  /** A line through points, level and upright by turns. */
  wire(points, arrow = false, back = false) {
    this.marks.push({ wire: points, arrow, back });
  }
}

/** The picture: its size, and all marks in the order in which they are drawn. */
export function placed(block, margin) {
  const found = { width: block.left + block.right + 2 * margin, height: block.height + 2 * margin, boxes: [], notes: [], wires: [] };
  const stack = [[block.left + margin, margin, block]];
  while (stack.length) {
    const [x, y, one] = stack.pop();
    for (const mark of one.marks) {
      if (mark.wire) found.wires.push({ ...mark, wire: mark.wire.map(([px, py]) => [px + x, py + y]) });
      else (mark.note === undefined ? found.boxes : found.notes).push({ ...mark, x: mark.x + x, y: mark.y + y });
    }
    for (let i = one.children.length - 1; i >= 0; i -= 1) {
      const [dx, dy, child] = one.children[i];
      stack.push([x + dx, y + dy, child]);
    }
  }
  return found;
}

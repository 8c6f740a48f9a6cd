// Which blocks are open: one by one, a level more or less, and as many as are needed to see a layer.

export class Folding {
  constructor(layout, open) {
    this.layout = layout;
    this.open = new Set(open);
  }

  /** Open a block, and the repeats of one box that are in it: these have nothing else to show. */
  unfold(frame) {
    this.open.add(frame);
    for (const box of this.layout.frames[frame].boxes) if (box.frame !== null && this.single(box.frame)) this.unfold(box.frame);
  }

  single(frame) {
    return this.layout.frames[frame].boxes.length === 1;
  }

  toggle(frame) {
    if (!this.open.delete(frame)) this.unfold(frame);
  }

  /** The frames around one, the innermost first; the network itself, which is always open, is not among them. */
  around(frame) {
    const found = [];
    for (let at = frame; at !== 0; at = this.layout.frames[at].around) found.push(at);
    return found;
  }

  /** Open what is around a box; whether anything was closed. */
  uncover(frame) {
    const closed = this.around(frame).filter((one) => !this.open.has(one));
    for (const one of closed) this.unfold(one);
    return closed.length > 0;
  }

  /** The box `[frame, index]` that is drawn for a box: its own, or that of the outermost block around it that is closed. */
  drawn([frame, index]) {
    let found = [frame, index];
    for (const one of this.around(frame)) if (!this.open.has(one)) found = [this.layout.frames[one].around, this.layout.frames[one].index];
    return found;
  }

  /** The frames that can be seen, as `[frame, level, open]`. */
  visible() {
    const found = [];
    const stack = [[0, 0]];
    while (stack.length) {
      const [at, level] = stack.pop();
      for (const { frame } of this.layout.frames[at].boxes) {
        if (frame === null) continue;
        const open = this.open.has(frame);
        const single = this.single(frame);
        if (!single) found.push([frame, level, open]);
        if (open) stack.push([frame, level + (single ? 0 : 1)]);
      }
    }
    return found;
  }

  /** One level more of what can be seen, as long as there are not more than `most` boxes then; whether it was done. */
  deeper(most) {
    const before = new Set(this.open);
    for (const [frame, , open] of this.visible()) if (!open) this.unfold(frame);
    if (this.layout.count(this.open) <= most) return this.open.size > before.size;
    this.open = before;
    return false;
  }

  /** One level less. */
  shallower() {
    const open = this.visible().filter(([, , one]) => one);
    const deepest = open.reduce((most, [, level]) => Math.max(most, level), 0);
    for (const [frame, level] of open) if (level === deepest) this.open.delete(frame);
    return open.length > 0;
  }
}

// The shapes of the graph: boxes, frames and the lines between them.

import { s } from "./dom.js";
import { TITLE } from "./layout.js";

const RADIUS = 4; // of the corners of lines

/** A box or frame; `lines` are its texts, `open` whether what is inside is drawn. */
export function node(mark, { role, lines, title, name, framed, active }) {
  const { width, height, open } = mark;
  const corner = open ? 6 : role === "end" ? height / 2 : 3;
  const shape = s("rect", { width, height, rx: corner });
  const kind = `node ${role}${open ? " open" : framed ? " closed" : ""}`;
  const told = active ? { role: "button", tabindex: -1, "aria-label": name, "aria-expanded": framed ? String(open) : null } : {};
  const inside = open
    ? [s("rect", { class: "strip", width, height: TITLE, rx: 6 }), s("path", { class: "mark", d: "M5 8l4 5 4-5z" }), s("text", { class: "frame", x: 16, y: 14, "font-size": 10 }, title)]
    : [framed && s("rect", { class: "inner", x: 2.5, y: 2.5, width: width - 5, height: height - 5, rx: 2 }), ...lines.flatMap((line, i) => [i ? ", " : "", s("text", { class: i ? "note" : "title", x: width / 2, y: 16 + 14 * i, "font-size": i ? 10 : 12 }, line)])];
  return s("g", { class: kind, transform: `translate(${mark.x} ${mark.y})`, ...told }, shape, ...inside);
}

/** The tip of lines. */
export function tip() {
  return s("defs", null, s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0 .8 7.5 4 0 7.2z" })));
}

/** A line with rounded corners. */
export function wire({ wire: at, arrow, back }) {
  let path = `M${at[0].join(" ")}`;
  for (let i = 1; i + 1 < at.length; i += 1) {
    const [first, then] = [toward(at[i], at[i - 1]), toward(at[i], at[i + 1])];
    path += `L${first.join(" ")}Q${at[i].join(" ")} ${then.join(" ")}`;
  }
  path += `L${at[at.length - 1].join(" ")}`;
  return s("path", { d: path, class: back ? "back" : null, "marker-end": arrow ? "url(#tip)" : null });
}

function toward(start, end) {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const far = Math.abs(dx) + Math.abs(dy);
  const share = far ? Math.min(RADIUS, far / 2) / far : 0;
  return [start[0] + dx * share, start[1] + dy * share];
}

// The graph: one picture at a time. A closed block is entered by a click; a box shows its layer, a layer its box.

import { h, hideTip, part, s, showTip } from "./dom.js";
import { number } from "./format.js";
import { formulaText } from "./layer.js";
import { filtered } from "./rows.js";

const RADIUS = 4;
const CLOSEST = 4; // times the size in which a picture is placed

export class GraphView {
  constructor(state) {
    this.state = state;
    this.data = state.model.data.graph;
    this.image = part("graph");
    this.trail = part("trail");
    this.#moves();
    part("closer").addEventListener("click", () => this.#zoom(1.3));
    part("farther").addEventListener("click", () => this.#zoom(1 / 1.3));
    part("whole").addEventListener("click", () => this.#fit());
    part("search").addEventListener("input", () => this.#search());
    state.on("selected", (from) => this.#selected(from));
    this.open(0);
  }

  /** Show a picture. */
  open(index) {
    const [drawing, title, , boxes, texts] = this.data.pictures[index];
    const shown = this.data.drawings[drawing];
    this.index = index;
    this.size = shown.size;
    this.elements = shown.boxes.map((box, i) => this.#box(box, boxes[i]));
    this.image.setAttribute("aria-label", `${title}: a picture of ${number(boxes.length)} boxes; the table has all layers`);
    this.layer = s("g", null,
      ...this.elements.filter((one, i) => shown.boxes[i][5]), s("g", { class: "wires" }, ...shown.wires.map(wire)), ...this.elements.filter((one, i) => !shown.boxes[i][5]),
      ...shown.texts.map(([x, y, size, style], i) => s("text", { x, y, "font-size": size, class: style }, this.data.words[texts[i]])));
    this.image.replaceChildren(s("defs", null, s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0 .8 7.5 4 0 7.2z" }))), this.layer);
    this.#path();
    this.#fit();
    this.#search();
    this.#mark();
  }

  #box([x, y, width, height, role, open], [row, count, inside, key]) {
    const { rows } = this.state.model;
    const shape = s("rect", { x, y, width, height, rx: open ? 6 : role === "end" ? height / 2 : 3 });
    const second = inside === null ? null : s("rect", { class: "inner", x: x + 2.5, y: y + 2.5, width: width - 5, height: height - 5, rx: 2 });
    const element = s("g", { class: `node ${role}${open ? " open" : ""}${inside === null ? "" : " closed"}` }, shape, second);
    if (open || (row === null && inside === null)) return element;
    const name = key ?? rows[row].path;
    const told = () => [name, count > 1 ? `${number(count)} operators${inside === null ? "" : ": a click shows what is inside"}` : rows[row].text, inside === null ? formulaText(rows[row], this.state.figures) : ""];
    element.addEventListener("pointermove", (event) => showTip(event, told()));
    element.addEventListener("pointerleave", hideTip);
    element.addEventListener("click", () => {
      if (this.dragged) return;
      hideTip();
      if (inside === null) this.state.select(row, "graph");
      else this.open(inside);
    });
    return element;
  }

  /** The pictures around this one, as buttons that lead there. */
  #path() {
    const steps = [];
    for (let at = this.index; at !== null; at = this.data.pictures[at][2]) steps.unshift(at);
    this.trail.replaceChildren(...steps.map((at) => h("li", null, at === this.index ? h("span", { "aria-current": "page" }, this.data.pictures[at][1]) : h("button", { type: "button", class: "link", onclick: () => this.open(at) }, this.data.pictures[at][1]))));
  }

  #selected(from) {
    const { selected } = this.state;
    const place = selected === null ? null : this.data.places[selected];
    if (place && from !== "graph" && place[0] !== this.index) this.open(place[0]);
    this.#mark();
    if (place && from !== "graph") this.#center(this.elements[place[1]]);
  }

  #mark() {
    this.image.querySelector(".selected")?.classList.remove("selected");
    const { selected } = this.state;
    const place = selected === null ? null : this.data.places[selected];
    if (place && place[0] === this.index) this.elements[place[1]].classList.add("selected");
  }

  /** Boxes that hold a layer that is searched for. */
  #search() {
    const text = part("search").value.trim();
    const found = text ? new Set(filtered(this.state.model.rows, text).map((row) => this.#boxOf(row))) : new Set();
    this.elements.forEach((element, i) => element.classList.toggle("found", found.has(i)));
  }

  /** The box of this picture in which a row is, however deep. */
  #boxOf(row) {
    let [picture, box] = this.data.places[row] ?? [null, null];
    while (picture !== null && picture !== this.index) {
      const around = this.data.pictures[picture][2];
      box = around === null ? null : this.data.pictures[around][3].findIndex((one) => one[2] === picture);
      picture = around;
    }
    return box;
  }

  /** As much as fits, but no smaller than can be read: then it begins at the top. */
  #fit() {
    const box = this.image.getBoundingClientRect();
    const [width, height] = this.size;
    const scale = Math.min(1.5, Math.max(Math.min(box.width / width, box.height / height), Math.min(0.7, box.width / width)));
    this.view = { x: width / 2 - box.width / scale / 2, y: height * scale <= box.height ? height / 2 - box.height / scale / 2 : 0, scale };
    this.#show();
  }

  #center(element) {
    const box = element.querySelector("rect");
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
    const window = this.image.getBoundingClientRect();
    this.view.x = x + width / 2 - window.width / this.view.scale / 2;
    this.view.y = y + height / 2 - window.height / this.view.scale / 2;
    this.#show();
  }

  #show() {
    const { x, y, scale } = this.view;
    this.layer.setAttribute("transform", `scale(${scale}) translate(${-x} ${-y})`);
  }

  #zoom(factor, at = null) {
    const box = this.image.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const scale = Math.min(CLOSEST, Math.max(0.05, this.view.scale * factor));
    this.view.x += px / this.view.scale - px / scale;
    this.view.y += py / this.view.scale - py / scale;
    this.view.scale = scale;
    this.#show();
  }

  #moves() {
    let from = null;
    this.image.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, view: { ...this.view } };
      this.dragged = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      this.dragged ||= Math.abs(dx) + Math.abs(dy) > RADIUS;
      if (!this.dragged) return;
      this.view.x = from.view.x - dx / this.view.scale;
      this.view.y = from.view.y - dy / this.view.scale;
      this.#show();
    });
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => (from = null));
    this.image.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.image) return undefined; // the page scrolls
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) return this.#zoom(Math.exp(-event.deltaY / 200), event);
      this.view.x += event.deltaX / this.view.scale;
      this.view.y += event.deltaY / this.view.scale;
      return this.#show();
    }, { passive: false });
    this.image.addEventListener("keydown", (event) => {
      const step = 60 / this.view.scale;
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (move) {
        this.view.x += move[0];
        this.view.y += move[1];
        this.#show();
      } else if (event.key === "+") this.#zoom(1.3);
      else if (event.key === "-") this.#zoom(1 / 1.3);
      else if (event.key === "Backspace" && this.data.pictures[this.index][2] !== null) this.open(this.data.pictures[this.index][2]);
      else return;
      event.preventDefault();
    });
  }
}

/** A line with rounded corners. */
function wire([points, arrow, back]) {
  const at = [];
  for (let i = 0; i < points.length; i += 2) at.push([points[i], points[i + 1]]);
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

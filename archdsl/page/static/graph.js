// The graph: blocks open and close where they stand; a box shows its layer, and a layer its box.

import { h, hideTip, part, s, showTip } from "./dom.js";
import { Folding } from "./folding.js";
import { bytes, number, share, short } from "./format.js";
import { formulaText } from "./layer.js";
import { Layout } from "./layout.js";
import { Pane } from "./pane.js";
import { filtered } from "./rows.js";
import { node, tip, wire } from "./shapes.js";

const MOST = 4000; // boxes that are drawn at once

export class GraphView {
  constructor(state) {
    this.state = state;
    this.data = state.model.data.graph;
    this.layout = new Layout(this.data);
    this.folding = new Folding(this.layout, this.data.open);
    this.rowsOf = this.#rowsOf();
    this.outer = part("graph");
    this.layer = s("g");
    const image = s("svg", { "aria-hidden": null }, tip(), this.layer);
    this.outer.replaceChildren(image, h("div", { class: "hint", "aria-hidden": "true" }, "Ctrl and the wheel: zoom"));
    this.pane = new Pane(this.outer, image, this.layer);
    this.current = null; // the box that the keyboard is at: `frame:index`
    this.#buttons();
    this.#pointed();
    this.outer.addEventListener("keydown", (event) => this.#key(event));
    part("search").addEventListener("input", () => this.#search());
    part("shade").addEventListener("change", () => this.#shade());
    state.on("selected", (from) => this.#selected(from));
    state.on("sizes", () => this.#figures());
    this.draw();
    this.pane.fit();
  }

  /** The rows in each frame, those of inner frames included. */
  #rowsOf() {
    const found = this.layout.frames.map(() => []);
    const loops = new Map(this.layout.frames.flatMap(({ boxes }) => boxes.filter((box) => box.frame !== null).map((box) => [box.path, box.frame])));
    this.data.places.forEach((place, row) => {
      const frame = place ? place[0] : loops.get(this.state.model.rows[row].path);
      for (const one of frame === undefined ? [] : this.folding.around(frame)) found[one].push(row);
      found[0].push(row);
    });
    return found;
  }

  /** Draw what is open. */
  draw() {
    const { words, labels } = this.data;
    const picture = this.layout.place(this.folding.open);
    this.marks = picture.boxes;
    this.nodes = this.marks.map((mark) => this.#node(mark, words, labels));
    this.at = new Map(this.marks.map(({ frame, index }, i) => [`${frame}:${index}`, i]));
    const notes = picture.notes.map(({ note, x, y }) => s("text", { x, y, "font-size": 10, class: "shape" }, labels[note][0]));
    this.layer.replaceChildren(...this.nodes, s("g", { class: "wires" }, ...picture.wires.map(wire)), ...notes);
    this.pane.size = [picture.width, picture.height];
    const closed = this.folding.visible().filter(([, , open]) => !open).length;
    part("graph-told").textContent = `${number(this.marks.length)} boxes${closed ? `, ${number(closed)} closed ${closed === 1 ? "block" : "blocks"}` : ""}`;
    part("deeper").disabled = !closed;
    part("shallower").disabled = !this.folding.visible().some(([, , open]) => open);
    this.#rove(this.at.has(this.current) ? this.current : null);
    this.#figures();
    this.#search();
    this.#mark();
  }

  #box({ frame, index }) {
    return this.layout.frames[frame].boxes[index];
  }

  #node(mark, words, labels) {
    const box = this.#box(mark);
    const framed = box.frame !== null;
    const lines = box.lines.map((line) => words[line]);
    const title = framed ? labels[box.title][0] : "";
    const name = [box.path ?? (box.row === null ? "" : this.state.model.rows[box.row].path), ...(mark.open ? [title] : lines)].join(", ");
    const element = node(mark, { role: this.layout.frames[mark.frame].level.parts[mark.index].role, lines, title, name, framed, active: framed || box.row !== null });
    element.dataset.box = `${mark.frame}:${mark.index}`;
    return element;
  }

  /** Open or close a block: what is around it makes room, and it stays where it is on the screen. */
  toggle(key) {
    const before = this.marks[this.at.get(key)];
    const { frame } = this.#box(before);
    this.folding.toggle(frame);
    this.current = key;
    this.#redraw(key, before);
    this.state.show(new Set(this.rowsOf[frame]));
  }

  #redraw(key, before) {
    const focused = this.outer.contains(document.activeElement) && document.activeElement !== this.outer;
    this.draw();
    const after = this.marks[this.at.get(key)];
    const { scale } = this.pane.view;
    this.pane.pan((before.x + before.spine - after.x - after.spine) * scale, (before.y - after.y) * scale);
    if (focused) this.#focus(key);
  }

  #buttons() {
    const levels = (change) => () => {
      const done = change();
      if (done) this.draw();
      if (done) this.pane.fit();
      else part("graph-told").textContent = `more than ${number(MOST)} boxes: open blocks one by one`;
    };
    part("deeper").addEventListener("click", levels(() => this.folding.deeper(MOST)));
    part("shallower").addEventListener("click", levels(() => this.folding.shallower()));
    part("closer").addEventListener("click", () => this.pane.zoom(1.3));
    part("farther").addEventListener("click", () => this.pane.zoom(1 / 1.3));
    part("whole").addEventListener("click", () => this.pane.whole());
  }

  #pointed() {
    const under = (event) => event.target.closest?.("[data-box]")?.dataset.box;
    this.outer.addEventListener("pointermove", (event) => {
      const key = this.pane.dragged && event.buttons ? undefined : under(event);
      const mark = key === undefined ? undefined : this.marks[this.at.get(key)];
      if (mark === undefined || (mark.open && !event.target.closest(".strip"))) hideTip();
      else showTip(event, this.#told(this.#box(mark), mark.open));
    });
    this.outer.addEventListener("pointerleave", hideTip);
    this.outer.addEventListener("click", (event) => {
      const key = under(event);
      if (this.pane.dragged || key === undefined) return;
      if (this.marks[this.at.get(key)].open && !event.target.closest(".strip, .frame, .mark")) return;
      hideTip();
      this.#activate(key);
    });
  }

  #activate(key) {
    const { frame, row } = this.#box(this.marks[this.at.get(key)]);
    this.#rove(key);
    if (frame !== null) this.toggle(key);
    else if (row !== null) this.state.select(row, "graph");
  }

  /** What a tip says of a box. */
  #told(box, open) {
    const { model, figures } = this.state;
    if (box.frame === null) return box.row === null ? [] : [model.rows[box.row].path, box.operators > 1 ? `${number(box.operators)} operators` : model.rows[box.row].text, formulaText(model.rows[box.row], figures)];
    const rows = this.rowsOf[box.frame];
    const part = (name, say) => {
      const { total } = figures.sum(rows, name);
      return `${say(total)} (${share(total, figures.sum(model.rows.keys(), name).total)})`;
    };
    return [box.path, `${number(box.operators)} operators: a click ${open ? "closes" : "opens"} it`, `Parameters ${part("params", short)}, MACs ${part("macs", short)}, activations ${part("activations", bytes)}`];
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const key = event.target.dataset?.box;
    if ((key === undefined || event.key === "+" || event.key === "-" ? this.pane.key(event.key) : this.#walk(key, event.key))) event.preventDefault();
  }

  /** Keys at a box: up and down to the next one, right opens, left closes or goes to the block around. */
  #walk(key, pressed) {
    const active = this.marks.filter((mark) => this.#box(mark).frame !== null || this.#box(mark).row !== null).map((mark) => `${mark.frame}:${mark.index}`);
    const at = active.indexOf(key);
    const mark = this.marks[this.at.get(key)];
    const closed = this.#box(mark).frame !== null && !mark.open;
    const { around, index } = this.layout.frames[mark.frame];
    if (pressed === "Enter" || pressed === " " || (pressed === "ArrowRight" && closed) || (pressed === "ArrowLeft" && mark.open)) this.#activate(key);
    else if (pressed === "ArrowLeft") this.#focus(around === null ? key : `${around}:${index}`);
    else {
      const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, Home: 0, End: active.length - 1 }[pressed];
      if (to === undefined) return false;
      if (active[to] !== undefined) this.#focus(active[to]);
    }
    return true;
  }

  #focus(key) {
    this.#rove(key);
    const place = this.at.get(key);
    this.nodes[place].focus({ preventScroll: true });
    this.pane.reveal(this.marks[place]);
  }

  /** The one box that Tab goes to. */
  #rove(key) {
    if (this.current !== null && this.at.has(this.current)) this.nodes[this.at.get(this.current)].setAttribute("tabindex", "-1");
    this.current = key ?? this.nodes.find((one) => one.hasAttribute("tabindex"))?.dataset.box ?? null;
    if (this.current !== null) this.nodes[this.at.get(this.current)].setAttribute("tabindex", "0");
  }

  #selected(from) {
    const { selected } = this.state;
    const place = selected === null ? null : this.data.places[selected];
    if (place && this.folding.uncover(place[0])) this.draw();
    this.#mark();
    if (place && from !== "graph") this.pane.center(this.marks[this.at.get(place.join(":"))]);
  }

  #mark() {
    for (const one of this.layer.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
    const place = this.state.selected === null ? null : this.data.places[this.state.selected];
    const at = place ? this.at.get(place.join(":")) : undefined;
    if (at !== undefined) this.nodes[at].setAttribute("aria-current", "true");
  }

  /** Boxes that hold a layer that is searched for. */
  #search() {
    const text = part("search").value.trim();
    const rows = text ? filtered(this.state.model.rows, text) : [];
    const found = new Set(rows.map((row) => this.data.places[row]).filter(Boolean).map((place) => this.folding.drawn(place).join(":")));
    for (const one of this.nodes) one.classList.toggle("found", found.has(one.dataset.box));
  }

  /** What depends on figures: the box that holds the peak of memory, and the shades. */
  #figures() {
    const { figures } = this.state;
    const place = figures.peak === null ? null : this.data.places[figures.peak];
    const key = place ? this.folding.drawn(place).join(":") : "";
    for (const one of this.nodes) one.classList.toggle("peak", one.dataset.box === key);
    this.#shade();
  }

  /** Colour boxes by their part of a figure. */
  #shade() {
    const name = part("shade").value;
    const { figures } = this.state;
    const closed = this.marks.filter((mark) => !mark.open);
    const rows = (mark) => this.#rowsAt(mark);
    const parts = name ? closed.map((mark) => Number(figures.sum(rows(mark), name).total)) : [];
    const most = parts.reduce((a, b) => Math.max(a, b), 0);
    closed.forEach((mark, i) => {
      const shape = this.nodes[this.at.get(`${mark.frame}:${mark.index}`)].firstChild;
      shape.style.fill = name ? `color-mix(in oklab, var(--heat) ${most ? (85 * parts[i]) / most : 0}%, var(--surface))` : "";
    });
  }

  /** The rows of a box. */
  #rowsAt(mark) {
    const { frame } = this.#box(mark);
    if (frame !== null) return this.rowsOf[frame];
    this.leaves ??= Map.groupBy(this.data.places.keys(), (row) => String(this.data.places[row]?.join(":")));
    return this.leaves.get(`${mark.frame}:${mark.index}`) ?? [];
  }

  /** The paths of the blocks that are open, for a page that comes after this one. */
  get paths() {
    return this.layout.frames.flatMap(({ boxes }) => boxes.filter((box) => box.frame !== null && this.folding.open.has(box.frame)).map((box) => box.path));
  }

  set paths(paths) {
    const open = new Set(paths);
    const frames = this.layout.frames.flatMap(({ boxes }) => boxes.filter((box) => open.has(box.path)).map((box) => box.frame));
    this.folding.open = new Set([0, ...frames]);
    this.draw();
  }
}

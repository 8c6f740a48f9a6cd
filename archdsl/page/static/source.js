// The texts, with the lines that made layers: a line shows its layers, a layer shows its lines.

import { h, part } from "./dom.js";
import { number, short } from "./format.js";
import { scrollWithin } from "./table.js";

const WORDS = new Set(("arch use block network input output let expect budget variant for in if then else seq residual parallel concat sum scan repeat param weights frozen").split(" "));
const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*")|(\b\d[\w.]*)|(\b[A-Za-z_]\w*)/g;

export class SourceText {
  constructor(state) {
    this.state = state;
    this.shown = null;
    this.lines = [];
    const { sources } = state.model.data;
    if (!sources.length) return;
    const choice = part("sources");
    choice.replaceChildren(...sources.map((source, i) => h("option", { value: i }, source.name)));
    choice.addEventListener("change", () => this.#open(Number(choice.value)));
    state.on("selected", (from) => this.#mark(from));
    state.on("spot", () => this.#mark("spot"));
    state.on("sizes", () => this.#open(this.shown));
    this.#open(0);
  }

  #open(number) {
    this.shown = number;
    part("sources").value = String(number);
    const { text } = this.state.model.data.sources[number];
    this.lines = text === null ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/).map((line, i) => this.#line(line, i + 1));
    part("text").replaceChildren(...(text === null ? [h("li", { class: "muted" }, "This text is too long to be carried along.")] : this.lines));
    this.#mark("");
  }

  #line(text, line) {
    const { model, figures } = this.state;
    const spot = `${this.shown}:${line}`;
    const rows = model.rowsOf.get(spot);
    const code = h("code", null, ...coloured(text));
    if (!rows) return h("li", { "data-line": line }, h("span", { class: "nr" }, line), code);
    const macs = figures.sum(rows, "macs").total;
    const told = `${number(rows.length)} ${rows.length === 1 ? "layer" : "layers"}${macs ? `, ${short(macs)} MACs` : ""}`;
    const click = () => {
      const again = this.state.spot === spot;
      this.state.look(again ? null : spot);
      if (!again) this.state.select(rows[0], "source");
    };
    return h("li", { "data-line": line, class: "makes" }, h("span", { class: "nr" }, line), h("button", { type: "button", onclick: click, title: told }, code, h("span", { class: "told" }, told)));
  }

  #mark(from) {
    const { model, selected, spot } = this.state;
    const row = selected === null ? null : model.rows[selected];
    const spots = row === null ? new Set() : model.linesOf(row);
    if (from && from !== "source" && from !== "spot" && row !== null && row.line !== null && ![...spots].some((one) => one.startsWith(`${this.shown}:`))) {
      return this.#open(row.line[0]);
    }
    const own = row === null ? "" : [row.made_at, row.line].filter(Boolean).map(([source, line]) => `${source}:${line}`).find((one) => one.startsWith(`${this.shown}:`));
    let first = null;
    for (const element of this.lines) {
      const here = `${this.shown}:${element.dataset.line}`;
      element.classList.toggle("made", spots.has(here));
      element.classList.toggle("own", own === here);
      element.classList.toggle("looked", spot === here);
      if (own === here || (first === null && spots.has(here))) first = element;
    }
    if (first && from !== "source") scrollWithin(part("text"), first);
    this.#chain(row);
    return undefined;
  }

  /** The applications that led to the layer, outermost first: each a place that can be gone to. */
  #chain(row) {
    const { model } = this.state;
    if (row === null) return part("chain").replaceChildren();
    const steps = [...model.framesOf(row)].reverse().map(([name, args, where]) => [args ? `${name}(${args})` : name, where]);
    steps.push([row.text, row.made_at]);
    return part("chain").replaceChildren(
      ...steps.map(([text, where], number) => {
        const place = where ? `${model.data.sources[where[0]].name.split("/").pop()}:${where[1]}` : "";
        const go = () => { if (where) { this.#open(where[0]); this.#goto(where[1]); } };
        return h("li", { class: number === steps.length - 1 ? "own" : null }, h("span", { class: "code" }, text), where && h("button", { type: "button", class: "link", onclick: go }, place));
      }),
    );
  }

  #goto(line) {
    const element = this.lines[line - 1];
    if (element) scrollWithin(part("text"), element);
  }
}

/** A line of a spec with its comments, texts, numbers and words set apart. */
function coloured(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const kind = match[1] ? "comment" : match[2] ? "string" : match[3] ? "number" : WORDS.has(match[4]) ? "word" : "";
    if (!kind) continue;
    found.push(text.slice(at, match.index), h("span", { class: kind }, match[0]));
    at = match.index + match[0].length;
  }
  found.push(text.slice(at));
  return found;
}

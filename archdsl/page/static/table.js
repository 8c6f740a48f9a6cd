// The table of layers: sorted, filtered, with the columns that are wanted; the page's text for screen readers, too.

import { h, part } from "./dom.js";
import { largest, number, share } from "./format.js";
import { COLUMNS, commaSeparated, filtered, sorted } from "./rows.js";
import { sortingHead } from "./sorting.js";

const STEP = 400; // rows that are made at once

export class Table {
  constructor(state) {
    this.state = state;
    this.columns = COLUMNS.filter((column) => column.shown);
    this.order = { column: COLUMNS[0], down: false };
    this.limit = STEP;
    this.elements = new Map();
    this.search = part("search");
    this.search.addEventListener("input", () => this.#again());
    part("csv").addEventListener("click", () => this.#download());
    this.#choices();
    state.on("sizes", () => this.draw());
    state.on("spot", () => this.#again());
    state.on("selected", (from) => this.#mark(from));
    state.on("shown", () => this.#inside(true));
    this.body = part("rows");
    this.body.addEventListener("click", (event) => this.#clicked(event));
    this.body.addEventListener("keydown", (event) => this.#moved(event));
    this.draw();
  }

  get indexes() {
    const { model, figures, spot } = this.state;
    const among = spot === null ? null : new Set(model.rowsOf.get(spot));
    return sorted(model.rows, filtered(model.rows, this.search.value, among), figures, this.order.column, this.order.down);
  }

  #again() {
    this.limit = STEP;
    this.draw();
  }

  draw() {
    const { model, figures } = this.state;
    const indexes = (this.visible = this.indexes);
    part("heads").replaceChildren(...this.columns.map((column) => this.#head(column)));
    const most = Object.fromEntries(
      this.columns.filter((c) => c.summed).map((c) => [c.key, largest(figures.rows.map((row) => Number(row[c.key] ?? 0n)), 1)]),
    );
    this.elements.clear();
    this.body.replaceChildren(...indexes.slice(0, this.limit).map((index) => this.#row(model.rows[index], figures, most)));
    part("sums").replaceChildren(...this.columns.map((column) => this.#sum(column, indexes)));
    const left = indexes.length - this.limit;
    const more = part("more");
    more.replaceChildren(...(left > 0 ? [h("button", { type: "button", onclick: () => this.#extend() }, `Show ${number(Math.min(STEP, left))} of ${number(left)} more rows`)] : []));
    const whole = indexes.length === model.rows.length;
    part("count").textContent = whole ? `${number(indexes.length)} layers` : `${number(indexes.length)} of ${number(model.rows.length)} layers`;
    this.#chip();
    this.#mark("table");
    this.#inside(false);
  }

  /** Mark the rows of the block that was opened or closed last. */
  #inside(scroll) {
    const { shown } = this.state;
    for (const [row, element] of this.elements) element.classList.toggle("inside", shown.has(row));
    const first = this.body.querySelector(".inside");
    if (scroll && first) scrollWithin(part("scroll"), first);
  }

  #extend() {
    this.limit += STEP;
    this.draw();
  }

  #head(column) {
    const choose = ({ down }) => {
      this.order = { column, down };
      this.draw();
    };
    return sortingHead(column, { key: this.order.column.key, down: this.order.down }, choose);
  }

  #row(row, figures, most) {
    const cells = this.columns.map((column) => {
      if (column.kind === "path") return h("th", { scope: "row", class: "path", title: row.path }, row.path);
      const cell = h("td", { class: column.kind }, column.text(row, figures));
      if (column.summed) {
        const value = Number(figures.rows[row.index][column.key] ?? 0n);
        if (!value) cell.classList.add("zero");
        cell.style.setProperty("--share", `${(100 * value) / most[column.key]}%`);
      }
      return cell;
    });
    const element = h("tr", { "data-row": row.index, tabindex: -1 }, ...cells);
    this.elements.set(row.index, element);
    return element;
  }

  #sum(column, indexes) {
    if (column.kind === "path") return h("th", { scope: "row", class: "path" }, "Total");
    if (!column.summed) return h("td", { class: column.kind });
    const { total, partial } = this.state.figures.sum(indexes, column.key);
    const whole = this.state.figures.sum(this.state.model.rows.keys(), column.key).total;
    const text = column.text({ index: 0 }, { rows: [{ [column.key]: total }] });
    const part = indexes.length < this.state.model.rows.length ? ` ${share(total, whole)}` : "";
    return h("td", { class: "figure" }, (partial ? "≥ " : "") + text, part && h("small", null, part));
  }

  #chip() {
    const { spot, model } = this.state;
    const place = part("chip");
    if (spot === null) return place.replaceChildren();
    const [source, line] = spot.split(":");
    const name = model.data.sources[source].name;
    place.replaceChildren(h("button", { type: "button", onclick: () => this.state.look(null) }, `line ${line} of ${name}`, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "hidden" }, ": show all layers")));
  }

  #choices() {
    part("columns").replaceChildren(
      ...COLUMNS.slice(1).map((column) => {
        const change = (event) => {
          this.columns = COLUMNS.filter((one) => (one === column ? event.target.checked : this.columns.includes(one)));
          this.draw();
        };
        return h("label", null, h("input", { type: "checkbox", checked: column.shown, onchange: change }), column.title);
      }),
    );
  }

  #clicked(event) {
    const element = event.target.closest("tr");
    if (element) this.state.select(Number(element.dataset.row), "table");
  }

  #moved(event) {
    const element = event.target.closest("tr");
    const to = { ArrowDown: element.nextElementSibling, ArrowUp: element.previousElementSibling, Home: this.body.firstElementChild, End: this.body.lastElementChild }[event.key];
    if (!to) return;
    event.preventDefault();
    to.focus();
    this.state.select(Number(to.dataset.row), "table");
  }

  #mark(from) {
    const { selected } = this.state;
    this.body.querySelector("[aria-current]")?.removeAttribute("aria-current");
    for (const element of this.body.querySelectorAll('[tabindex="0"]')) element.tabIndex = -1;
    if (selected !== null && from !== "table" && !this.elements.has(selected)) this.#reveal(selected);
    const element = this.elements.get(selected) ?? this.body.firstElementChild;
    if (element) element.tabIndex = 0;
    if (!this.elements.has(selected)) return;
    element.setAttribute("aria-current", "true");
    if (from !== "table") scrollWithin(part("scroll"), element);
  }

  /** Make a row visible that the filter or the limit leaves out. */
  #reveal(index) {
    if (!this.visible.includes(index)) {
      this.search.value = "";
      if (this.state.spot !== null) this.state.spot = null;
    }
    this.limit = Math.max(this.limit, Math.ceil((this.indexes.indexOf(index) + 1) / STEP) * STEP);
    const selected = this.state.selected;
    this.state.selected = null;
    this.draw();
    this.state.selected = selected;
  }

  #download() {
    const { model, figures } = this.state;
    const text = commaSeparated(model.rows, this.visible, figures);
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const name = model.data.network.replace(/[^\w.-]+/g, "_") || "network";
    h("a", { href: address, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

/** Scroll a box, and nothing around it, so that an element in it is seen. */
export function scrollWithin(box, element) {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top < outer.top + 48 || inner.bottom > outer.bottom - 48) {
    box.scrollTop += inner.top - outer.top - outer.height / 3;
  }
}

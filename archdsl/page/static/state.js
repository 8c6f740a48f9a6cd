// What the parts of the page share: the sizes of the symbols, the row that is selected, and the lines it is looked for in.

export class State {
  constructor(model) {
    this.model = model;
    this.figures = model.at({});
    this.selected = null;
    this.spot = null;
    this.shown = new Set();
    this.listeners = { sizes: [], selected: [], spot: [], shown: [] };
  }

  on(what, listener) {
    this.listeners[what].push(listener);
  }

  #tell(what, ...details) {
    for (const listener of this.listeners[what]) listener(...details);
  }

  /** Give symbols values; all others keep theirs. */
  bind(sizes) {
    this.figures = this.model.at({ ...this.figures.binding, ...sizes });
    this.#tell("sizes");
  }

  /** Select a row (`null`: none). `from`: the part of the page where that was done, which does not move. */
  select(index, from = "") {
    this.selected = index;
    this.#tell("selected", from);
  }

  /** Look at the rows of a line of a text only: `source:line`, or `null` for all. */
  look(spot) {
    this.spot = spot;
    this.#tell("spot");
  }

  /** Show the rows of a block. */
  show(rows) {
    this.shown = rows;
    this.#tell("shown");
  }
}

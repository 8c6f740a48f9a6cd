// The page: reads its document and puts its parts together.

import { against } from "./against.js";
import { Arena } from "./arena.js";
import { Charts } from "./charts.js";
import { part, whenSeen } from "./dom.js";
import { GraphView } from "./graph.js";
import { layer } from "./layer.js";
import { Model } from "./model.js";
import { Roofline } from "./roofline.js";
import { SourceText } from "./source.js";
import { State } from "./state.js";
import { summary } from "./summary.js";
import { Table } from "./table.js";
import { where } from "./where.js";

const LARGE = 4000; // layers of a network whose charts are drawn only where they are seen
const THEMES = ["auto", "light", "dark"];

/** The theme: what the system says, or what was chosen; it is kept for the next page where that is allowed. */
function theme() {
  const choice = part("theme");
  const set = (name) => {
    if (name === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = name;
    choice.value = name;
  };
  choice.addEventListener("change", () => {
    set(choice.value);
    try { localStorage.setItem("archdsl-theme", choice.value); } catch { /* not kept */ }
  });
  let kept = null;
  try { kept = localStorage.getItem("archdsl-theme"); } catch { /* a page from a file may keep nothing */ }
  set(THEMES.includes(kept) ? kept : "auto");
}

/** `/` goes to the search, Escape leaves the selection. */
function keys(state) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      part("search").focus();
    }
    if (event.key === "Escape" && (!typing || event.target === part("search"))) {
      state.look(null);
      state.select(null, "keys");
      state.show(new Set());
    }
  });
}

export const state = new State(new Model(JSON.parse(part("data").textContent)));
theme();
summary(state);
new Table(state);
export const graph = new GraphView(state);
where(state);
layer(state);
const large = state.model.rows.length > LARGE;
part("memory-section").hidden = state.model.data.memory === null;
part("source-section").hidden = state.model.data.sources.length === 0;
whenSeen(part("source-section"), large, () => new SourceText(state));
whenSeen(part("charts").parentElement, large, () => new Charts(state));
whenSeen(part("roofline").parentElement, large, () => new Roofline(state));
whenSeen(part("memory-section"), large, () => new Arena(state));
against(state);
keys(state);
document.documentElement.dataset.ready = "";

// The page of `archdsl view`: asks its own server for news, and loads itself again where it stands.

import { h } from "./dom.js";
import { graph, state } from "./main.js";

const KEPT = "archdsl-view";

/** What is open, selected, searched and bound, for the page that comes after this one. */
function keep() {
  const { model, figures, selected } = state;
  const held = { network: model.data.network, path: selected === null ? null : model.rows[selected].path, search: document.getElementById("search").value, top: window.scrollY, open: graph.paths, sizes: figures.declared ? null : figures.binding };
  sessionStorage.setItem(KEPT, JSON.stringify(held));
}

function restore() {
  const text = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  const held = text === null ? null : JSON.parse(text);
  if (held === null) return;
  const search = document.getElementById("search");
  search.value = held.search;
  search.dispatchEvent(new Event("input"));
  for (const [name, size] of Object.entries(held.sizes ?? {})) {
    const input = document.getElementById(`size-${name}`);
    if (!input) continue;
    input.value = String(size);
    input.dispatchEvent(new Event("input"));
  }
  graph.paths = held.open;
  const row = state.model.rows.find((one) => one.path === held.path);
  if (row) state.select(row.index, "view");
  window.scrollTo(0, held.top);
}

/** Ask for news for as long as there is a server; what is wrong with the text now is told above the last page. */
async function listen() {
  const banner = document.body.insertBefore(h("pre", { class: "banner", role: "alert" }), document.body.firstChild);
  banner.hidden = true;
  let seen = -1;
  for (;;) {
    let news;
    try {
      news = await (await fetch(`version?seen=${seen}`, { cache: "no-store" })).json();
    } catch {
      banner.textContent = "archdsl view has stopped: this page is no longer renewed";
      banner.hidden = false;
      return;
    }
    if (seen >= 0 && news.version !== seen && !news.fault) {
      keep();
      location.reload();
      return;
    }
    seen = news.version;
    banner.textContent = news.fault;
    banner.hidden = !news.fault;
  }
}

restore();
listen();

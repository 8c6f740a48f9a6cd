// Heads of tables that sort, and the order that they give.

import { h } from "./dom.js";

/** A head that sorts by its column: `order` is `{key, down}`, `choose` takes the next one. Figures begin with the largest. */
export function sortingHead({ key, title, kind }, order, choose) {
  const sorted = order.key === key;
  const click = (event) => {
    const heads = event.currentTarget.closest("tr");
    choose({ key, down: sorted ? !order.down : kind === "figure" || kind === "shape" });
    heads.querySelector(`[data-key="${key}"] button`).focus();
  };
  const direction = sorted ? (order.down ? "descending" : "ascending") : "none";
  return h("th", { scope: "col", class: kind, "data-key": key, "aria-sort": direction }, h("button", { type: "button", onclick: click }, title));
}

/** Items in the order of a value: equal ones stay as they are, and those without one come last. */
export function inOrder(items, value, down) {
  const sign = down ? -1 : 1;
  const found = items.map((item, place) => [value(item), place, item]);
  found.sort(([left, a], [right, b]) => {
    if (left === null || right === null) return left === right ? a - b : left === null ? 1 : -1;
    return left < right ? -sign : left > right ? sign : a - b;
  });
  return found.map(([, , item]) => item);
}

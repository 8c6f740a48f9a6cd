// Elements from names, attributes and children. Every text enters as text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

function built(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** An element of HTML. */
export function h(name, attributes, ...children) {
  return built(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function s(name, attributes, ...children) {
  return built(document.createElementNS(SVG, name), attributes, children);
}

/** The element that the page calls so. */
export function part(id) {
  return document.getElementById(id);
}

let tip = null;

/** Show lines of text beside the pointer; the first is set apart. */
export function showTip(event, lines) {
  tip ??= document.body.appendChild(h("div", { class: "tip", "aria-hidden": "true" }));
  tip.replaceChildren(...lines.filter(Boolean).map((line, number) => h(number ? "div" : "strong", null, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - box.width - 8);
  const below = event.clientY + 18 + box.height < window.innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? event.clientY + 18 : Math.max(8, event.clientY - box.height - 12)}px`;
}

export function hideTip() {
  if (tip) tip.hidden = true;
}

/** Draw again whenever the width of an element changes. */
export function onWidth(element, draw) {
  let last = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width && width !== last) draw((last = width));
  }).observe(element);
}

/** Build a part of the page: now, or of a large network only when it is about to be seen. */
export function whenSeen(element, large, build) {
  if (!large) return build();
  const seen = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    build();
  }, { rootMargin: "200px" });
  return seen.observe(element);
}

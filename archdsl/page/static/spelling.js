// Two spellings of one operator or type, with what differs marked.

import { h } from "./dom.js";

/** A text such as `conv(64, 3, stride = 2)` or `f32[1, 64, 56, 56]`, with the arguments marked that the other does not have.
    `other`: null where there is none. */
export function marked(text, other) {
  if (other === null || other === text) return [text];
  const [own, its] = [apart(text), apart(other)];
  const placed = own.parts.length === its.parts.length;
  const differs = (one, place) => (placed ? its.parts[place] !== one : !its.parts.includes(one));
  const set = (one, marks) => (marks ? h("mark", null, one) : one);
  return [set(own.head, own.head !== its.head), own.open, ...own.parts.flatMap((one, place) => [place ? ", " : "", set(one, differs(one, place))]), own.close];
}

/** The name, and what stands in the outermost brackets behind it. */
function apart(text) {
  const start = text.search(/[([]/);
  const end = Math.max(text.lastIndexOf(")"), text.lastIndexOf("]"));
  if (start < 0 || end < start) return { head: text, open: "", parts: [], close: "" };
  const parts = [];
  let [depth, from] = [0, start + 1];
  for (let at = start + 1; at < end; at += 1) {
    if ("([{".includes(text[at])) depth += 1;
    else if (")]}".includes(text[at])) depth -= 1;
    else if (text.startsWith(", ", at) && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 2;
    }
  }
  return { head: text.slice(0, start), open: text[start], parts: [...parts, text.slice(from, end)], close: text.slice(end) };
}

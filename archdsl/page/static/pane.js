// A window on a picture: dragged, zoomed, and moved by keys. Moving it is a matter of the compositor: nothing is drawn anew.

const RADIUS = 4; // pixels that a pointer may move in a click
const CLOSEST = 4; // times the size in which a picture is placed
const FARTHEST = 0.02;
const LEGIBLE = 0.85; // times that size, where the letters of the page are 16 pixels high
const FAR = 0.32; // below this size texts are not drawn: nobody can read them

export class Pane {
  /** `outer` is the window; `image` is moved in it, `layer`, which is in it, is scaled. */
  constructor(outer, image, layer) {
    Object.assign(this, { outer, image, layer, size: [1, 1], view: { x: 0, y: 0, scale: 1 }, dragged: false, hinted: 0 });
    this.#pointer();
    outer.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** As much as fits, but no smaller than can be read: then it begins at the top. */
  fit() {
    const box = this.outer.getBoundingClientRect();
    const [width, height] = this.size;
    const letters = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const scale = Math.min(1.5 * letters, Math.max(Math.min(box.width / width, box.height / height), Math.min(LEGIBLE * letters, box.width / width)));
    this.view = { x: width / 2 - box.width / scale / 2, y: height * scale <= box.height ? height / 2 - box.height / scale / 2 : 0, scale };
    this.#scaled();
  }

  /** The whole picture, however small. */
  whole() {
    const box = this.outer.getBoundingClientRect();
    const [width, height] = this.size;
    const scale = Math.max(FARTHEST, Math.min(1.5, box.width / width, box.height / height));
    this.view = { x: width / 2 - box.width / scale / 2, y: height / 2 - box.height / scale / 2, scale };
    this.#scaled();
  }

  /** Move by pixels of the screen. */
  pan(dx, dy) {
    this.view.x -= dx / this.view.scale;
    this.view.y -= dy / this.view.scale;
    this.#moved();
  }

  zoom(factor, at = null) {
    const box = this.outer.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const scale = Math.min(CLOSEST, Math.max(FARTHEST, this.view.scale * factor));
    this.view.x += px / this.view.scale - px / scale;
    this.view.y += py / this.view.scale - py / scale;
    this.view.scale = scale;
    this.#scaled();
  }

  /** Move a box of the picture into the middle. */
  center({ x, y, width, height }) {
    const box = this.outer.getBoundingClientRect();
    const below = Math.min(height, box.height / this.view.scale); // of a tall one, its top is seen
    this.view.x = x + width / 2 - box.width / this.view.scale / 2;
    this.view.y = y + below / 2 - box.height / this.view.scale / 2;
    this.#moved();
  }

  /** Move no more than is needed to see a box. */
  reveal({ x, y, width, height }) {
    const box = this.outer.getBoundingClientRect();
    const [wide, high] = [box.width / this.view.scale, box.height / this.view.scale];
    const seen = x >= this.view.x && x + Math.min(width, wide) <= this.view.x + wide && y >= this.view.y && y + Math.min(height, high / 2) <= this.view.y + high;
    if (!seen) this.center({ x, y, width, height });
  }

  #scaled() {
    this.layer.setAttribute("transform", `scale(${this.view.scale})`);
    this.outer.classList.toggle("far", this.view.scale < FAR);
    this.#moved();
  }

  #moved() {
    const { x, y, scale } = this.view;
    this.image.style.transform = `translate(${-x * scale}px, ${-y * scale}px)`;
  }

  #pointer() {
    let from = null;
    this.outer.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY };
      this.dragged = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      this.dragged ||= Math.abs(dx) + Math.abs(dy) > RADIUS;
      if (!this.dragged) return;
      from = { x: event.clientX, y: event.clientY };
      this.pan(dx, dy);
    });
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => (from = null));
  }

  /** With Ctrl the wheel zooms; alone it is the page's, and the window says so for a moment. */
  #wheel(event) {
    const near = event.ctrlKey || event.metaKey;
    this.outer.classList.toggle("hinted", !near);
    clearTimeout(this.hinted);
    this.hinted = setTimeout(() => this.outer.classList.remove("hinted"), 1200);
    if (!near) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 200), event);
  }

  /** Whether a key was for the window. */
  key(key) {
    const move = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[key];
    if (move) this.pan(...move);
    else if (key === "+" || key === "=") this.zoom(1.3);
    else if (key === "-") this.zoom(1 / 1.3);
    else return false;
    return true;
  }
}

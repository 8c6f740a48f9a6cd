// Figures as people read them; the same texts as on the command line.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const LARGE = ["", " k", " M", " G", " T", " P", " E"];

/** What quantities are called on the page. */
export const NAMES = {
  params: "Parameters", active_params: "Active parameters", buffers: "Buffers", weights: "Weights", macs: "MACs", flops: "FLOPs",
  activations: "Activations", peak_activations: "Peak memory", arena: "Arena", states: "States", traffic: "Traffic", intensity: "Intensity",
  depth: "Depth", nodes: "Operators", receptive_field: "Receptive field", stride: "Stride",
};

/** `300,774,272`; ratios with four digits. */
export function number(value) {
  if (value === null || value === undefined) return "?";
  if (typeof value === "number" && !Number.isInteger(value)) return ratio(value);
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function ratio(value) {
  if (value === 0) return "0";
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 12) });
}

/** `5.74 MiB`. */
export function bytes(value) {
  if (value === null || value === undefined) return "?";
  let amount = Number(value);
  if (amount < 1024) return `${amount} B`;
  let step = 0;
  while (amount >= 1024 && step < UNITS.length - 1) {
    amount /= 1024;
    step += 1;
  }
  return `${twoDigits(amount)} ${UNITS[step]}`;
}

/** As Python rounds: `30.62` for 30.625, where `toFixed` says 30.63. */
function twoDigits(amount) {
  const below = Math.floor(amount * 100);
  return (amount * 100 - below === 0.5 ? (below + (below % 2)) / 100 : amount).toFixed(2);
}

/** `25.6 M`: three digits, for headings and axes. */
export function short(value) {
  if (value === null || value === undefined) return "?";
  let amount = Number(value);
  let step = 0;
  while (Math.abs(amount) >= 999.5 && step < LARGE.length - 1) {
    amount /= 1000;
    step += 1;
  }
  const digits = step === 0 && Number.isInteger(amount) ? 0 : Math.abs(amount) >= 99.95 ? 0 : Math.abs(amount) >= 9.995 ? 1 : 2;
  return amount.toFixed(digits) + LARGE[step];
}

/** `12.3%` of a whole. */
export function share(part, whole) {
  if (part === null || whole === null || !Number(whole)) return "";
  return `${((100 * Number(part)) / Number(whole)).toFixed(1)}%`;
}

/** `1.24 ms`. */
export function seconds(value) {
  for (const [unit, size] of [["s", 1], ["ms", 1e-3], ["µs", 1e-6]]) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  }
  return `${(value / 1e-9).toPrecision(3)} ns`;
}

/** A receptive field: `427`, `7 × 11`, `all`. */
export function field(value) {
  if (value === null || value === undefined) return "";
  const text = value.map((one) => (one === null ? "all" : typeof one === "number" ? number(one) : atMost(one)));
  return [...new Set(text)].length === 1 ? text[0] : text.join(" × ");
}

function atMost(text) {
  const found = /^at most (\d+)$/.exec(text);
  return found ? `≤ ${number(found[1])}` : "?";
}

/** Sizes of a window: `3 × 3`. */
export function sizes(value) {
  return value === null ? "" : value.join(" × ");
}

/** The largest of some numbers, however many there are. */
export function largest(values, least = -Infinity) {
  return values.reduce((most, one) => (one > most ? one : most), least);
}

export function smallest(values, most = Infinity) {
  return values.reduce((least, one) => (one < least ? one : least), most);
}

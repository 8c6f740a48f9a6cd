// Costs as polynomials of the symbols: evaluated exactly, as integers of any length.

/** The value of a cell at a binding: a BigInt, or null for what is not known. */
export function evaluator(polynomials, binding) {
  const found = new Array(polynomials.length);
  const cell = (value) => {
    if (value === null || value === undefined) return null;
    return Array.isArray(value) ? found[value[0]] : BigInt(value);
  };
  const atom = (one) => {
    if (typeof one === "string") return BigInt(binding[one]);
    return floorDivide(cell(one[0]), cell(one[1]));
  };
  polynomials.forEach((terms, number) => {
    let total = 0n;
    for (const [factor, monomial] of terms) {
      let product = BigInt(factor);
      for (const [one, power] of monomial) product *= atom(one) ** BigInt(power);
      total += product;
    }
    found[number] = total;
  });
  return cell;
}

/** Division rounded towards minus infinity, as Python's `//`. */
export function floorDivide(above, below) {
  const quotient = above / below;
  return above % below !== 0n && above < 0n !== below < 0n ? quotient - 1n : quotient;
}

/** A polynomial as people write it: `64 * T`; for titles, so that the longest are cut. */
export function polynomialText(value, polynomials, most = 120) {
  if (!Array.isArray(value)) return value === null ? "?" : String(value);
  const atom = (one) =>
    typeof one === "string" ? one : `(${polynomialText(one[0], polynomials)} // ${polynomialText(one[1], polynomials)})`;
  let text = "";
  for (const [factor, monomial] of polynomials[value[0]]) {
    const size = BigInt(factor);
    const parts = monomial.map(([one, power]) => (power === 1 ? atom(one) : `${atom(one)}^${power}`));
    const magnitude = size < 0n ? -size : size;
    if (magnitude !== 1n || parts.length === 0) parts.unshift(grouped(magnitude));
    const sign = size < 0n ? (text ? " − " : "−") : text ? " + " : "";
    text += sign + parts.join(" · ");
    if (text.length > most) return text.slice(0, most - 1) + "…";
  }
  return text || "0";
}

function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

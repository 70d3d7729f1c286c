/**
 * NACA 4-digit sections with a closed trailing edge, chord 1, leading edge at the origin.
 *
 * A section is `{ camber, position, thickness }` as fractions of the chord: NACA 2412 is 0.02, 0.4, 0.12.
 * Formulas: Jacobs, Ward, Pinkerton, NACA report 460 (1933); last thickness coefficient -0.1036, which closes the edge.
 */

/** @param {string} digits e.g. "2412" */
export function section(digits) {
  if (!/^\d{4}$/.test(digits)) throw new Error(`a NACA 4-digit name is four digits, got ${JSON.stringify(digits)}`);
  return { camber: +digits[0] / 100, position: +digits[1] / 10, thickness: +digits.slice(2) / 100 };
}

/** Half thickness at x. */
export function halfThickness(x, { thickness }) {
  return 5 * thickness * (0.2969 * Math.sqrt(x) + x * (-0.126 + x * (-0.3516 + x * (0.2843 - 0.1036 * x))));
}

/** Height and slope of the camber line at x. */
export function camberLine(x, { camber: m, position: p }) {
  if (m === 0 || p === 0) return { height: 0, slope: 0 };
  const q = x < p ? p : 1 - p;
  const start = x < p ? 0 : 1 - 2 * p;
  return { height: (m / (q * q)) * (start + x * (2 * p - x)), slope: ((2 * m) / (q * q)) * (p - x) };
}

/**
 * Points of the contour from the trailing edge along the lower side to the leading edge and back along the upper side:
 * `cells + 1` points, first and last are both the trailing edge. Cosine spacing, fine at both edges.
 */
export function contour(shape, cells) {
  const half = cells / 2;
  const points = [];
  for (let k = -half; k <= half; k++) {
    // The trailing edge is left a little coarser than pure cosine spacing: it meets the wake cells there.
    const s = Math.abs(k) / half;
    const x = Math.abs(k) === half ? 1 : 0.9 * 0.5 * (1 - Math.cos(Math.PI * s)) + 0.1 * s * s;
    const { height, slope } = camberLine(x, shape);
    const t = Math.abs(k) === half ? 0 : halfThickness(x, shape);
    const length = Math.hypot(1, slope);
    const side = Math.sign(k);
    points.push([x - (side * t * slope) / length, height + (side * t) / length]);
  }
  return points;
}

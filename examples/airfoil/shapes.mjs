/**
 * NACA 4-digit sections with a closed trailing edge, chord 1, leading edge at the origin, and cases around them for the sliders of
 * `noether-ts serve RUN --shapes examples/airfoil/shapes.mjs`. It runs in the browser: no imports.
 *
 * A section is `{ camber, position, thickness }` as fractions of the chord: NACA 2412 is 0.02, 0.4, 0.12.
 * Formulas: Jacobs, Ward, Pinkerton, NACA report 460 (1933); last thickness coefficient -0.1036, which closes the edge.
 */

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

/** The sliders; their ranges are those of the simulated cases. */
export const parameters = [
  { name: "camber", label: "Camber", unit: "% of the chord", min: 0, max: 6, step: 0.1, value: 2 },
  { name: "position", label: "Its position", unit: "% of the chord", min: 20, max: 60, step: 1, value: 40 },
  { name: "thickness", label: "Thickness", unit: "% of the chord", min: 8, max: 18, step: 0.1, value: 12 },
  { name: "angle", label: "Angle of attack", unit: "°", min: -4, max: 12, step: 0.1, value: 4 },
  { name: "speed", label: "Free-stream speed", unit: "m/s", min: 15, max: 90, step: 1, value: 45 },
];

/** Points around the airfoil as in the data, rings around it, and the ellipse on which the last of them lies, in chords. */
const [AROUND, RINGS] = [160, 28];
const ELLIPSE = { x: 0.5, y: 0, a: 1.2, b: 0.7 };

/**
 * A case: its points by domain, as the model takes them, and the numbers of the whole case.
 *
 * @param {Record<string, number>} values of the parameters
 */
export function makeCase({ camber, position, thickness, angle, speed }) {
  const shape = { camber: camber / 100, position: position / 100, thickness: thickness / 100 };
  const body = contour(shape, AROUND);
  const surface = body.slice(1).map(([x, y], i) => [(x + body[i][0]) / 2, (y + body[i][1]) / 2]);
  return {
    title: `airfoil at ${angle}°`,
    domains: {
      surface: { positions: Float32Array.from(surface.flat()), triangles: null },
      volume: ringsAround(body),
    },
    conditions: { inflow_design_parameters: [angle, speed] },
  };
}

/** Triangles between the contour and an ellipse, finer towards the contour. */
function ringsAround(body) {
  const columns = body.length;
  const positions = new Float32Array(2 * columns * (RINGS + 1));
  const triangles = [];
  for (let ring = 0; ring <= RINGS; ring++) {
    const t = (ring / RINGS) ** 1.8;
    body.forEach(([x, y], i) => {
      // the trailing edge points downstream, the lower side comes first
      const turn = (-2 * Math.PI * i) / AROUND;
      const outer = [ELLIPSE.x + ELLIPSE.a * Math.cos(turn), ELLIPSE.y + ELLIPSE.b * Math.sin(turn)];
      positions.set([x + t * (outer[0] - x), y + t * (outer[1] - y)], 2 * (ring * columns + i));
      if (ring === RINGS || i === AROUND) return;
      const [a, b, c, d] = [0, 1, columns + 1, columns].map((step) => ring * columns + i + step);
      triangles.push(a, b, c, a, c, d);
    });
  }
  return { positions, triangles: Uint32Array.from(triangles) };
}

/**
 * The list of cases: sections, angles of attack and Reynolds numbers of the three splits.
 *
 * A section belongs to one split only, so that validation and test show shapes the model has never seen, at angles and
 * speeds it has never seen either. Everything is deterministic: a Halton sequence fills the ranges evenly.
 */
import { section } from "./naca.mjs";

export const RANGES = { angle: [-4, 12], reynolds: [1e6, 6e6] };
const SHAPES = { train: 48, val: 5, test: 7 };
const CASES_PER_SHAPE = 2;

function halton(index, base) {
  let value = 0;
  for (let fraction = 1 / base, i = index; i > 0; i = Math.floor(i / base), fraction /= base)
    value += fraction * (i % base);
  return value;
}

/** Distinct sections: camber 0-6 %, its position 20-60 %, thickness 8-18 %. NACA 0012 and 2412 come first: they go into the test split. */
function shapes(count) {
  const names = ["0012", "2412"];
  for (let k = 1; names.length < count; k++) {
    const camber = Math.floor(7 * halton(k, 2));
    const position = camber === 0 ? 0 : 2 + Math.floor(5 * halton(k, 3));
    const thickness = 8 + Math.floor(11 * halton(k, 5));
    const name = `${camber}${position}${String(thickness).padStart(2, "0")}`;
    if (!names.includes(name)) names.push(name);
  }
  return names;
}

/** Operating point number k: angle in degrees (two decimals), Reynolds number (evenly in its logarithm, three digits). */
function operatingPoint(k) {
  const [a0, a1] = RANGES.angle;
  const [r0, r1] = RANGES.reynolds;
  const angle = Math.round(100 * (a0 + (a1 - a0) * halton(k, 2))) / 100;
  const reynolds = Number((r0 * (r1 / r0) ** halton(k, 3)).toPrecision(3));
  return { angle, reynolds };
}

/** Spare operating points replace those whose simulation does not converge. */
export function spare(number) {
  return operatingPoint(1000 + number);
}

/** @returns {{ name: string, split: "train" | "val" | "test", digits: string, shape: object, angle: number, reynolds: number }[]} */
export function cases() {
  const total = SHAPES.train + SHAPES.val + SHAPES.test;
  const names = shapes(total);
  const splits = [
    ...Array(SHAPES.test).fill("test"),
    ...Array(SHAPES.val).fill("val"),
    ...Array(SHAPES.train).fill("train"),
  ];
  const list = [];
  for (let n = 0; n < total; n++) {
    for (let c = 0; c < CASES_PER_SHAPE; c++) {
      const k = list.length;
      // The reference point of the NASA turbulence modeling resource.
      const point = k === 0 ? { angle: 10, reynolds: 6e6 } : operatingPoint(k + 20);
      list.push({
        name: `naca${names[n]}_${c}`,
        split: splits[n],
        digits: names[n],
        shape: section(names[n]),
        ...point,
      });
    }
  }
  return list;
}

import { relativeError } from "../bluff-body/faces";
import { KdTree } from "../bluff-body/kd-tree";
import { cooledArea } from "./generate/heatsink";

/** Temperatures of one heatsink; vectors are x, y, z, one point after the other. */
export interface Solution {
  readonly name: string;
  /** Parameters in the order of `train.yaml`, in SI units. */
  readonly design: Float32Array;
  /** m */
  readonly position: Float32Array;
  /** Above the air, in K. */
  readonly temperature: Float32Array;
}

/** Edge of the base in m; all heatsinks have the same. */
const EDGE = 0.06;

function named({ design }: Solution) {
  const [fin_count, fin_height, fin_thickness, base_thickness, , , power, convection] = Array.from(design);
  return {
    fin_count: fin_count!,
    fin_height: fin_height!,
    fin_thickness: fin_thickness!,
    base_thickness: base_thickness!,
    power: power!,
    convection: convection!,
  };
}

/** Where points lie on their body: the height of the base and that of the fins become 1. (N, 3) */
function placesOnBody(solution: Solution): Float32Array {
  const { fin_height, base_thickness } = named(solution);
  return solution.position.map((value, i) => {
    if (i % 3 !== 2) return value / EDGE;
    return value <= base_thickness ? value / base_thickness : 1 + (value - base_thickness) / fin_height;
  });
}

/** A training case, ready to be carried over to other heatsinks. */
export class Places {
  readonly #tree: KdTree;

  constructor(private readonly solution: Solution) {
    this.#tree = new KdTree(placesOnBody(solution), 3);
  }

  /**
   * The rise per watt of this case at the same places of another heatsink (mean of the three nearest points), times the power of the
   * other: the temperature above the air is proportional to the power.
   */
  carriedTo(other: Solution): Float32Array {
    const places = placesOnBody(other);
    const factor = named(other).power / named(this.solution).power;
    return Float32Array.from(
      { length: places.length / 3 },
      (_, i) => factor * this.#tree.interpolate(this.solution.temperature, places.subarray(3 * i, 3 * i + 3)),
    );
  }
}

/** Number of the training case whose parameters, scaled to their ranges, are nearest. */
export function nearestCase({ design }: Solution, training: readonly Solution[]): number {
  const ranges = Array.from(design, (_, i) => {
    const values = training.map((each) => each.design[i]!);
    return Math.max(...values) - Math.min(...values);
  });
  const distances = training.map((each) =>
    Math.hypot(...ranges.map((range, i) => (each.design[i]! - design[i]!) / (range || 1))),
  );
  return distances.indexOf(Math.min(...distances));
}

/** Rise above the air of a body that has one temperature: power / (h · area). */
export function oneTemperature(solution: Solution): number {
  const { power, convection, fin_count, ...lengths } = named(solution);
  const mm = Object.fromEntries(Object.entries(lengths).map(([name, value]) => [name, 1000 * value]));
  const area = cooledArea({ fin_count, width: 1000 * EDGE, depth: 1000 * EDGE, ...mm } as Parameters<
    typeof cooledArea
  >[0]);
  return power / (convection * area);
}

/** What is estimated for a heatsink without a model, in K at each of its points. */
export type Estimate = (solution: Solution) => Float32Array;

/** The mean of the training cases' rise per watt at the same place of the body. */
export function meanField(training: readonly Solution[]): Estimate {
  const places = training.map((each) => new Places(each));
  return (solution) => {
    const sum = new Float32Array(solution.temperature.length);
    for (const each of places) each.carriedTo(solution).forEach((value, i) => (sum[i]! += value / places.length));
    return sum;
  };
}

/** The rise per watt of the nearest training case at the same place of the body. */
export function nearestField(training: readonly Solution[]): Estimate {
  return (solution) => new Places(training[nearestCase(solution, training)]!).carriedTo(solution);
}

/** {@link oneTemperature} at each point. */
export const oneTemperatureField: Estimate = (solution) =>
  new Float32Array(solution.temperature.length).fill(oneTemperature(solution));

/** Relative L2 error of an estimate, mean over the cases. */
export function meanError(cases: readonly Solution[], estimate: Estimate): number {
  return cases.reduce((sum, each) => sum + relativeError(estimate(each), each.temperature), 0) / cases.length;
}

import { DatasetBaseConfig, float, int, type ConfigOf } from "noether-ts/core";
import { Dataset } from "noether-ts/data";
import { Generator, rand, tensor } from "noether-ts/torch";

/** The flow of one case: lengths in radii of the cylinder, speeds in those of the free stream. */
export interface FlowCase {
  /** Direction of the free stream, radians. */
  readonly angle: number;
  /** Circulation around the cylinder, counterclockwise positive. */
  readonly circulation: number;
}

/**
 * Velocity and pressure coefficient of the potential flow around a circular cylinder with circulation, at (x, y) outside
 * of it (J. D. Anderson, Fundamentals of Aerodynamics, sections 3.13 and 3.15).
 */
export function flowAt(x: number, y: number, { angle, circulation }: FlowCase): { u: number; v: number; cp: number } {
  const r = Math.hypot(x, y);
  const theta = Math.atan2(y, x);
  const radial = Math.cos(theta - angle) * (1 - 1 / r ** 2);
  const tangential = -Math.sin(theta - angle) * (1 + 1 / r ** 2) + circulation / (2 * Math.PI * r);
  return {
    u: radial * Math.cos(theta) - tangential * Math.sin(theta),
    v: radial * Math.sin(theta) + tangential * Math.cos(theta),
    cp: 1 - (radial ** 2 + tangential ** 2), // Bernoulli
  };
}

export const CylinderFlowConfig = DatasetBaseConfig.extend("CylinderFlowConfig", {
  fields: {
    num_samples: int({ ge: 1 }),
    /** Points of each case. */
    num_points: int({ ge: 1 }).default(256),
    /** Distance of the farthest points from the axis. */
    outer_radius: float({ gt: 1 }).default(3),
    max_angle: float({ ge: 0 }).default(0.5),
    max_circulation: float({ ge: 0 }).default(6),
    /** Another seed, other cases. */
    seed: int().default(0),
  },
});

/**
 * Flows with random direction and circulation, computed when the data set is made.
 *
 * | key | shape | |
 * |---|---|---|
 * | `position` | (N, 2) | points, denser towards the wall |
 * | `condition` | (2,) | angle and circulation |
 * | `velocity` | (N, 2) | |
 * | `pressure` | (N, 1) | pressure coefficient |
 */
export class CylinderFlow extends Dataset<ConfigOf<typeof CylinderFlowConfig>> {
  static readonly schema = CylinderFlowConfig;

  constructor(config: ConfigOf<typeof CylinderFlowConfig>) {
    super(config);
    const { num_samples, num_points, outer_radius, max_angle, max_circulation, seed } = config;
    const generator = new Generator().manualSeed(seed);
    const random = (...size: number[]) => rand(size, { generator, dtype: "float64" }).toArray() as number[][];

    const conditions = random(num_samples, 2).map(([a, b]) => ({
      angle: max_angle * (2 * a! - 1),
      circulation: max_circulation * (2 * b! - 1),
    }));
    const samples = conditions.map((flowCase) => {
      const points = random(num_points, 2).map(([a, b]) => {
        const r = outer_radius ** a!;
        const theta = 2 * Math.PI * b!;
        return [r * Math.cos(theta), r * Math.sin(theta)] as const;
      });
      const flows = points.map(([x, y]) => flowAt(x, y, flowCase));
      return {
        position: tensor(points),
        condition: tensor([flowCase.angle, flowCase.circulation]),
        velocity: tensor(flows.map(({ u, v }) => [u, v])),
        pressure: tensor(flows.map(({ cp }) => [cp])),
      };
    });
    for (const key of ["position", "condition", "velocity", "pressure"] as const)
      this.addGetter(key, (index) => samples[index]![key]);
  }

  override get length(): number {
    return this.config.num_samples;
  }
}

import { interpolateLine, KdTree } from "./interpolation";

/** Fields whose errors are measured, and their channels. */
export const FIELDS = { surface_pressure: 1, volume_velocity: 2, volume_pressure: 1 } as const;
/** Name of a field. */
export type Field = keyof typeof FIELDS;

/** One case as plain numbers, in the units of the data files. */
export interface AirfoilCase extends Record<Field, Float32Array> {
  readonly name: string;
  readonly surface_position: Float32Array;
  readonly volume_position: Float32Array;
  /** Angle of attack in degrees, free-stream speed in m/s. */
  readonly inflow_design_parameters: Float32Array;
  /** Camber, its position, thickness. */
  readonly geometry_design_parameters: Float32Array;
}

/** ‖prediction - target‖ / ‖target‖ over all points and channels. */
export function relativeError(prediction: ArrayLike<number>, target: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < target.length; i++) {
    difference += (prediction[i]! - target[i]!) ** 2;
    norm += target[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

/**
 * What a model has to beat, from the training cases alone.
 *
 * Training fields are brought to the points of another case by interpolation: on the surface along the chord, lower and
 * upper side each for itself; in the volume from the three nearest points.
 */
export class Baselines {
  readonly #training: readonly { readonly item: AirfoilCase; readonly tree: KdTree }[];
  readonly #parameters: readonly number[][];
  readonly #ranges: readonly (readonly [number, number])[];

  constructor(training: readonly AirfoilCase[]) {
    this.#training = training.map((item) => ({ item, tree: new KdTree(item.volume_position) }));
    const raw = training.map(parametersOf);
    this.#ranges = raw[0]!.map((_, k) => {
      const column = raw.map((row) => row[k]!);
      return [Math.min(...column), Math.max(...column)];
    });
    this.#parameters = raw.map((row) => this.#scale(row));
  }

  /** The training case nearest in parameter space (camber, its position, thickness, angle, logarithm of the speed, each scaled to its range). */
  nearestCase(to: AirfoilCase): AirfoilCase {
    const wanted = this.#scale(parametersOf(to));
    const distances = this.#parameters.map((row) => Math.hypot(...row.map((value, k) => value - wanted[k]!)));
    return this.#training[distances.indexOf(Math.min(...distances))]!.item;
  }

  /** Fields of the nearest training case at the points of `to`. */
  nearestFields(to: AirfoilCase): Record<Field, Float32Array> {
    const nearest = this.nearestCase(to);
    return transfer(
      this.#training.find(({ item }) => item === nearest)!,
      to,
    );
  }

  /** Mean over all training cases of their fields at the points of `to`. */
  meanFields(to: AirfoilCase): Record<Field, Float32Array> {
    const sum = Object.fromEntries(
      Object.keys(FIELDS).map((field) => [field, new Float32Array(to[field as Field].length)]),
    ) as Record<Field, Float32Array>;
    for (const source of this.#training) {
      const fields = transfer(source, to);
      for (const field of Object.keys(FIELDS) as Field[]) {
        fields[field].forEach((value, i) => (sum[field][i] = sum[field][i]! + value / this.#training.length));
      }
    }
    return sum;
  }

  #scale(row: readonly number[]): number[] {
    return row.map((value, k) => (value - this.#ranges[k]![0]) / (this.#ranges[k]![1] - this.#ranges[k]![0] || 1));
  }
}

/** Symmetric sections have no camber position; it must not count as a distance to cambered ones. */
function parametersOf(item: AirfoilCase): number[] {
  const [camber, position, thickness] = item.geometry_design_parameters as unknown as [number, number, number];
  const [angle, speed] = item.inflow_design_parameters as unknown as [number, number];
  return [camber, camber === 0 ? 0.4 : position, thickness, angle, Math.log(speed)];
}

function transfer({ item, tree }: { item: AirfoilCase; tree: KdTree }, to: AirfoilCase): Record<Field, Float32Array> {
  const count = to.volume_position.length / 2;
  const velocity = new Float32Array(2 * count);
  const pressure = new Float32Array(count);
  const stacked = stack(item);
  for (let n = 0; n < count; n++) {
    const [u, v, p] = tree.interpolate(stacked, 3, to.volume_position[2 * n]!, to.volume_position[2 * n + 1]!);
    velocity[2 * n] = u!;
    velocity[2 * n + 1] = v!;
    pressure[n] = p!;
  }
  return { surface_pressure: transferSurface(item, to), volume_velocity: velocity, volume_pressure: pressure };
}

const stacks = new WeakMap<AirfoilCase, Float32Array>();

/** Velocity and pressure side by side, (N, 3). */
function stack(item: AirfoilCase): Float32Array {
  let stacked = stacks.get(item);
  if (!stacked) {
    stacked = new Float32Array(3 * item.volume_pressure.length);
    for (let n = 0; n < item.volume_pressure.length; n++) {
      stacked.set([item.volume_velocity[2 * n]!, item.volume_velocity[2 * n + 1]!, item.volume_pressure[n]!], 3 * n);
    }
    stacks.set(item, stacked);
  }
  return stacked;
}

function transferSurface(from: AirfoilCase, to: AirfoilCase): Float32Array {
  const half = from.surface_pressure.length / 2;
  const x = Float32Array.from({ length: 2 * half }, (_, n) => from.surface_position[2 * n]!);
  const sides = [
    { x: x.subarray(0, half), p: from.surface_pressure.subarray(0, half) },
    { x: x.subarray(half), p: from.surface_pressure.subarray(half) },
  ] as const;
  const count = to.surface_pressure.length;
  return Float32Array.from({ length: count }, (_, n) => {
    const side = sides[n < count / 2 ? 0 : 1];
    return interpolateLine(side.x, side.p, to.surface_position[2 * n]!);
  });
}

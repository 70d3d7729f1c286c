import { KdTree } from "./kd-tree";

/** The surface of a half body, a value for each of its faces. Vectors are x, y, z, one face after the other. */
export interface Faces {
  readonly name: string;
  /** Centres in m. */
  readonly position: Float32Array;
  /** Unit normals that point into the air. */
  readonly normals: Float32Array;
  /** Pa */
  readonly pressure: Float32Array;
}

/** ‖a − b‖ / ‖b‖ */
export function relativeError(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < truth.length; i++) {
    difference += (predicted[i]! - truth[i]!) ** 2;
    size += truth[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

/** Half of an edge of the body, which is 1 in each direction, counts as much as a turn of the normal by about 60 degrees. */
const NORMAL_WEIGHT = 0.5;

/**
 * Where faces lie on their body: the box around the body becomes a cube, and the normal is there too, so that the faces on both
 * sides of an edge are apart. (N, 6)
 */
function placesOnBody({ position, normals }: Faces): Float32Array {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  position.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3]!, value);
    high[i % 3] = Math.max(high[i % 3]!, value);
  });
  const count = position.length / 3;
  const places = new Float32Array(6 * count);
  for (let face = 0; face < count; face++) {
    for (let axis = 0; axis < 3; axis++) {
      places[6 * face + axis] = (position[3 * face + axis]! - low[axis]!) / (high[axis]! - low[axis]!);
      places[6 * face + 3 + axis] = NORMAL_WEIGHT * normals[3 * face + axis]!;
    }
  }
  return places;
}

/** Which faces of two bodies correspond: numbers of each face whose distances say it, one face after the other. */
export interface Correspondence {
  readonly dimension: number;
  readonly of: (faces: Faces) => Float32Array;
}

/** Those at the same position in space. */
export const SAME_POSITION: Correspondence = { dimension: 3, of: ({ position }) => position };
/** Those at the same place of bodies whose boxes are scaled to the same size, turned in the same direction. */
export const SAME_PLACE: Correspondence = { dimension: 6, of: placesOnBody };

/** Pressures of training cases, carried over to the corresponding faces of another body (mean of the three nearest). */
export class CarriedOver {
  readonly #trees: readonly KdTree[];

  constructor(
    private readonly cases: readonly Faces[],
    private readonly correspondence: Correspondence,
  ) {
    this.#trees = cases.map((each) => new KdTree(correspondence.of(each), correspondence.dimension));
  }

  /** Pressure of one training case. */
  field(index: number, body: Faces): Float32Array {
    const { of, dimension } = this.correspondence;
    const places = of(body);
    const { pressure } = this.cases[index]!;
    const tree = this.#trees[index]!;
    return Float32Array.from({ length: places.length / dimension }, (_, face) =>
      tree.interpolate(pressure, places.subarray(dimension * face, dimension * (face + 1))),
    );
  }

  /** Mean pressure of the training cases. */
  mean(body: Faces): Float32Array {
    const sum = new Float32Array(body.pressure.length);
    for (let index = 0; index < this.cases.length; index++)
      this.field(index, body).forEach((value, face) => (sum[face]! += value / this.cases.length));
    return sum;
  }
}

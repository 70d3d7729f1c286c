import { CellType, Mesh } from "../../../lib/data/readers";

/** A simplified car: a box with a rounded nose, rounded edges along its length and a slanted rear, in metres and degrees. */
export interface Body {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  /** Distance between the ground and the underside. */
  readonly ride_height: number;
  /** Angle between the slant and the roof; 0 is a square back. */
  readonly slant_angle: number;
  /** Length of the slant, along the slant. */
  readonly slant_length: number;
  /** Radius of the nose towards roof, underside and sides. */
  readonly nose_radius: number;
}

/** Radius of the four edges that run along the body. */
const EDGE_RADIUS = 0.02;
const NOSE_STATIONS = 18;
const ARC_SEGMENTS = 10;

/** Area of the body seen from ahead, of both halves. */
export function frontalArea(body: Body): number {
  return body.width * body.height - (4 - Math.PI) * EDGE_RADIUS ** 2;
}

/** Distances from the nose tip at which the surface has a cross-section; the last is the base. */
function stations(body: Body): number[] {
  const { length, nose_radius: radius, slant_angle, slant_length } = body;
  const result: number[] = [];
  for (let i = 0; i <= NOSE_STATIONS; i++) result.push(radius * (1 - Math.cos((i / NOSE_STATIONS) * (Math.PI / 2))));
  const slantStart = length - slant_length * Math.cos((slant_angle * Math.PI) / 180);
  for (const [from, to] of [
    [radius, slantStart],
    [slantStart, length],
  ] as const) {
    const steps = Math.max(1, Math.round((to - from) / 0.05));
    for (let i = 1; i <= steps; i++) result.push(from + ((to - from) * i) / steps);
  }
  return result;
}

/** Points (y, z) around the body at a distance x from the nose tip, seen from behind, against the clock. */
function section(body: Body, x: number): [number, number][] {
  const { length, width, height, ride_height, slant_angle, slant_length, nose_radius: radius } = body;
  const angle = (slant_angle * Math.PI) / 180;
  const ahead = Math.max(0, radius - x);
  const inset = radius - Math.sqrt(radius ** 2 - ahead ** 2);
  const behindSlantStart = Math.max(0, x - (length - slant_length * Math.cos(angle)));
  const halfWidth = width / 2 - inset;
  const bottom = ride_height + inset;
  const top = ride_height + height - inset - behindSlantStart * Math.tan(angle);
  const points: [number, number][] = [];
  const corners = [
    [halfWidth, bottom, -90],
    [halfWidth, top, 0],
    [-halfWidth, top, 90],
    [-halfWidth, bottom, 180],
  ] as const;
  for (const [cornerY, cornerZ, from] of corners) {
    const y = cornerY - Math.sign(cornerY) * EDGE_RADIUS;
    const z = cornerZ + (cornerZ === bottom ? EDGE_RADIUS : -EDGE_RADIUS);
    for (let i = 0; i <= ARC_SEGMENTS; i++) {
      const turn = ((from + (90 * i) / ARC_SEGMENTS) * Math.PI) / 180;
      points.push([y + EDGE_RADIUS * Math.cos(turn), z + EDGE_RADIUS * Math.sin(turn)]);
    }
  }
  return points;
}

/** The closed surface of a body as triangles that are turned outwards: nose tip at x = 0, middle at y = 0, ground at z = 0. */
export function bodySurface(body: Body): Mesh {
  const points: number[] = [];
  const triangles: number[] = [];
  const rings = stations(body).map((x) => {
    const first = points.length / 3;
    const ring = section(body, x);
    for (const [y, z] of ring) points.push(x, y, z);
    return { first, size: ring.length, x };
  });
  for (let r = 0; r + 1 < rings.length; r++) {
    const { first: here, size } = rings[r]!;
    const next = rings[r + 1]!.first;
    for (let i = 0; i < size; i++) {
      const j = (i + 1) % size;
      triangles.push(here + i, next + j, next + i, here + i, here + j, next + j);
    }
  }
  for (const { first, size, x } of [rings[0]!, rings.at(-1)!]) {
    const middle = points.length / 3;
    let height = 0;
    for (let i = 0; i < size; i++) height += points[3 * (first + i) + 2]! / size;
    points.push(x, 0, height);
    for (let i = 0; i < size; i++) {
      const j = (i + 1) % size;
      if (x === 0) triangles.push(middle, first + j, first + i);
      else triangles.push(middle, first + i, first + j);
    }
  }
  const count = triangles.length / 3;
  return new Mesh({
    points: Float64Array.from(points),
    cells: {
      connectivity: Int32Array.from(triangles),
      offsets: Int32Array.from({ length: count + 1 }, (_, i) => 3 * i),
      types: new Uint8Array(count).fill(CellType.TRIANGLE),
    },
  });
}

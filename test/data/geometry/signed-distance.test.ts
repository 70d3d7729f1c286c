import { SurfaceDistance } from "../../../lib/data/geometry/signed-distance";

/** A sphere of radius 1 as latitude bands of triangles, seen from outside counter-clockwise. */
function sphere(bands: number, sectors: number): { points: number[]; triangles: number[] } {
  const points: number[] = [];
  for (let i = 0; i <= bands; i++) {
    for (let j = 0; j < sectors; j++) {
      const [theta, phi] = [(Math.PI * i) / bands, (2 * Math.PI * j) / sectors];
      points.push(Math.sin(theta) * Math.cos(phi), Math.sin(theta) * Math.sin(phi), Math.cos(theta));
    }
  }
  const triangles: number[] = [];
  for (let i = 0; i < bands; i++) {
    for (let j = 0; j < sectors; j++) {
      const [a, b] = [i * sectors + j, i * sectors + ((j + 1) % sectors)];
      const [c, d] = [a + sectors, b + sectors];
      triangles.push(a, c, d, a, d, b);
    }
  }
  return { points, triangles };
}

const CUBE = {
  points: [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1],
  triangles: [
    0, 2, 1, 0, 3, 2, 4, 5, 6, 4, 6, 7, 0, 1, 5, 0, 5, 4, 1, 2, 6, 1, 6, 5, 2, 3, 7, 2, 7, 6, 3, 0, 4, 3, 4, 7,
  ],
};

/** Signed distance to the unit cube. */
function cubeDistance([x, y, z]: readonly [number, number, number]): number {
  const q = [Math.abs(x - 0.5) - 0.5, Math.abs(y - 0.5) - 0.5, Math.abs(z - 0.5) - 0.5];
  const outside = Math.hypot(...q.map((d) => Math.max(d, 0)));
  return outside + Math.min(Math.max(...q), 0);
}

/** Numbers from −1 to 2, the same every time. */
function numbers(count: number): number[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return -1 + (3 * state) / 2 ** 32;
  });
}

/** Squared distance to the nearest of a triangle's points on a fine grid: never below the truth, and near it. */
function bruteForce(points: readonly number[], triangles: readonly number[], query: readonly number[]): number {
  let best = Infinity;
  const steps = 60;
  for (let t = 0; t < triangles.length; t += 3) {
    const corner = (i: number, d: number) => points[3 * triangles[t + i]! + d]!;
    for (let u = 0; u <= steps; u++) {
      for (let v = 0; v <= steps - u; v++) {
        let squared = 0;
        for (let d = 0; d < 3; d++) {
          const x =
            corner(0, d) + (u / steps) * (corner(1, d) - corner(0, d)) + (v / steps) * (corner(2, d) - corner(0, d));
          squared += (query[d]! - x) ** 2;
        }
        best = Math.min(best, squared);
      }
    }
  }
  return Math.sqrt(best);
}

test("a cube: faces, edges and corners, inside and outside", () => {
  const queries = numbers(3 * 3000);
  const found = new SurfaceDistance(CUBE.points, CUBE.triangles).distances(queries);
  found.forEach((distance, i) =>
    expect(distance).toBeCloseTo(cubeDistance([queries[3 * i]!, queries[3 * i + 1]!, queries[3 * i + 2]!]), 12),
  );
});

test("triangles that are all turned inwards", () => {
  const turned = CUBE.triangles.map((_, i) => CUBE.triangles[i - (i % 3) + [0, 2, 1][i % 3]!]!);
  const found = new SurfaceDistance(CUBE.points, turned).distances([0.5, 0.5, 0.25, 0.5, 0.5, -2]);
  expect([...found]).toEqual([-0.25, 2]);
});

test("points that every triangle has for itself", () => {
  const points = CUBE.triangles.flatMap((point) => CUBE.points.slice(3 * point, 3 * point + 3));
  const found = new SurfaceDistance(points, points.map((_, i) => i).slice(0, points.length / 3)).distances([
    2, 2, 2, 0.5, 0.5, 0.9,
  ]);
  expect(found[0]).toBeCloseTo(Math.sqrt(3), 12);
  expect(found[1]).toBeCloseTo(-0.1, 12);
});

test("a sphere of thousands of triangles", () => {
  const { points, triangles } = sphere(60, 120);
  const queries = numbers(3 * 2000).map((x) => x - 0.5);
  const found = new SurfaceDistance(points, triangles).distances(queries);
  found.forEach((distance, i) => {
    const radius = Math.hypot(queries[3 * i]!, queries[3 * i + 1]!, queries[3 * i + 2]!);
    // the facets are up to 1 - cos(pi / 60) inside of the sphere
    expect(Math.abs(distance - (radius - 1))).toBeLessThan(2e-3);
  });
});

test("loose triangles, compared with a grid of their points", () => {
  const points = numbers(3 * 3 * 12);
  const triangles = Array.from({ length: 36 }, (_, i) => i);
  const queries = numbers(3 * 20).map((x) => 1.5 * x);
  const found = new SurfaceDistance(points, triangles).distances(queries, { isSigned: false });
  found.forEach((distance, i) => {
    const reference = bruteForce(points, triangles, queries.slice(3 * i, 3 * i + 3));
    expect(distance).toBeLessThanOrEqual(reference + 1e-12);
    expect(reference - distance).toBeLessThan(5e-2);
  });
});

test("triangles without an area have no effect, and none at all are refused", () => {
  const flat = [...CUBE.triangles, 0, 0, 1];
  expect([...new SurfaceDistance(CUBE.points, flat).distances([0.5, 0.5, 3])]).toEqual([2]);
  expect(() => new SurfaceDistance(CUBE.points, [0, 1, 1])).toThrow("triangles with an area");
});

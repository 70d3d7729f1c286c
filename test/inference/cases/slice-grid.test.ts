import { sliceAround } from "../../../lib/inference/cases/slice-grid";
import { sphere } from "../../support/sphere-run";

describe("a slice around a sphere", () => {
  const body = sphere(24);
  it.each([0, 1, 2] as const)("normal to axis %i lies in its plane, outside of the body", (axis) => {
    const { points, numberOfPoints, numberOfCells, cells } = sliceAround(body, axis, 0.75);
    expect(numberOfCells).toBeGreaterThan(1000);
    expect(Math.max(...cells.connectivity)).toBe(numberOfPoints - 1);
    const radii = Array.from({ length: numberOfPoints }, (_, i) => Math.hypot(...points.subarray(3 * i, 3 * i + 3)));
    // the polyhedron lies within the sphere, by less than the height of its faces
    expect(Math.min(...radii)).toBeGreaterThan(0.98);
    expect(new Set(points.filter((_, i) => i % 3 === axis))).toEqual(new Set([0.5]));
  });

  it("reaches before and behind the body, and not below it", () => {
    const { points } = sliceAround(body, 1, 0.5);
    const of = (d: number) => Array.from({ length: points.length / 3 }, (_, i) => points[3 * i + d]!);
    const [x, z] = [of(0), of(2)];
    expect(
      [Math.min(...x), Math.max(...x), Math.min(...z), Math.max(...z)].map((value) => Number(value.toFixed(5))),
    ).toEqual([-2, 3, -1, 2]);
  });
});

import { join } from "node:path";
import {
  caseForces,
  dynamicPressure,
  forceCoefficients,
  surfaceForces,
  type CaseDomain,
  type ForceOptions,
  type SurfaceLoads,
} from "../../../lib/inference";
import { fieldsOfDomain } from "../../../lib/inference/forces/case-forces";
import { CellType, Mesh, readMesh, type NdArray } from "../../../lib/data";
import { box, pointField, sphere } from "../../support/sphere-run";

const body = sphere(24, 1, [5, -3, 2]);

/** By the divergence theorem, exactly that of the polyhedron. */
function volumeOf({ points, cells }: Mesh): number {
  let six = 0;
  for (let t = 0; t < cells.connectivity.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => [0, 1, 2].map((d) => points[3 * cells.connectivity[t + k]! + d]!)) as [
      number[],
      number[],
      number[],
    ];
    six +=
      a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) +
      a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) +
      a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!);
  }
  return six / 6;
}

/** The same surface with its cells turned over, as OpenFOAM's patches are. */
function turned(mesh: Mesh): Mesh {
  const { connectivity, offsets, types } = mesh.cells;
  const flipped = Int32Array.from(connectivity);
  for (let t = 0; t < flipped.length; t += 3)
    [flipped[t + 1], flipped[t + 2]] = [connectivity[t + 2]!, connectivity[t + 1]!];
  return mesh.with({ cells: { connectivity: flipped, offsets, types } });
}

const loads = (options: Partial<SurfaceLoads> & { pressure: NdArray }): SurfaceLoads => ({
  mesh: body,
  location: "points",
  friction: null,
  factor: 1,
  referencePressure: 0,
  normals: "auto",
  centre: [5, -3, 2],
  ...options,
});

test("a uniform pressure does not push a closed body, whatever it is", () => {
  const { total, moment, area } = surfaceForces(loads({ pressure: pointField(body, 1, () => [101325]) }));
  for (const value of [...total, ...moment]) expect(Math.abs(value)).toBeLessThan(1e-5 * 101325);
  expect(area).toBeCloseTo(4 * Math.PI, 0);
});

test("a pressure that falls with height lifts a body by the weight of the fluid in its place (Archimedes)", () => {
  const [density, gravity] = [1000, 9.81];
  const pressure = {
    values: Float64Array.from(
      body.points.filter((_, i) => i % 3 === 2),
      (z) => -density * gravity * z,
    ),
    shape: [body.numberOfPoints],
  };
  const expected = density * gravity * volumeOf(body);
  for (const mesh of [body, turned(body)]) {
    const { total } = surfaceForces(loads({ mesh, pressure }));
    expect(total[0] / expected).toBeCloseTo(0, 9);
    expect(total[1] / expected).toBeCloseTo(0, 9);
    expect(total[2] / expected).toBeCloseTo(1, 9);
  }
});

test("the moment is that of the force at the centre of buoyancy", () => {
  const pressure = {
    values: Float64Array.from(
      body.points.filter((_, i) => i % 3 === 2),
      (z) => -z,
    ),
    shape: [body.numberOfPoints],
  };
  const { total, moment } = surfaceForces(loads({ pressure, centre: [0, 0, 0] }));
  // r × F with r = (5, -3, 2), F = (0, 0, V); pressure acts in the middle of a cell, so that it is exact to the size of the cells
  expect(moment[0] / total[2]).toBeCloseTo(-3, 2);
  expect(moment[1] / total[2]).toBeCloseTo(-5, 2);
  expect(moment[2] / total[2]).toBeCloseTo(0, 2);
});

test("a uniform friction pulls with the whole area, on points and on cells", () => {
  const pressure = pointField(body, 1, () => [0]);
  const onPoints = surfaceForces(loads({ pressure, friction: pointField(body, 3, () => [2, 0, -1]) }));
  expect(onPoints.friction![0]).toBeCloseTo(2 * onPoints.area, 5);
  expect(onPoints.total[2]).toBeCloseTo(-onPoints.area, 5);
  const cells = body.numberOfCells;
  const friction = { values: new Float32Array(3 * cells).map((_, i) => [2, 0, -1][i % 3]!), shape: [cells, 3] };
  const onCells = surfaceForces(
    loads({ location: "cells", pressure: { values: new Float32Array(cells), shape: [cells] }, friction }),
  );
  expect(onCells.friction).toEqual(onPoints.friction!.map((value) => expect.closeTo(value, 5) as number));
});

test("a kinematic pressure is multiplied, and the reference pressure taken off", () => {
  const pressure = pointField(body, 1, (x) => [3 + x]);
  const plain = surfaceForces(loads({ pressure }));
  const scaled = surfaceForces(loads({ pressure, factor: 1.2, referencePressure: 3 }));
  expect(scaled.total[0]).toBeCloseTo(1.2 * plain.total[0], 5);
});

describe("on which side the fluid is", () => {
  const half = (() => {
    const { connectivity, types } = body.cells;
    const kept = Array.from(types.keys()).filter((t) =>
      [0, 1, 2].every((k) => body.points[3 * connectivity[3 * t + k]! + 1]! >= -3 - 1e-9),
    );
    return body.with({
      numberOfCells: kept.length,
      cells: {
        connectivity: Int32Array.from(kept.flatMap((t) => [...connectivity.subarray(3 * t, 3 * t + 3)])),
        offsets: Int32Array.from({ length: kept.length + 1 }, (_, i) => 3 * i),
        types: new Uint8Array(kept.length).fill(CellType.TRIANGLE),
      },
    });
  })();
  const pressure = pointField(body, 1, () => [1]);

  test("half a body at a plane of symmetry is pushed onto the plane", () => {
    for (const mesh of [half, turned(half)]) {
      const [x, y, z] = surfaceForces(loads({ mesh, pressure })).total;
      expect(y).toBeCloseTo(-Math.PI, 1);
      expect(Math.hypot(x, z)).toBeLessThan(1e-6);
    }
  });

  test("a plate encloses nothing: it has to be said", () => {
    const plate = new Mesh({
      points: Float64Array.of(0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0),
      cells: {
        connectivity: Int32Array.of(0, 1, 2, 3),
        offsets: Int32Array.of(0, 4),
        types: Uint8Array.of(CellType.QUAD),
      },
    });
    const one = { values: Float32Array.of(1, 1, 1, 1), shape: [4] };
    expect(() => surfaceForces(loads({ mesh: plate, pressure: one }))).toThrow(
      /encloses a body, got an open one; say where its normals point: --normals/,
    );
    expect(surfaceForces(loads({ mesh: plate, pressure: one, normals: "out" })).total[2]).toBeCloseTo(-1, 12);
    expect(surfaceForces(loads({ mesh: plate, pressure: one, normals: "in" })).total[2]).toBeCloseTo(1, 12);
  });

  test("volumes are no surface", () => {
    const cells = box(2);
    expect(() => surfaceForces(loads({ mesh: cells, pressure: pointField(cells, 1, () => [1]) }))).toThrow(
      /expected a surface of triangles/,
    );
  });
});

describe("coefficients", () => {
  const forces = {
    pressure: [10, 2, 30],
    friction: [2, 0, 0],
    total: [12, 2, 30],
    moment: [0, 6, 0],
    area: 1,
  } as const;
  const reference = { density: 1.2, velocity: 10, area: 0.5 };

  test("are forces over dynamic pressure and area, along drag and lift", () => {
    expect(dynamicPressure(reference)).toBeCloseTo(60, 12);
    const found = forceCoefficients(forces, { ...reference, length: 2 });
    expect(found.cd).toBeCloseTo(12 / 30, 12);
    expect(found.cl).toBeCloseTo(1, 12);
    expect(found.cs).toBeCloseTo(2 / 30, 12); // lift × drag = z × x = y
    expect(found.cd_pressure).toBeCloseTo(10 / 30, 12);
    expect(found.cd_friction).toBeCloseTo(2 / 30, 12);
    expect(found.cm_pitch).toBeCloseTo(6 / 60, 12);
  });

  test("a velocity with an angle of attack turns drag and lift", () => {
    const angle = (10 * Math.PI) / 180;
    const { cd, cl } = forceCoefficients(forces, {
      ...reference,
      velocity: [10 * Math.cos(angle), 0, 10 * Math.sin(angle)],
    });
    expect(30 * cd).toBeCloseTo(12 * Math.cos(angle) + 30 * Math.sin(angle), 9);
    expect(30 * cl).toBeCloseTo(-12 * Math.sin(angle) + 30 * Math.cos(angle), 9);
  });

  test.each([
    ["density", { density: 0 }],
    ["velocity", { velocity: [0, 0, 0] as const }],
    ["area", { area: -1 }],
    ["length", { length: NaN }],
  ])("%s has to be positive", (name, wrong) => {
    expect(() => forceCoefficients(forces, { ...reference, ...wrong })).toThrow(`${name}: expected a number above 0`);
  });
});

describe("a case", () => {
  const domain: CaseDomain = {
    name: "surface",
    mesh: body,
    location: "points",
    metres: 1,
    positions: { values: new Float32Array(0), shape: [0, 3] },
    truth: new Map(),
  };
  const fields = {
    surface_pressure: pointField(body, 1, (x) => [x - 5]),
    surface_friction: pointField(body, 3, () => [-1, 0, 0]),
  };
  const of = (options: ForceOptions, metres = 1) =>
    caseForces({ ...domain, metres }, fieldsOfDomain("surface", fields), options);

  test("reference values that are missing are asked for by name", () => {
    expect(() => of({ area: 1 })).toThrow(
      /expected density, velocity, area for coefficients, got area; give --density and --velocity/,
    );
    expect(() => of({ pressureKind: "kinematic" })).toThrow(/give --density/);
    expect(of({}).coefficients).toBeNull();
  });

  test("a pressure coefficient becomes Pa by the dynamic pressure", () => {
    const reference = { density: 1.2, velocity: 10, area: 1 };
    const plain = of(reference).forces.pressure[0];
    expect(of({ ...reference, pressureKind: "coefficient" }).forces.pressure[0]).toBeCloseTo(60 * plain, 6);
    expect(of({ ...reference, pressureKind: "kinematic" }).forces.pressure[0]).toBeCloseTo(1.2 * plain, 6);
  });

  test("millimetres make areas a millionth", () => {
    expect(of({}, 1e-3).forces.area).toBeCloseTo(1e-6 * of({}).forces.area, 15);
  });

  test("the sign of OpenFOAM's wallShearStress is turned on request", () => {
    expect(of({}).forces.friction![0]).toBeLessThan(0);
    expect(of({ flipFriction: true }).forces.friction![0]).toBeCloseTo(-of({}).forces.friction![0], 12);
  });

  test("a field that is not there is named", () => {
    expect(() => of({ pressureField: "p_mean" })).toThrow(/expected the field "p_mean" on surface/);
  });
});

/**
 * Half of a body in RANS flow by OpenFOAM 1912's simpleFoam: its patch with `p` (kinematic) and `wallShearStress`, and the last lines of
 * its `forces` (rhoInf 1.2) and `forceCoeffs` (magUInf 30, Aref 0.07292331853071797, lRef 0.841, drag x, lift z, pitch y).
 */
test("forces, moments and coefficients are those of OpenFOAM's own functions", async () => {
  const mesh = await readMesh(join(__dirname, "fixtures", "openfoam-body.vtp"));
  const fields = { body_pressure: mesh.cellData.field("p"), body_friction: mesh.cellData.field("wallShearStress") };
  const positions = { values: new Float32Array(0), shape: [0, 3] };
  const domain: CaseDomain = { name: "body", mesh, location: "cells", metres: 1, positions, truth: new Map() };
  const { forces, coefficients } = caseForces(domain, fieldsOfDomain("body", fields), {
    density: 1.2,
    velocity: 30,
    area: 0.07292331853071797,
    length: 0.841,
    pressureKind: "kinematic",
    flipFriction: true,
  });
  const close = (found: readonly number[], expected: readonly number[]): void =>
    expected.forEach((value, d) => expect(Math.abs(found[d]! - value)).toBeLessThan(2e-5 * Math.hypot(...expected)));
  close(forces.pressure, [13.7576158, 53.156613, 1.60587899]);
  close(forces.friction!, [0.309923599, 0.023609681, -0.0229964632]);
  close(forces.total, [14.0675394, 53.1802227, 1.58288252]);
  close(forces.moment, [-11.2494142, 1.29586503, 15.2716064]);
  const { cd, cl, cs, cm_pitch } = coefficients!;
  close([cd, cs, cl], [0.357238254, 1.35048563, 0.0401965241]);
  expect(cm_pitch).toBeCloseTo(0.0391294364, 4);
});

import { CellType, FieldMap, Mesh, readMesh, writeMesh } from "../../../lib/data/readers";
import type { Body } from "./body";
import { randomNumbers } from "./cases";
import { DENSITY } from "./foam";

/** Points of the volume that a case keeps. */
const VOLUME_POINTS = 4000;

/** Rounded to multiples of a power of two, so that the files compress; far below the error of the simulation. */
function rounded(values: ArrayLike<number>, step: number): Float32Array {
  return Float32Array.from({ length: values.length }, (_, i) => Math.round(values[i]! / step) * step);
}

const POSITION_STEP = 2 ** -18;
const PRESSURE_STEP = 2 ** -6;
const STRESS_STEP = 2 ** -12;
const VELOCITY_STEP = 2 ** -9;

/** Names of OpenFOAM's fields: of the last iteration, or of the mean of the last ones. */
function fieldNames(averaged: boolean) {
  const suffix = averaged ? "Mean" : "";
  return { pressure: `p${suffix}`, velocity: `U${suffix}`, stress: `wallShearStress${suffix}` };
}
type FieldNames = ReturnType<typeof fieldNames>;

/**
 * The surface of the half body: its faces, turned outwards, with pressure and wall shear stress in Pa. The stress is the one
 * that the air exerts on the body; OpenFOAM's field of that name has the other sign and is divided by the density.
 */
function surfaceOf(body: Mesh, fields: FieldNames): Mesh {
  const { connectivity, offsets, types } = body.cells;
  const turned = new Int32Array(connectivity.length);
  for (let cell = 0; cell < types.length; cell++) {
    const [start, end] = [offsets[cell]!, offsets[cell + 1]!];
    for (let i = start; i < end; i++) turned[i] = connectivity[start + end - 1 - i]!;
  }
  const pressure = body.cellData.field(fields.pressure).values as Float64Array;
  const stress = body.cellData.field(fields.stress).values as Float64Array;
  const cellData = new FieldMap();
  cellData.set("p", {
    values: rounded(
      pressure.map((value) => value * DENSITY),
      PRESSURE_STEP,
    ),
    shape: [types.length],
  });
  cellData.set("wallShearStress", {
    values: rounded(
      stress.map((value) => -value * DENSITY),
      STRESS_STEP,
    ),
    shape: [types.length, 3],
  });
  return new Mesh({
    points: rounded(body.points, POSITION_STEP),
    cells: { connectivity: turned, offsets, types },
    cellData,
  });
}

/** Centres of random cells near the body and in its wake, with pressure in Pa and velocity in m/s. */
function volumeOf(mesh: Mesh, fields: FieldNames, body: Body, seed: number): Mesh {
  const centers = mesh.cellData.field("C").values as Float64Array;
  const pressure = mesh.cellData.field(fields.pressure).values as Float64Array;
  const velocity = mesh.cellData.field(fields.velocity).values as Float64Array;
  const inside: number[] = [];
  for (let cell = 0; cell < mesh.numberOfCells; cell++) {
    const [x, y, z] = [centers[3 * cell]!, centers[3 * cell + 1]!, centers[3 * cell + 2]!];
    if (x > -0.5 && x < body.length + 1 && y < 0.6 && z < 0.8) inside.push(cell);
  }
  const random = randomNumbers(seed);
  const count = Math.min(VOLUME_POINTS, inside.length);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (inside.length - i));
    [inside[i], inside[j]] = [inside[j]!, inside[i]!];
  }
  const chosen = inside.slice(0, count).sort((a, b) => a - b);
  const vectors = (values: Float64Array) => chosen.flatMap((cell) => [...values.subarray(3 * cell, 3 * cell + 3)]);
  const pointData = new FieldMap();
  pointData.set("p", {
    values: rounded(
      chosen.map((cell) => pressure[cell]! * DENSITY),
      PRESSURE_STEP,
    ),
    shape: [count],
  });
  pointData.set("U", { values: rounded(vectors(velocity), VELOCITY_STEP), shape: [count, 3] });
  return new Mesh({
    points: rounded(vectors(centers), POSITION_STEP),
    cells: {
      connectivity: Int32Array.from({ length: count }, (_, i) => i),
      offsets: Int32Array.from({ length: count + 1 }, (_, i) => i),
      types: new Uint8Array(count).fill(CellType.VERTEX),
    },
    pointData,
  });
}

/** Writes surface.vtp and volume.vtu of a finished case into `target`. */
export async function convert(
  folder: string,
  target: string,
  body: Body,
  { seed, averaged }: { readonly seed: number; readonly averaged: boolean },
): Promise<void> {
  const fields = fieldNames(averaged);
  const mesh = await readMesh(folder, { fields: [...Object.values(fields), "C"] });
  await writeMesh(surfaceOf(mesh.block("body"), fields), `${target}/surface.vtp`, { compression: "zlib" });
  await writeMesh(volumeOf(mesh, fields, body, seed), `${target}/volume.vtu`, { compression: "zlib" });
}

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { readMesh, readTable } from "../../lib/data";
import { surfaceForces } from "../../lib/inference";
import { HydraRunner } from "../../lib/training";
import { evaluate } from "../../examples/bluff-body/evaluate";
import { CarriedOver, SAME_PLACE, SAME_POSITION, type Faces } from "../../examples/bluff-body/faces";
import { KdTree } from "../../examples/bluff-body/kd-tree";
import { bodySurface } from "../../examples/bluff-body/generate/body";
import { latinHypercube, RANGES } from "../../examples/bluff-body/generate/cases";

const root = join(__dirname, "..", "..");
const data = join(root, "examples", "bluff-body", "data");

/** Volume that triangles enclose, positive where they are turned outwards (divergence theorem). */
function enclosedVolume(points: ArrayLike<number>, triangles: ArrayLike<number>): number {
  let volume = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => [0, 1, 2].map((d) => points[3 * triangles[t + k]! + d]!)) as [
      number[],
      number[],
      number[],
    ];
    volume +=
      (a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) +
        a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) +
        a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)) /
      6;
  }
  return volume;
}

describe("bodies", () => {
  const bodies = latinHypercube(6, 3);

  test("each interval of each parameter has one body", () => {
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      const intervals = bodies.map((body) =>
        Math.floor((6 * (body[name as keyof typeof RANGES] - low)) / (high - low)),
      );
      expect(intervals.sort((a, b) => a - b)).toEqual(Array.from({ length: 6 }, (_, i) => i));
    }
  });

  test.each(bodies.map((body, i) => [i, body] as const))("body %i is closed and turned outwards", (_, body) => {
    const { points, cells } = bodySurface(body);
    const edges = new Set<string>();
    for (let t = 0; t < cells.connectivity.length; t += 3) {
      for (const [from, to] of [
        [0, 1],
        [1, 2],
        [2, 0],
      ] as const) {
        const edge = `${cells.connectivity[t + from]!}-${cells.connectivity[t + to]!}`;
        edges.add(edge);
      }
    }
    // each edge once in each direction
    expect(edges.size).toBe(cells.connectivity.length);
    expect([...edges].filter((edge) => !edges.has(edge.split("-").reverse().join("-")))).toEqual([]);
    // the box without its slant, its nose and its edges: between 75 and 100 %
    const { length, width, height, slant_angle, slant_length } = body;
    const turn = (slant_angle * Math.PI) / 180;
    const wedge = (slant_length ** 2 * Math.sin(turn) * Math.cos(turn) * width) / 2;
    const share = enclosedVolume(points, cells.connectivity) / (length * width * height - wedge);
    expect(share).toBeGreaterThan(0.75);
    expect(share).toBeLessThan(1);
  });

  test("extents are those of the parameters", () => {
    for (const body of bodies) {
      const { points } = bodySurface(body);
      const along = (axis: number) => points.filter((_: number, i: number) => i % 3 === axis);
      const extent = (axis: number) => [Math.min(...along(axis)), Math.max(...along(axis))];
      expect(extent(0)[0]).toBeCloseTo(0, 9);
      expect(extent(0)[1]).toBeCloseTo(body.length, 9);
      expect(extent(1)[1]).toBeCloseTo(body.width / 2, 9);
      expect(extent(2)[0]).toBeCloseTo(body.ride_height, 9);
      expect(extent(2)[1]).toBeCloseTo(body.ride_height + body.height, 9);
    }
  });
});

describe("data", () => {
  const names = readdirSync(data).filter((name) => name.startsWith("body_"));

  test("40 cases or more, 20 MB or less, a row of cases.csv each", async () => {
    const files = names.flatMap((name) => ["surface.vtp", "volume.vtu"].map((file) => join(data, name, file)));
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(20e6);
    expect([...(await readTable(join(data, "cases.csv"))).texts.get("case")!].sort()).toEqual(names.sort());
  });

  test("forces of the surface are those that OpenFOAM integrated, within what the files are rounded to", async () => {
    const table = await readTable(join(data, "cases.csv"));
    for (const [row, name] of table.texts.get("case")!.entries()) {
      const mesh = await readMesh(join(data, name, "surface.vtp"));
      const { pressure, friction } = surfaceForces({
        mesh,
        location: "cells",
        pressure: mesh.cellData.field("p"),
        friction: mesh.cellData.field("wallShearStress"),
        factor: 1,
        referencePressure: 0,
        normals: "out",
        centre: [0, 0, 0],
      });
      for (const [i, axis] of ["x", "y", "z"].entries()) {
        // forces are up to 60 N; pressures are rounded to 1/64 Pa on 0.8 m², stresses to 1/4096 Pa
        expect(Math.abs(pressure[i]! - Number(table.field(`force_pressure_${axis}`).values[row]))).toBeLessThan(5e-3);
        expect(Math.abs(friction![i]! - Number(table.field(`force_viscous_${axis}`).values[row]))).toBeLessThan(5e-4);
      }
    }
  });

  test("the air comes to rest at the nose: the largest pressure is the dynamic pressure of the free stream", async () => {
    for (const name of names) {
      const { cellData } = await readMesh(join(data, name, "surface.vtp"), { fields: ["p"] });
      const largest = Math.max(...(cellData.field("p").values as Float32Array)) / (0.5 * 1.2 * 30 ** 2);
      expect(largest).toBeGreaterThan(0.93);
      expect(largest).toBeLessThan(1.05);
    }
  });
});

describe("baselines", () => {
  const plate = (size: number, pressure: number[]): Faces => ({
    name: "plate",
    position: Float32Array.of(0, 0, 0, size, 0, size, 0, size, size, size, size, 0),
    normals: Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1),
    pressure: Float32Array.from(pressure),
  });
  const training = [plate(1, [1, 2, 3, 4]), plate(3, [3, 4, 5, 6])];
  const other = plate(2, [0, 0, 0, 0]);

  test("the mean field is taken at the same places of bodies of another size", () => {
    new CarriedOver(training, SAME_PLACE).mean(other).forEach((value, i) => expect(value).toBeCloseTo(2 + i, 4));
  });
  test("or at the same positions in space", () => {
    const same = new CarriedOver(training.slice(1), SAME_POSITION).field(0, plate(3, [0, 0, 0, 0]));
    same.forEach((value, i) => expect(value).toBeCloseTo(3 + i, 4));
  });
  test("the field of one case", () => {
    new CarriedOver(training, SAME_PLACE).field(1, other).forEach((value, i) => expect(value).toBeCloseTo(3 + i, 4));
  });

  test("nearest neighbours are those of an exhaustive search", () => {
    const points = Float32Array.from({ length: 600 }, (_, n) => Math.abs((Math.sin(12.9898 * n) * 43758.5453) % 1));
    const tree = new KdTree(points, 3);
    for (const place of [
      [0.5, 0.5, 0.5],
      [0, 1, 0.2],
    ]) {
      const all = Array.from({ length: 200 }, (_, n) =>
        Math.hypot(...place.map((value, d) => value - points[3 * n + d]!)),
      );
      const expected = all.map((_, n) => n).sort((a, b) => all[a]! - all[b]!);
      expect(tree.nearest(place, 5).indices).toEqual(expected.slice(0, 5));
    }
  });
});

describe("the run", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "bluff-body-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("two updates on a few cases, errors beside the baselines, drag, and a picture", async () => {
    const splits = "{train: [body_01, body_02, body_03], val: [body_05], test: [body_06, body_07]}";
    const overrides = [
      "+num_workers=0",
      "trainer.max_epochs=null",
      "+trainer.max_updates=2",
      "trainer.callbacks=[{kind: noether.core.callbacks.CheckpointCallback, every_n_updates: 2, save_weights: false, save_latest_weights: true, save_latest_optim: false}]",
      ...["train", "val", "test"].flatMap((key) => [
        `datasets.${key}.splits=${splits}`,
        `datasets.${key}.cases=["body_01/", "body_02/", "body_03/", "body_05/", "body_06/", "body_07/"]`,
      ]),
      `dataset_root=${data}`,
      "model.hidden_dim=18",
      "pipeline.num_points={surface: 16, volume: 16}",
      "pipeline.geometry.num_points=64",
      "pipeline.geometry.num_supernodes=8",
      "+run_id=tiny",
      `output_path=${directory}`,
    ];
    const parsed = parseHydraArguments([join(root, "examples", "bluff-body", "train.yaml"), ...overrides]);
    if (parsed.action !== "run") throw new Error("expected a run");
    await new HydraRunner().run(composeConfig(parsed));

    const metrics = await evaluate(join(directory, "tiny"));
    expect(metrics.cases.map(({ name }) => name)).toEqual(["body_06", "body_07"]);
    const { model, mean_field, mean_field_on_body, nearest_case } = metrics.relative_l2["surface_pressure"]!;
    // an untrained model is no better than no model, the baselines are
    expect(model).toBeGreaterThan(0.5);
    for (const baseline of [mean_field!, mean_field_on_body!, nearest_case!]) {
      expect(baseline).toBeGreaterThan(0);
      expect(baseline).toBeLessThan(1);
    }
    for (const { drag_coefficient } of metrics.cases) {
      expect(Number.isFinite(drag_coefficient.predicted)).toBe(true);
      expect(drag_coefficient.openfoam).toBeGreaterThan(0.2);
    }
    const files = readdirSync(join(directory, "tiny", "train"));
    expect(files).toEqual(expect.arrayContaining(["metrics.json", "prediction.vtp", "prediction.png"]));
    const png = readFileSync(join(directory, "tiny", "train", "prediction.png"));
    expect(png.subarray(1, 4).toString()).toBe("PNG");
  });
});

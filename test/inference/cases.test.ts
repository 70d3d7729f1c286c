import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FieldMap, Mesh, readArrays, readMesh, writeArrays, writeMesh, type NdArray } from "../../lib/data";
import type { DescribedRun } from "../../lib/inference/predict/run-fields";
import { fieldErrors, FieldErrorSums, loadRun, readCase, writePrediction, type TrainedRun } from "../../lib/inference";
import { getNumThreads, setNumThreads } from "../../lib/torch";
import { airfoilCase, trainAirfoil } from "../support/airfoil-run";
import { temporaryFolder } from "../support/small-run";
import { box, sphere, trainSpheres, writeSphereCase } from "../support/sphere-run";

const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));
const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);

describe("a run that was trained on a folder knows what its files mean", () => {
  let run: TrainedRun;
  let example: string;
  beforeAll(async () => {
    run = await loadRun(await trainSpheres(folder.path));
    example = await writeSphereCase(at("new"), { radius: 1.05, speed: 12 });
  }, 60_000);
  afterAll(() => run.dispose());

  test("inputs, truth and meshes of a case that it has not seen", async () => {
    const { name, inputs, domains } = await readCase(run, example);
    expect(name).toBe("new");
    expect(Object.keys(inputs).sort()).toEqual(["inflow", "surface_position", "volume_position"]);
    expect(inputs["inflow"]).toEqual({ values: Float32Array.of(12), shape: [1] });
    expect(
      domains.map((domain) => [domain.name, domain.location, domain.positions.shape, [...domain.truth.keys()]]),
    ).toEqual([
      ["surface", "points", [62, 3], ["surface_pressure", "surface_friction"]],
      ["volume", "cells", [64, 3], ["volume_velocity"]],
    ]);
  });

  test.each(["body.stl", "body.obj"])("%s alone is the surface, and a slice around it the volume", async (name) => {
    const body = sphere(8);
    await writeMesh(body, at(name));
    await expect(readCase(run, at(name))).rejects.toThrow(/expected inflow, numbers of the whole case/);
    const { domains } = await readCase(run, at(name), { conditions: { inflow: 12 } });
    const [surface, volume] = domains;
    expect([surface!.name, surface!.mesh!.numberOfPoints, surface!.truth.size]).toEqual([
      "surface",
      body.numberOfPoints,
      0,
    ]);
    expect(volume!.name).toBe("volume");
    const { values, shape } = volume!.positions;
    expect(shape[0]).toBeGreaterThan(1000);
    expect(values.every((value, i) => i % 3 !== 1 || Math.abs(value) < 1e-6)).toBe(true); // normal to y, in the middle
    const fields = await run.predict((await readCase(run, at(name), { conditions: { inflow: 12 } })).inputs);
    expect(fields["volume_velocity"]!.shape).toEqual([shape[0], 3]);
  });

  test("the fields are written where the points are, beside those of the file", async () => {
    const files = await readCase(run, example);
    const fields = await run.predict(example);
    expect(Object.keys(fields)).toEqual(["surface_pressure", "surface_friction", "volume_velocity"]);
    const written = await writePrediction(run, { files, fields }, at("out"));
    expect(written).toEqual([at("out/surface.vtp"), at("out/volume.vtu")]);
    const [surface, volume] = [await readMesh(written[0]!), await readMesh(written[1]!)];
    const source = await readMesh(join(example, "surface.vtp"));
    expect(surface.points).toEqual(source.points);
    expect(surface.cells.connectivity).toEqual(source.cells.connectivity);
    expect([...surface.pointData.keys()]).toEqual([
      "p",
      "tau",
      "quality",
      "pressure_predicted",
      "pressure_error",
      "friction_predicted",
      "friction_error",
    ]);
    expect(surface.pointData.field("pressure_predicted").values).toEqual(fields["surface_pressure"]!.values);
    const [predicted, truth, error] = ["pressure_predicted", "p", "pressure_error"].map(
      (key) => surface.pointData.field(key).values as Float32Array,
    );
    error!.forEach((value, i) => expect(value).toBeCloseTo(predicted![i]! - truth![i]!, 6));
    expect(volume.cellData.field("velocity_predicted")).toEqual(fields["volume_velocity"]);
    expect(volume.numberOfCells).toBe(64);
  });

  test("in float64 what the files have in it keeps its digits, on the way in and out", async () => {
    using double = await loadRun(run.identity.folder, { dtype: "float64" });
    const exact = at("exact");
    mkdirSync(exact);
    const body = sphere(5);
    const pressure = Float64Array.from({ length: body.numberOfPoints }, (_, i) => 1 + i / 3);
    const pointData = new FieldMap([["p", { values: pressure, shape: [pressure.length] }]]);
    await writeMesh(body.with({ pointData }), join(exact, "surface.vtp"));
    await writeMesh(box(2), join(exact, "volume.vtu"));
    const files = await readCase(double, exact, { conditions: { inflow: 11 } });
    const [surface] = files.domains;
    expect(surface!.positions.values).toEqual(body.points);
    expect(surface!.truth.get("surface_pressure")!.values).toEqual(pressure);
    const fields = await double.predict(files.inputs);
    await writePrediction(double, { files, fields }, at("exact_out"));
    const { pointData: written } = await readMesh(at("exact_out/surface.vtp"));
    const { values } = written.field("pressure_predicted");
    expect(values).toBeInstanceOf(Float64Array);
    expect(values).toEqual(fields["surface_pressure"]!.values);
    expect(written.field("pressure_error").values).toEqual(
      fields["surface_pressure"]!.values.map((value, i) => value - pressure[i]!),
    );
    const single = await run.predict(exact, { files: { conditions: { inflow: 11 } } });
    single["surface_pressure"]!.values.forEach((value, i) => expect(values[i]).toBeCloseTo(value, 4));
  });

  test("one archive holds all domains, tables have one each", async () => {
    const files = await readCase(run, example);
    const fields = await run.predict(example);
    await writePrediction(run, { files, fields }, at("all.npz"));
    const arrays = await readArrays(at("all.npz"));
    expect(arrays.field("surface_pressure_predicted").values).toEqual(fields["surface_pressure"]!.values);
    expect(arrays.field("volume_position").shape).toEqual([64, 3]);
    expect(await writePrediction(run, { files, fields }, at("t.csv"))).toEqual([
      at("t_surface.csv"),
      at("t_volume.csv"),
    ]);
    const table = await readArrays(at("t_volume.csv"));
    expect([...table.keys()]).toEqual([
      "x",
      "y",
      "z",
      "U_0",
      "U_1",
      "U_2",
      "velocity_predicted_0",
      "velocity_predicted_1",
      "velocity_predicted_2",
      "velocity_error_0",
      "velocity_error_1",
      "velocity_error_2",
    ]);
    expect(Float32Array.from(table.field("velocity_predicted_1").values as Float64Array)).toEqual(
      fields["volume_velocity"]!.values.filter((_, i) => i % 3 === 1),
    );
  });

  test("a file without the fields is predicted all the same", async () => {
    const bare = at("bare");
    mkdirSync(bare);
    await writeMesh(sphere(5), join(bare, "surface.vtp"));
    await writeMesh(box(2), join(bare, "volume.vtu"));
    const { domains } = await readCase(run, bare, { conditions: { inflow: 11 } });
    expect(domains.map(({ truth }) => truth.size)).toEqual([0, 0]);
    expect((await run.predict(bare, { files: { conditions: { inflow: 11 } } }))["volume_velocity"]!.shape).toEqual([
      8, 3,
    ]);
  });

  test("other files, names and numbers can be given", async () => {
    const other = at("other");
    mkdirSync(other);
    cpSync(join(example, "volume.vtu"), join(other, "volume.vtu"));
    writeFileSync(join(other, "inflow.json"), '{"speed": 13}');
    const mesh = sphere(4);
    await writeMesh(
      mesh.with({
        pointData: new FieldMap([
          ["Cp", { values: new Float32Array(mesh.numberOfPoints).fill(2), shape: [mesh.numberOfPoints] }],
        ]),
      }),
      at("elsewhere.vtp"),
    );
    const { domains } = await readCase(run, other, {
      domains: { surface: at("elsewhere.vtp") },
      fields: { surface_pressure: "Cp" },
    });
    expect(domains[0]!.positions.shape).toEqual([mesh.numberOfPoints, 3]);
    expect(domains[0]!.truth.get("surface_pressure")!.values[0]).toBe(2);
  });

  test.each([
    ["a case that is not there", "nowhere", {}, /nowhere: expected a case \(a folder or a file\), got nothing/],
    [
      "a domain that the run has not",
      "new",
      { domains: { wing: "x.vtp" } },
      /domain "wing" is not of this run; known: "surface", "volume"/,
    ],
    ["a field that the run has not", "new", { fields: { heat: "q" } }, /field "heat" is not of this run/],
    [
      "a condition that the run has not",
      "new",
      { conditions: { mach: 1 } },
      /condition "mach" is not of this run; known: "inflow"/,
    ],
    ["a plane of one axis", "new", { plane: "xx" }, /plane: expected two of the axes/],
    ["a plane where the config says the axes", "new", { plane: "xz" }, /plane: expected none, got "xz"/],
    ["a folder without the files", ".", {}, /has no file "surface.vtp"/],
  ])("%s is an error", async (_, path, options, message) => {
    await expect(readCase(run, join(folder.path, path), options)).rejects.toThrow(message);
  });

  test("a file that cannot be written is refused before, and nothing is left", async () => {
    const files = await readCase(run, example);
    const fields = await run.predict(example);
    const before = readdirSync(folder.path);
    await expect(writePrediction(run, { files, fields }, at("x.stl"))).rejects.toThrow(
      /expected a folder, or a name with one of the endings .vtp, .vtu, .npz, .csv, got .stl/,
    );
    await expect(writePrediction(run, { files, fields }, at("no/such/x.vtp"))).rejects.toThrow(
      /expected an existing folder/,
    );
    expect(readdirSync(folder.path)).toEqual(before);
  });
});

test("points of a run without domains have the names of its inputs, or come from a mesh", async () => {
  const points = Float32Array.of(0, 0, 1, 0, 0, 1);
  const run: DescribedRun = {
    domains: [""],
    inputs: [
      { name: "position", role: "position", domain: "", channels: null },
      { name: "inflow", role: "condition", domain: "", channels: null },
    ],
    outputs: [{ name: "pressure", domain: "", field: "pressure", channels: null }],
    datasetConfig: null,
    dtype: "float32",
  };
  const arrays: [string, NdArray<Float32Array>][] = [
    ["position", { values: points, shape: [3, 2] }],
    ["inflow", { values: Float32Array.of(12), shape: [1] }],
    ["pressure", { values: Float32Array.of(1, 2, 3), shape: [3, 1] }],
  ];
  await writeArrays(new Map(arrays), at("points.npz"));
  const { inputs, domains } = await readCase(run, at("points.npz"));
  expect(Object.keys(inputs).sort()).toEqual(["inflow", "position"]);
  expect(inputs["position"]).toEqual({ values: points, shape: [3, 2] });
  expect(domains.map(({ name, truth }) => [name, [...truth.keys()]])).toEqual([["", ["pressure"]]]);
  await writeMesh(new Mesh({ points: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0) }), at("points.vtp"));
  const mesh = await readCase(run, at("points.vtp"), { plane: "xy", conditions: { inflow: 12 } });
  expect(mesh.inputs["position"]).toEqual({ values: points, shape: [3, 2] });
});

describe("a run of other data is told", () => {
  let run: TrainedRun;
  beforeAll(async () => {
    run = await loadRun(await trainAirfoil(folder.path));
  }, 60_000);
  afterAll(() => run.dispose());

  test("arrays by the names of the inputs need nothing", async () => {
    const sample = airfoilCase(0);
    const arrays = Object.entries(sample).map(
      ([name, value]) => [name, { values: value.contiguous().dataSync() as Float32Array, shape: value.shape }] as const,
    );
    await writeArrays(new Map(arrays), at("case.npz"));
    const fields = await run.predict(at("case.npz"));
    expect(fields).toEqual(await run.predict(sample));
    const { domains } = await readCase(run, at("case.npz"));
    expect(domains.map(({ mesh, truth }) => [mesh, [...truth.keys()]])).toEqual([
      [null, ["surface_pressure"]],
      [null, ["volume_velocity", "volume_pressure"]],
    ]);
    await expect(
      writePrediction(run, { files: await readCase(run, at("case.npz")), fields }, at("x.vtp")),
    ).rejects.toThrow(/expected a mesh for the domain "surface", got arrays only/);
    expect(existsSync(at("x_surface.vtp"))).toBe(false);
  });

  /** A plane mesh of an airfoil's points. */
  const plane = async (
    key: string,
    file: string,
    order: (x: number, y: number) => readonly number[] = (x, y) => [x, y, 0],
  ): Promise<Mesh> => {
    const flat = airfoilCase(0)[key]!.contiguous().dataSync() as Float32Array;
    const points = new Float32Array((flat.length / 2) * 3);
    for (let i = 0; i < flat.length / 2; i++) points.set(order(flat[2 * i]!, flat[2 * i + 1]!), 3 * i);
    const mesh = new Mesh({ points });
    await writeMesh(mesh, at(file));
    return mesh;
  };

  test("meshes in a plane: which is which domain, and the numbers of the case", async () => {
    await plane("surface_position", "wing.vtp");
    await plane("volume_position", "flow.vtp");
    const given = {
      domains: { surface: at("wing.vtp") },
      conditions: { inflow_design_parameters: airfoilCase(0)["inflow_design_parameters"]!.toArray() as number[] },
    };
    const expected = await run.predict(airfoilCase(0));
    expect(await run.predict(at("flow.vtp"), { files: given })).toEqual(expected);
    await plane("surface_position", "wing_xz.vtp", (x, y) => [x, 3, y]);
    await plane("volume_position", "flow_xz.vtp", (x, y) => [x, 3, y]);
    const turned = { ...given, domains: { surface: at("wing_xz.vtp"), volume: at("flow_xz.vtp") } };
    expect(await run.predict(at("flow_xz.vtp"), { files: { ...turned, plane: "xz" } })).toEqual(expected);
    await expect(run.predict(at("flow_xz.vtp"), { files: turned })).rejects.toThrow(
      /in a plane of constant z.*give --plane/,
    );
  });

  test("what is not told is asked for by name", async () => {
    await plane("volume_position", "flow.vtp");
    await expect(readCase(run, at("flow.vtp"))).rejects.toThrow(
      /which file is which domain of the run \(surface, volume\); give --domain surface=FILE/,
    );
    await expect(readCase(run, at("flow.vtp"), { domains: { surface: at("flow.vtp") } })).rejects.toThrow(
      /expected inflow_design_parameters, numbers of the whole case; give --set inflow_design_parameters=/,
    );
    await expect(readCase(run, at("flow.vtp"), { domains: { surface: at("gone.vtp") } })).rejects.toThrow(
      /gone\.vtp: expected the file of a domain/,
    );
    await expect(readCase(run, at("flow.vtp"), { domains: { surface: `${at("flow.vtp")}#wing` } })).rejects.toThrow(
      /has no blocks/,
    );
  });
});

describe("errors of a field", () => {
  const field = (...values: number[]) => ({ values: Float32Array.from(values), shape: [values.length] });

  test("by their formulas", () => {
    expect(fieldErrors(field(1, 2, 5), field(1, 2, 3))).toEqual({
      relative_l2: expect.closeTo(Math.sqrt(4 / 14), 9) as number,
      mae: expect.closeTo(2 / 3, 9) as number,
      max_error: 2,
      r2: expect.closeTo(1 - 4 / 2, 9) as number,
    });
  });

  test("R² is against the mean of each channel", () => {
    const truth = { values: Float32Array.of(0, 100, 2, 102), shape: [2, 2] };
    const predicted = { values: Float32Array.of(1, 101, 1, 101), shape: [2, 2] };
    expect(fieldErrors(predicted, truth).r2).toBeCloseTo(0, 9);
  });

  test("over several cases as over one with all points; points without truth do not count", () => {
    const whole = fieldErrors(field(1, 2, 3, 4), field(2, 2, 5, 1));
    const parts = new FieldErrorSums()
      .push(field(1, 2, 9), field(2, 2, NaN))
      .push(field(3, 4), field(5, 1))
      .finish();
    for (const [name, value] of Object.entries(whole)) expect(parts[name as keyof typeof parts]).toBeCloseTo(value, 9);
  });
});

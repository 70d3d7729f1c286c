import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { checkSplits, prepareDatasets, SimshiftHeatsinkConfig, SimshiftHeatsinkDataset } from "../../../../lib/data";
import { findKind } from "../../../../lib/config/registry";
import { HubServer } from "../../../support/hub-server";
import { zipOf } from "../../../support/zip";
import { values } from "../../support";
import { rows, testFolder } from "./support";
import { builtPackage } from "../../../support/child";

const SPLITS = {
  easy: { src: { train: [3, 0, 4], val: [1], test: [2] }, tgt: { train: [5], test: [6, 7] } },
  hard: { src: { train: [0, 8], val: [1], test: [2] }, tgt: { train: [5], test: [7, 9] } },
};
// columns that are the same in all simulations are no parameters, wherever they stand
const METADATA = [
  "sample_id,nFins,envTemp,thickness,flowVelocity,height1,height2,length,pressure,tempSink,turbulentKE,turbulentOmega,width",
  ...[0, 1, 2, 3, 4].map((id) => `${id},${5 + id},300,0.0${id + 1},1,2,0.5,3,1e5,${340 + id},4,5,6`),
].join("\n");

const write = (splits: unknown = SPLITS, metadata = METADATA) => {
  writeFileSync(join(testFolder(), "splits.json"), JSON.stringify(splits));
  writeFileSync(join(testFolder(), "metadata.csv"), metadata);
};
const create = (more: Record<string, unknown> = {}) =>
  new SimshiftHeatsinkDataset(SimshiftHeatsinkConfig.create({ root: testFolder(), split: "train", ...more }));
const ids = (more: Record<string, unknown>) => create(more).entries.map(({ id }) => id);

test("a sample has the fields of its file and its parameters, from a folder and from the archive", () => {
  const folder = join(testFolder(), "data");
  const script = join(__dirname, "read-simshift.ts");
  // the package that reads HDF5 is an ES module, which Jest does not load
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", builtPackage, script, folder, JSON.stringify(SPLITS), METADATA],
    { encoding: "utf8" },
  );
  if (stdout === "") throw new Error(stderr);
  const problem = (uri: string) =>
    `SimshiftHeatsinkDataset: expected numbers (N, 1) as "element_fields/p_rgh" in ${uri}, received (2, 2)`;
  const expected = {
    index: 1,
    sample: {
      simulation_parameters: [[5, Math.fround(0.01), 0.5, 340]],
      volume_position: rows(0, 4, 3),
      volume_pressure: rows(0, 4, 1),
      volume_temperature: rows(2000, 4, 1),
      volume_velocity: rows(1000, 4, 3),
    },
  };
  expect(JSON.parse(stdout)).toEqual([
    { ...expected, problem: problem(join(folder, "4.h5")) },
    { ...expected, problem: problem(`${join(folder, "heatsink.zip")}!heatsink/4.h5`) },
  ]);
});

test("ids by split, difficulty and domain, in the order of the file; the target domain evaluates on its test split", () => {
  write();
  expect(ids({ difficulty: "easy", domain: "source" })).toEqual(["3", "0", "4"]);
  expect(ids({ difficulty: "hard" })).toEqual(["0", "8", "5"]);
  expect(ids({ domain: "target", split: "test" })).toEqual(["6", "7", "9"]);
  expect(ids({ domain: "target", split: "val" })).toEqual(["6", "7", "9"]);
  expect(ids({ split: "val" })).toEqual(["1", "6", "7", "9"]);
  expect(ids({})).toEqual(["3", "0", "4", "5", "8"]);
});

test("where a sample comes from, and what it is", () => {
  write();
  const uri = join(testFolder(), "6.h5");
  const target = create({ difficulty: "easy", domain: "target", split: "val" });
  const info = { sample_uri: uri, sample_id: "6", difficulty: "easy", domain: "target", split: "test" };
  expect(target.sampleInfo(0)).toEqual(info);
  expect(target.sampleFiles(0)).toEqual([uri, join(testFolder(), "metadata.csv")]);
  expect(() => target.sampleInfo(2)).toThrow(RangeError);
});

test("the target's val and test split, which are the same, are no samples in two splits; others are", () => {
  write();
  const [val, test] = ["val", "test"].map((split) => create({ domain: "target", split }));
  expect(() => checkSplits(new Map([["val", val!] as const, ["test", test!] as const]))).not.toThrow();
  write({ ...SPLITS, hard: { src: { train: [2], val: [1], test: [4] }, tgt: { train: [], test: [] } } });
  const [train, other] = ["train", "test"].map((split) => create({ domain: "source", split }));
  const both = new Map([["train", train!] as const, ["test", other!] as const]);
  expect(() => checkSplits(both)).toThrow(/"train" \(split "train"\) and "test" \(split "test"\) share 2 samples/);
});

test("parameters are normalised with the statistics of the data set", async () => {
  write();
  const kind = "noether.data.preprocessors.normalizers.FieldNormalizer";
  const dataset_normalizers = { simulation_parameters: { kind } };
  const dataset = create({ difficulty: "easy", domain: "source", dataset_normalizers });
  // (value - mean) / deviation of the 5 published parameters; here the columns are 4
  await expect(dataset.getitem("simulation_parameters", 1)).rejects.toThrow();
  write(SPLITS, ["sample_id,a,b,c,d,e", "3,5,0.01,0.05,340,0.003"].join("\n"));
  const [row] = values(await create({ dataset_normalizers }).getitem("simulation_parameters", 0)) as number[][];
  const mean = [
    7.175824175824167, 0.010300609003979892, 0.06825030483623869, 369.99999999999983, 0.0035012211094545584,
  ];
  const std = [
    2.260179720735956, 0.004141833545206589, 0.013713078315842453, 20.417404723615615, 0.0004188393936861241,
  ];
  [5, 0.01, 0.05, 340, 0.003].forEach((value, i) => expect(row![i]).toBeCloseTo((value - mean[i]!) / std[i]!, 4));
});

test("files that are missing or have other content", async () => {
  expect(() => create()).toThrow(/expected the file .*splits.json, but there is none/);
  expect(() => create({ root: join(testFolder(), "none") })).toThrow(/expected root to be the folder or the archive/);
  write();
  expect(() => create({ difficulty: "medium" })).toThrow(
    /expected "medium" in .*splits.json, which has there easy, hard/,
  );
  const far = create({ difficulty: "easy", domain: "target" });
  await expect(far.getitem("simulation_parameters", 0)).rejects.toThrow(/expected a row "5" in .*metadata.csv/);
  await expect(far.getitem("volume_pressure", 0)).rejects.toThrow(/expected the file .*5.h5, but there is none/);
  for (const id of ["../x", "", null, 1.5]) {
    write({ easy: { src: { train: [id] }, tgt: { train: [] } } });
    expect(() => create()).toThrow('expected a list of ids as "easy.src.train"');
  }
  write(SPLITS, METADATA.replace("sample_id", "sample"));
  expect(() => create()).toThrow(/expected a column sample_id in .*metadata.csv, which has sample, nFins/);
  write(SPLITS, METADATA.replace("0,5,", "0,five,"));
  expect(() => create()).toThrow(/expected numbers in the column nFins/);
  writeFileSync(join(testFolder(), "splits.json"), "{");
  expect(() => create()).toThrow("to be JSON");
});

test("ids of the table and of the splits are the same however they are written", async () => {
  write({ easy: { src: { train: ["003"] }, tgt: { train: ["b1"] } } }, METADATA);
  expect((values(await create().getitem("simulation_parameters", 0)) as number[][])[0]).toContain(8);
  write({ easy: { src: { train: ["b1"] }, tgt: { train: [] } } }, "sample_id,nFins\na,1\nb1,7");
  expect(values(await create().getitem("simulation_parameters", 0))).toEqual([[7]]);
});

describe("the published archive", () => {
  const archive = zipOf({ "heatsink/splits.json": JSON.stringify(SPLITS), "heatsink/metadata.csv": METADATA });
  let server: HubServer;
  const before = process.env["HF_ENDPOINT"];
  beforeEach(async () => {
    server = new HubServer();
    await server.start();
    server.put("datasets", "simshift/SIMSHIFT_data", { "heatsink.zip": archive, "other.zip": "no" });
    process.env["HF_ENDPOINT"] = server.url;
    jest.spyOn(os, "homedir").mockReturnValue(testFolder());
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    if (before === undefined) delete process.env["HF_ENDPOINT"];
    else process.env["HF_ENDPOINT"] = before;
    await server.close();
  });
  const path = () => join(testFolder(), ".cache/emmi/datasets/simshift_heatsink/heatsink.zip");

  test("is fetched before a run where there is no root, once", async () => {
    const config = SimshiftHeatsinkConfig.create({ split: "test", difficulty: "easy", domain: "source" });
    expect(() => new SimshiftHeatsinkDataset(config)).toThrow(/await SimshiftHeatsinkDataset.download\(\), or give/);
    await prepareDatasets({ train: config });
    expect(readFileSync(path())).toEqual(archive);
    await server.close();
    await prepareDatasets({ train: config });
    const dataset = new SimshiftHeatsinkDataset(config);
    expect(dataset.sampleInfo(0)?.sample_uri).toBe(`${path()}!heatsink/2.h5`);
    expect((values(await dataset.getitem("simulation_parameters", 0)) as number[][])[0]).toContain(7);
    await expect(dataset.getitem("volume_pressure", 0)).rejects.toThrow("expected heatsink/2.h5 in");
  });

  test("is fetched to a folder of one's own", async () => {
    mkdirSync(join(testFolder(), "own"));
    const own = await SimshiftHeatsinkDataset.download(join(testFolder(), "own"));
    expect(own).toBe(join(testFolder(), "own", "heatsink.zip"));
    expect(create({ root: own, split: "val", difficulty: "easy", domain: "source" }).length).toBe(1);
    expect(existsSync(path())).toBe(false);
    expect(() => create({ root: own, splits_path: "x.json" })).toThrow(/splits_path and metadata_path are for folders/);
  });
});

test.each(["", "simshift.", "simshift.dataset."])("its kinds", (module) =>
  expect(findKind(`noether.data.datasets.cfd.${module}SimshiftHeatsinkDataset`)?.class).toBe(SimshiftHeatsinkDataset),
);

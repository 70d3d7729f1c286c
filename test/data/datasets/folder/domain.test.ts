/** What a domain reads of the files of a case, format by format. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Mesh, writeArray, writeMesh, type FolderDataset } from "../../../../lib/data";
import { save, saveSafetensors, scope, tensor } from "../../../../lib/torch";
import { writeOpenFoamCase } from "./openfoam-case";
import { failure, fields, open, square, temporaryFolder, writeCases, writeText } from "./support";

const root = temporaryFolder();
const rows = async (dataset: FolderDataset, key: string, index = 0): Promise<unknown> =>
  scope(async () => (await dataset.getitem(key, index)).toArray());

/** Values of one property of the first case. */
const read = (cases: string, domain: object, property: string, more: object = {}): Promise<unknown> =>
  rows(open(root, { cases, domains: { d: domain, ...more } }), `d_${property}`);
const refusal = (cases: string, domain: object, property: string, more: object = {}): Promise<string> =>
  failure(() => read(cases, domain, property, more));

describe("VTK", () => {
  beforeAll(() =>
    writeCases(join(root, "vtk"), {
      a: {
        "surface.vtp": square({
          size: 2,
          points: { p: Float32Array.of(1, 2, 3, 4), U: Float32Array.from({ length: 12 }, (_, i) => i) },
          cells: { q: Float32Array.of(5, 6) },
          whole: { drag: Float64Array.of(0.3) },
        }),
        "more.vtp": square({ points: { t: Int32Array.of(7, 8, 9, 10) } }),
        "blocks.vtm": new Mesh({
          blocks: new Map([
            ["wing", square({ points: { p: new Float32Array(4).fill(1) } })],
            ["flap", square({ points: { p: new Float32Array(4).fill(2) } })],
            ["wall", square()],
          ]),
        }),
      },
    }),
  );
  const file = "surface.vtp";

  test("fields on cells, at their centres", async () => {
    const domain = { file, position: "cell_centers", q: "q" };
    expect(await read("vtk/*/", domain, "q")).toEqual([[5], [6]]);
    const centers = (await read("vtk/*/", domain, "position")) as number[][];
    expect(centers.flat()).toEqual([4 / 3, 2 / 3, 0, 2 / 3, 4 / 3, 0].map((x) => expect.closeTo(x, 6) as number));
  });
  test("components by letter and by number", async () => {
    const domain = {
      file,
      position: { field: "points", components: ["x", "y"] },
      u: { field: "U", components: [2, 0] },
    };
    expect(await read("vtk/*/", domain, "position")).toEqual([
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
    ]);
    expect(await read("vtk/*/", domain, "u")).toEqual([
      [2, 0],
      [5, 3],
      [8, 6],
      [11, 9],
    ]);
  });
  test("several fields side by side, and a field of another file", async () => {
    const domain = { file, position: "points", both: { field: ["p", "U"] }, t: { file: "more.vtp", field: "t" } };
    expect(((await read("vtk/*/", domain, "both")) as number[][])[1]).toEqual([2, 3, 4, 5]);
    expect(await read("vtk/*/", domain, "t")).toEqual([[7], [8], [9], [10]]);
  });
  test("several files as one domain", async () => {
    const domain = { file: [file, "more.vtp"], position: "points" };
    expect(((await read("vtk/*/", domain, "position")) as number[][]).length).toBe(8);
  });
  test("a pattern of file names", async () => {
    expect(((await read("vtk/*/", { file: "*.vtp", position: "points" }, "position")) as unknown[]).length).toBe(8);
  });
  test("blocks of a collection, by name and pattern", async () => {
    const of = (blocks: unknown) => read("vtk/*/", { file: "blocks.vtm", blocks, position: "points", p: "p" }, "p");
    expect(await of(["wing", "flap"])).toEqual([[1], [1], [1], [1], [2], [2], [2], [2]]);
    expect(await of("f*")).toEqual([[2], [2], [2], [2]]);
  });
  test("units and scale", async () => {
    const domain = { file, position: "points", p: { field: "p", unit: "kPa", scale: 2 }, units: { position: "mm" } };
    expect(await read("vtk/*/", domain, "p")).toEqual([[2000], [4000], [6000], [8000]]);
    expect(((await read("vtk/*/", domain, "position")) as number[][])[1]![0]).toBeCloseTo(2e-3, 9);
  });
  test("normals and areas, of points and of cells", async () => {
    const at = (position: string) => ({
      file,
      position,
      normals: "computed",
      area: "computed",
      units: { position: "mm" },
    });
    expect(await read("vtk/*/", at("points"), "normals")).toEqual(Array(4).fill([0, 0, 1]));
    expect(await read("vtk/*/", at("cell_centers"), "normals")).toEqual(Array(2).fill([0, 0, 1]));
    const areas = [
      ((await read("vtk/*/", at("points"), "area")) as number[][]).flat(),
      ((await read("vtk/*/", at("cell_centers"), "area")) as number[][]).flat(),
    ];
    for (const each of areas) expect(each.reduce((sum, area) => sum + area, 0)).toBeCloseTo(4e-6, 12);
    expect(areas[0]![0]! / areas[0]![1]!).toBeCloseTo(2, 5);
  });
  test("distances to another domain and to a file, in metres", async () => {
    const surface = { file, position: "points", units: { position: "mm" } };
    const domain = { file: "more.vtp", position: "points", sdf: { computed: "distance", to: "surface" } };
    const other = { ...domain, sdf: { computed: "distance", to: "surface.vtp", unit: "mm" } };
    const expected = [0, 0.998, Math.hypot(0.998, 0.998), 0.998].map((x) => [expect.closeTo(x, 6)]);
    expect(await read("vtk/*/", domain, "sdf", { surface })).toEqual(expected);
    expect(await read("vtk/*/", other, "sdf")).toEqual(expected);
  });
  test("files of the cases themselves, and names of others after them", async () => {
    expect(
      await read("vtk/a/surface.vtp", { position: "points", p: "p", t: { file: "more.vtp", field: "t" } }, "t"),
    ).toEqual([[7], [8], [9], [10]]);
    expect(await read("vtk/a/*face.vtp", { file: "{case}.vtp", position: "points", p: "p" }, "p")).toEqual([
      [1],
      [2],
      [3],
      [4],
    ]);
  });

  test.each<[string, object, string, RegExp]>([
    [
      "a field that is not there",
      { file, position: "points", p: "u" },
      "p",
      /d_p of the case "a": there is no field "u" on the points of .*surface\.vtp; did you mean "U"/,
    ],
    [
      "a field on cells beside points",
      { file, position: "points", q: "q" },
      "q",
      /"q".*is on cells.*write position: cell_centers/,
    ],
    [
      "a field on points beside cells",
      { file, position: "cell_centers", p: "p" },
      "p",
      /"p".*is on points.*write position: points/,
    ],
    [
      "a field of the whole file",
      { file, position: "points", drag: "drag" },
      "drag",
      /belongs to the whole file: make it one of the conditions/,
    ],
    [
      "another number of points",
      { file, position: "points", p: { file: ["more.vtp"], field: "t" } },
      "p",
      /expected a string|file/,
    ],
    [
      "a component that is not there",
      { file, position: "points", u: { field: "U", components: [3] } },
      "u",
      /has 3 components: there is no 3/,
    ],
    [
      "a file that is not there",
      { file: "surfaces.vtp", position: "points" },
      "position",
      /the case "a" has no file "surfaces\.vtp".*did you mean "surface\.vtp"/,
    ],
    [
      "a block that is not there",
      { file: "blocks.vtm", blocks: "wings", position: "points" },
      "position",
      /d_position of the case "a".*no blocks "wings"; did you mean "wing"/,
    ],
    [
      "blocks that nobody chose",
      { file: "blocks.vtm", position: "points" },
      "position",
      /blocks only: choose some with blocks: \[wing, flap, wall\]/,
    ],
    ["blocks of a file without", { file, blocks: "a", position: "points" }, "position", /surface\.vtp has no blocks/],
    [
      "a block without the field",
      { file: "blocks.vtm", blocks: ["wing", "wall"], position: "points", p: "p" },
      "p",
      /no field/,
    ],
    [
      "volumes of points",
      { file, position: "points", v: { computed: "cell_volume" } },
      "v",
      /write position: cell_centers/,
    ],
    [
      "a time in a file that has none",
      { file, position: "points", time: 3 },
      "position",
      /time is for OpenFOAM cases and \.pvd/,
    ],
    [
      "a distance in the plane",
      { file, position: { field: "points", components: ["x", "y"] }, d: { computed: "distance", to: "more.vtp" } },
      "d",
      /3 components, these have 2/,
    ],
  ])("refused: %s", async (_, domain, property, message) =>
    expect(await refusal("vtk/*/", domain, property)).toMatch(message),
  );

  test("unequal numbers of points", async () => {
    await writeMesh(
      new Mesh({ points: new Float32Array(9), pointData: fields({ t: new Float32Array(3) }, 3) }),
      join(root, "vtk/a/three.vtu"),
    );
    const dataset = open(root, {
      cases: "vtk/*/",
      domains: { d: { file, position: "points", t: { file: "three.vtu", field: "t" } } },
    });
    expect(await failure(() => dataset.get(0))).toMatch(/d_t of the case "a": has 3 rows and d_position 4/);
  });
  test("only what is asked for is read", async () => {
    writeText(join(root, "vtk/a/broken.vtp"), "nothing");
    const dataset = open(root, {
      cases: "vtk/*/",
      domains: { d: { file, position: "points", t: { file: "broken.vtp", field: "t" } } },
    });
    expect(await rows(dataset, "d_position")).toHaveLength(4);
    expect(await failure(() => rows(dataset, "d_t"))).toMatch(/broken\.vtp/);
  });
});

describe("OpenFOAM", () => {
  beforeAll(() => writeOpenFoamCase(join(root, "foam", "a"), { 0: [0, 0], 100: [1, 2], 200: [3, 4] }));

  test("cells with their centres and volumes", async () => {
    const domain = {
      file: ".",
      position: "cell_centers",
      pressure: "p",
      velocity: "U",
      volume: { computed: "cell_volume" },
    };
    expect(await read("foam/*/", domain, "pressure")).toEqual([[3], [4]]);
    expect(await read("foam/*/", domain, "velocity")).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(await read("foam/*/", domain, "position")).toEqual([
      [0.5, 0.5, 0.5],
      [1.5, 0.5, 0.5],
    ]);
    expect(
      ((await read("foam/*/", domain, "volume")) as number[][]).flat().map((x) => expect.closeTo(x, 6) as number),
    ).toEqual([1, 1]);
  });
  test("patches, at the centres of their faces", async () => {
    const domain = { file: ".", patches: ["body"], position: "cell_centers", pressure: "p", normals: "computed" };
    expect(await read("foam/*/", domain, "pressure")).toEqual([[3.5], [4.5]]);
    expect(await read("foam/*/", domain, "position")).toEqual([
      [0.5, 0.5, 0],
      [1.5, 0.5, 0],
    ]);
    expect(await read("foam/*/", domain, "normals")).toEqual([
      [0, 0, -1],
      [0, 0, -1],
    ]);
  });
  test("a .foam file stands for its case", async () => {
    writeText(join(root, "foam", "a", "a.foam"), "");
    const domain = { file: "a.foam", position: "cell_centers", pressure: "p" };
    expect(await read("foam/*/", domain, "position")).toEqual([
      [0.5, 0.5, 0.5],
      [1.5, 0.5, 0.5],
    ]);
    expect(await read("foam/*/", domain, "pressure")).toEqual([[3], [4]]);
  });
  test("times: the latest, the first, one by its number", async () => {
    const at = (time: unknown) => read("foam/*/", { file: ".", position: "cell_centers", p: "p", time }, "p");
    expect(await at("latest")).toEqual([[3], [4]]);
    expect(await at("first")).toEqual([[0], [0]]);
    expect(await at(100)).toEqual([[1], [2]]);
    expect(await failure(() => at(150))).toMatch(/the time 150, got 0, 100, 200/);
  });
  test("a surface and a volume of one case", async () => {
    const dataset = open(root, {
      cases: "foam/*/",
      surface: { file: ".", patches: "body", position: "cell_centers", pressure: "p" },
      volume: { file: ".", position: "cell_centers", velocity: "U", sdf: { computed: "distance", to: "surface" } },
    });
    expect(await rows(dataset, "volume_sdf")).toEqual([[0.5], [0.5]]);
    expect(dataset.getterKeys()).toEqual([
      "surface_position",
      "surface_pressure",
      "volume_position",
      "volume_sdf",
      "volume_velocity",
    ]);
  });
  test("a patch that is not there", async () => {
    expect(await refusal("foam/*/", { file: ".", patches: "bodi", position: "cell_centers" }, "position")).toMatch(
      /no patches "bodi"; did you mean "body"/,
    );
  });
});

describe("files of arrays", () => {
  beforeAll(async () => {
    const folder = join(root, "arrays", "a");
    mkdirSync(folder, { recursive: true });
    await writeArray({ values: Float64Array.of(0, 1, 2, 3, 4, 5), shape: [2, 3] }, join(folder, "x.npy"));
    await writeArray({ values: Float64Array.of(1, 2, 3, 4), shape: [1, 2, 2] }, join(folder, "cube.npy"));
    writeText(join(folder, "t.csv"), "x,y,z,p,name\n0,1,2,7,a\n3,4,5,8,b\n");
    scope(() => {
      save(tensor([[1], [2]]), join(folder, "p.pt"));
      save({ fields: { p: tensor([3, 4]) } }, join(folder, "tree.pt"));
      saveSafetensors(
        {
          p: tensor([5, 6]),
          U: tensor([
            [1, 2],
            [3, 4],
          ]),
        },
        join(folder, "s.safetensors"),
      );
    });
  });
  const POSITION = { position: { file: "x.npy" } };

  test.each<[string, object, number[][]]>([
    [
      "npy",
      { file: "x.npy" },
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ],
    [
      "columns of a table",
      { file: "t.csv", field: ["z", "p"] },
      [
        [2, 7],
        [5, 8],
      ],
    ],
    ["a tensor", { file: "p.pt" }, [[1], [2]]],
    ["a tensor in mappings", { file: "tree.pt", field: "fields/p" }, [[3], [4]]],
    [
      "safetensors",
      { file: "s.safetensors", field: "U" },
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ])("%s", async (_, property, expected) =>
    expect(await read("arrays/*/", { ...POSITION, p: property }, "p")).toEqual(expected),
  );

  test("all of a domain in one table", async () => {
    const domain = { file: "t.csv", position: { field: ["x", "y", "z"] }, p: "p" };
    expect(await read("arrays/*/", domain, "position")).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(await read("arrays/*/", domain, "p")).toEqual([[7], [8]]);
  });
  test.each<[string, object, RegExp]>([
    ["a column that is not there", { file: "t.csv", field: "q" }, /no "q" in .*t\.csv; .*"p"/],
    ["texts", { file: "t.csv", field: "name" }, /"name" in .*t\.csv has texts/],
    ["three dimensions", { file: "cube.npy" }, /shape \(1, 2, 2\): expected \(N\) or \(N, C\)/],
    ["normals of arrays", { computed: "normals", file: "x.npy" }, /expected a mesh, but .*x\.npy has arrays only/],
  ])("refused: %s", async (_, property, message) =>
    expect(await refusal("arrays/*/", { ...POSITION, p: property }, "p")).toMatch(message),
  );
});

describe("the config refuses", () => {
  beforeAll(() => {
    mkdirSync(join(root, "empty", "a"), { recursive: true });
    writeFileSync(join(root, "empty", "a", "s.vtp"), "");
  });
  test.each<[string, object, RegExp]>([
    ["a domain without position", { d: { file: "s.vtp", p: "p" } }, /domains\.d: missing value: expected the position/],
    [
      "a misspelt option",
      { d: { file: "s.vtp", position: "points", max_point: 5 } },
      /domains\.d\.max_point: .*did you mean "max_points"/,
    ],
    [
      "a misspelt key of a property",
      { d: { file: "s.vtp", position: "points", p: { feld: "p" } } },
      /domains\.d\.p\.feld: unknown key.*"field"/,
    ],
    [
      "something unknown to compute",
      { d: { file: "s.vtp", position: "points", normal: "computed" } },
      /domains\.d\.normal: expected "normals"/,
    ],
    [
      "a distance to nothing",
      { d: { file: "s.vtp", position: "points", sdf: { computed: "signed_distance" } } },
      /domains\.d\.sdf.*to: <domain/,
    ],
    [
      "a distance to an unknown domain",
      { d: { file: "s.vtp", position: "points", sdf: { computed: "distance", to: "e" } } },
      /domains\.d\.sdf\.to.*received "e"/,
    ],
    [
      "an unknown unit",
      { d: { file: "s.vtp", position: "points", units: { position: "furlong" } } },
      /domains\.d\.units\.position: unknown unit "furlong"/,
    ],
    [
      "the unit of a property that is not there",
      { d: { file: "s.vtp", position: "points", units: { pres: "Pa" } } },
      /domains\.d\.units\.pres: expected a property/,
    ],
    [
      "patches and blocks",
      { d: { file: "s.vtp", position: "points", patches: "a", blocks: "b" } },
      /one of patches and blocks/,
    ],
    [
      "two properties of one name",
      { a_b: { file: "s.vtp", position: "points" }, a: { file: "s.vtp", position: "points", b_position: "p" } },
      /"a_b_position".*too: rename one/,
    ],
    ["no domains", {}, /at least one domain/],
  ])("%s", async (_, domains, message) =>
    expect(await failure(() => open(root, { cases: "empty/*/", domains }))).toMatch(message),
  );

  test("a misspelt key of the data set", async () => {
    expect(await failure(() => open(root, { surface: { file: "s.vtp", position: "points" }, split_s: 3 }))).toMatch(
      /split_s: unknown key.*did you mean "split/,
    );
  });
});

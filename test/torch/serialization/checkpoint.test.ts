import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  readlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../../../lib/torch";
import {
  arange,
  countTensors,
  manualSeed,
  memory,
  nn,
  ones,
  randn,
  scope,
  tensor,
  TorchError,
  zeros,
} from "../../../lib/torch";
import {
  CheckpointError,
  Float,
  load,
  loadAsync,
  OrderedDict,
  save,
  saveAsync,
  toMap,
  tuple,
  Tuple,
} from "../../../lib/torch/serialization";
import { describeValue, sorted } from "./describe";
import { expected, fixtures, golden, temporaryFolder } from "./fixtures";
import { builtPackage } from "../../support/child";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = join(golden, "training/run/2026-01-01_abcde/train/checkpoints");

/** Values with the bytes of their tensors, for comparisons. */
const shown = (value: unknown) => sorted(describeValue(value));

describe("load reads what torch.save wrote", () => {
  test.each(Object.keys(expected.checkpoints))("%s", (name) => {
    expect(shown(load(join(fixtures, `${name}.pt`)))).toEqual(sorted(expected.checkpoints[name]));
  });

  test.each([3, 4, 5])("pickle protocol %d", (protocol) => {
    expect(shown(load(join(fixtures, `protocol${protocol}.pt`)))).toEqual(sorted(expected.checkpoints.values));
  });

  test.each(Object.keys(expected.checkpoints))("%s, mapped", (name) => {
    expect(shown(load(join(fixtures, `${name}.pt`), { mmap: true }))).toEqual(sorted(expected.checkpoints[name]));
  });

  test("from bytes", () => {
    expect(shown(load(readFileSync(join(fixtures, "module.pt"))))).toEqual(sorted(expected.checkpoints.module));
  });

  test("asynchronously", async () => {
    expect(shown(await loadAsync(join(fixtures, "views.pt")))).toEqual(sorted(expected.checkpoints.views));
  });

  test("the golden model checkpoint", () => {
    const model = load<any>(join(run, "ab_upt_cp=E2_U10_S10_model.th"));
    expect(Object.keys(model)).toEqual([
      "state_dict",
      "checkpoint_tag",
      "training_iteration",
      "run_id",
      "model_config",
      "config_kind",
    ]);
    expect(model.state_dict).toBeInstanceOf(OrderedDict);
    expect(model.state_dict.get("ab_upt.pos_embed.padding_tensor").shape).toEqual([0]);
    expect(model.state_dict.attributes._metadata.get("")).toEqual({ version: 1 });
    expect(model.training_iteration).toEqual({ epoch: 2, update: 10, sample: 10 });
    expect(model.model_config.optimizer_config.schedule_config.start_value).toBe(0);
  });

  test("the golden optimizer checkpoint", () => {
    const optimizer = load<any>(join(run, "ab_upt_cp=E2_U10_S10_optim.th"));
    expect(optimizer.state.get(0).step.item()).toBe(10);
    expect(optimizer.param_groups[0].betas).toBeInstanceOf(Tuple);
    expect([...optimizer.param_groups[0].betas]).toEqual([0.9, 0.999]);
    expect(optimizer.param_idx_to_name.size).toBe(94);
  });
});

describe("what save writes comes back", () => {
  test.each(Object.keys(expected.checkpoints))("%s", (name) => {
    const path = at(`again-${name}.pt`);
    save(load(join(fixtures, `${name}.pt`)), path);
    const description = shown(load(path));
    // numpy scalars come back as Python's
    expect(description).toEqual(sorted(expected.checkpoints[name]));
  });

  test("tensors that share memory share it again", () => {
    const path = at("shared.pt");
    const base = arange(6).to("float32").reshape([2, 3]);
    save({ base, row: base.index(1), transposed: base.t() }, path);
    const loaded = load<Record<string, Tensor>>(path);
    loaded.row!.fill_(-1);
    expect(loaded.base!.toArray()).toEqual([
      [0, 1, 2],
      [-1, -1, -1],
    ]);
    expect(loaded.transposed!.stride()).toEqual([1, 3]);
  });

  test("one memory under two dtypes is written twice", () => {
    const path = at("two-dtypes.pt");
    const bits = tensor([1, -2.5]);
    save({ floats: bits, ints: bits.view("int32") }, path);
    const { floats, ints } = load<Record<string, Tensor>>(path);
    expect(floats!.toArray()).toEqual([1, -2.5]);
    expect(ints!.view("float32").toArray()).toEqual([1, -2.5]);
  });

  test("state dicts of modules with the versions of their parts", () => {
    manualSeed(0);
    const path = at("module.th");
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4));
    save({ state_dict: model.stateDict() }, path);
    const { state_dict } = load<{ state_dict: OrderedDict<string, Tensor> }>(path);
    expect([...state_dict.keys()]).toEqual([...model.stateDict().keys()]);
    expect([...(state_dict.attributes._metadata as Map<string, unknown>)]).toEqual([
      ["", { version: 1 }],
      ["0", { version: 1 }],
      ["1", { version: 2 }],
    ]);
    const fresh = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4));
    fresh.loadStateDict(state_dict);
    expect(shown(fresh.stateDict())).toEqual(shown(model.stateDict()));
  });

  test.each([0, 1, 63, 64, 65, 131071, 131072, 131073, 262143, 262144, 262145, 1000003])(
    "storages of %d bytes next to each other",
    (bytes) => {
      const path = at("sizes.pt");
      const value = { a: arange(bytes).to("uint8"), b: tensor([1, 2, 3]), c: arange(bytes).to("uint8").add(1) };
      save(value, path);
      expect(shown(load(path))).toEqual(shown(value));
      expect(shown(load(path, { mmap: true }))).toEqual(shown(value));
    },
  );

  test("asynchronously", async () => {
    const path = at("async.pt");
    const weights = randn([300, 1000]);
    await saveAsync({ weights, epoch: 3 }, path);
    const loaded = await loadAsync<{ weights: Tensor; epoch: number }>(path);
    expect(loaded.epoch).toBe(3);
    expect(loaded.weights.equal(weights)).toBe(true);
  });
});

test("asynchronous saving does not need the scope that the tensors belong to", async () => {
  const path = at("scoped.pt");
  const before = memory().tensors;
  const saved: Promise<void>[] = [];
  scope(() => {
    saved.push(saveAsync({ a: ones([1000]), b: ones([1000]).mul(2) }, path));
  });
  await Promise.all(saved);
  // what earlier tests left to the garbage collector may be gone by now, too
  expect(memory().tensors).toBeLessThanOrEqual(before);
  expect(load<Record<string, Tensor>>(path).b!.sum().item()).toBe(2000);
});

describe("numbers", () => {
  test("Float writes an integral number as float, and load remembers it", () => {
    const path = at("floats.pt");
    save({ lr: new Float(1), steps: 1, betas: tuple(new Float(0), 0.5) }, path);
    const loaded = load<Record<string, unknown>>(path);
    expect(loaded).toMatchObject({ lr: 1, steps: 1 });
    save(loaded, path);
    expect(describeValue(load(path))).toEqual({
      dict: [
        ["lr", { float: "3ff0000000000000" }],
        ["steps", { int: "1" }],
        ["betas", { tuple: [{ float: "0000000000000000" }, { float: "3fe0000000000000" }] }],
      ],
    });
  });

  test("an entry that was a float stays one when it is set to an integral number", () => {
    const path = at("set.pt");
    save({ best: new Float(2) }, path);
    const loaded = load<{ best: number }>(path);
    loaded.best = 3;
    save(loaded, path);
    expect(describeValue(load(path))).toEqual({ dict: [["best", { float: "4008000000000000" }]] });
  });

  test("toMap takes both forms of a dict", () => {
    const path = at("dicts.pt");
    save({ none: {}, text: { a: 1 }, ints: new Map([[3, "x"]]) }, path);
    const loaded = load<Record<string, unknown>>(path);
    expect(toMap(loaded.none)).toEqual(new Map());
    expect(toMap(loaded.text)).toEqual(new Map([["a", 1]]));
    expect(toMap(loaded.ints)).toEqual(new Map([[3, "x"]]));
    expect(() => toMap([1])).toThrow(TypeError);
  });
});

describe("tensors", () => {
  test("belong to the open scope and leave it with the result", () => {
    const path = at("scope.pt");
    save({ a: ones([2]), b: [zeros([3])] }, path);
    const before = countTensors();
    scope(() => void load(path));
    expect(countTensors()).toBe(before);
    const kept = scope(() => load<{ a: Tensor; b: Tensor[] }>(path));
    expect(kept.b[0]!.toArray()).toEqual([0, 0, 0]);
    kept.a.dispose();
    kept.b[0]!.dispose();
    expect(countTensors()).toBe(before);
  });

  test("mapped ones are private copies that outlive the archive", () => {
    const path = at("mapped.pt");
    save({ a: ones([1000]) }, path);
    const { a } = load<{ a: Tensor }>(path, { mmap: true });
    a.mul_(2);
    expect(a.sum().item()).toBe(2000);
    expect(load<{ a: Tensor }>(path).a.sum().item()).toBe(1000);
  });

  test("a loaded file can be replaced while it is mapped", () => {
    const path = at("replaced.pt");
    save({ a: ones([1000]) }, path);
    const { a } = load<{ a: Tensor }>(path, { mmap: true });
    save({ a: zeros([10]) }, path);
    expect(a.sum().item()).toBe(1000);
  });

  test("mapLocation is asked with the saved location", () => {
    const path = at("location.pt");
    save({ a: ones([2]) }, path);
    const locations: string[] = [];
    load(path, { mapLocation: (location) => (locations.push(location), "cpu") });
    expect(locations).toEqual(["cpu"]);
  });

  test("a failed load leaves no tensors behind", () => {
    const path = at("damaged.pt");
    save({ a: ones([100]), b: ones([100]) }, path);
    const bytes = readFileSync(path);
    bytes[bytes.lastIndexOf(Buffer.from(new Float32Array([1, 1]).buffer))]! ^= 1;
    const before = memory().tensors;
    expect(() => load(bytes)).toThrow(/checksum/);
    expect(memory().tensors).toBeLessThanOrEqual(before); // as above
    expect(() => load(bytes, { verify: false })).not.toThrow();
  });
});

describe("save refuses", () => {
  test.each<[string, unknown, RegExp]>([
    ["undefined", { a: { b: undefined } }, /a → b: expected plain data .* got undefined/],
    ["functions", [() => 1], /got function/],
    ["class instances", { when: new Date(0) }, /when: .* got Date/],
    ["typed arrays", { x: new Float32Array(2) }, /x: .* got Float32Array/],
    ["symbols", Symbol("a"), /got symbol/],
    ["lists as keys", new Map([[[1], 2]]), /expected a key that Python can hash/],
    ["endless ints", 2n ** 3000n, /int of at most 255 bytes/],
    ["disposed tensors", { d: disposed() }, /d: /],
  ])("%s, naming the place", (_, value, message) => {
    const path = at("refused.pt");
    expect(() => save(value, path)).toThrow(message);
    expect(() => save(value, path)).toThrow(CheckpointError);
    expect(existsSync(path)).toBe(false);
  });

  test("values nested without end", () => {
    let value: unknown = 0;
    for (let i = 0; i < 5000; i++) value = [value];
    expect(() => save(value, at("deep.pt"))).toThrow(/nested at most 1000 deep/);
  });
});

describe("a file that cannot be written leaves the previous one", () => {
  const previous = () => {
    const path = at("previous.pt");
    save({ generation: 1 }, path);
    return path;
  };

  test("when the value is refused", () => {
    const path = previous();
    expect(() => save({ ok: ones([4]), bad: undefined }, path)).toThrow(CheckpointError);
    expect(load(path)).toEqual({ generation: 1 });
  });

  test("when the disk takes no more, in the middle of the writing", () => {
    // a limit on the size of files stands for the full disk
    const path = previous();
    const script = join(__dirname, "fixtures/save-too-much.ts");
    const command = `ulimit -f 64; exec "${process.execPath}" --require "${builtPackage}" "${script}" "${path}"`;
    const result = spawnSync("bash", ["-c", command], { cwd: join(__dirname, "../../.."), encoding: "utf8" });
    expect(result.stderr).toBe("");
    expect(JSON.parse(result.stdout)).toEqual({
      name: "TorchError",
      code: "ERR_FILE",
      message: expect.stringContaining("File too large"),
    });
    expect(load(path)).toEqual({ generation: 1 });
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("when the name is a device", () => {
    expect(() => save({ a: 1 }, "/dev/null")).toThrow(/no regular file/);
  });

  test("when the folder does not exist", () => {
    expect(() => save({ a: 1 }, at("nowhere/file.pt"))).toThrow(
      expect.objectContaining({ code: "ERR_FILE_NOT_FOUND" }),
    );
  });

  test("when the name is a folder", () => {
    mkdirSync(at("folder.pt"));
    expect(() => save({ a: 1 }, at("folder.pt"))).toThrow(/a folder/);
  });

  test("when the folder is not writable", () => {
    if (process.getuid?.() === 0) return; // root may write everywhere
    mkdirSync(at("locked"));
    chmodSync(at("locked"), 0o500);
    expect(() => save({ a: 1 }, at("locked/file.pt"))).toThrow(TorchError);
  });

  test("and no temporary file", async () => {
    const path = previous();
    expect(() => save({ bad: Symbol("x") }, path)).toThrow(CheckpointError);
    await expect(saveAsync({ bad: Symbol("x") }, path)).rejects.toThrow(CheckpointError);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a link keeps pointing to the file that is replaced", () => {
    const path = previous();
    symlinkSync(path, at("link.pt"));
    save({ generation: 2 }, at("link.pt"));
    expect(readlinkSync(at("link.pt"))).toBe(path);
    expect(load(path)).toEqual({ generation: 2 });
  });
});

describe("load refuses", () => {
  test.each<[string, RegExp]>([
    ["script.pt", /TorchScript/],
    ["model.pt", /global torch\.nn\.modules\.linear\.Linear.*state_dict/],
    ["numpy-array.pt", /global numpy\.core\.multiarray\._reconstruct|global numpy\._core\.multiarray\._reconstruct/],
    ["path.pt", /global pathlib\.PurePosixPath/],
    ["date.pt", /global datetime\.date/],
    ["frozenset.pt", /frozenset/],
    ["defaultdict.pt", /global collections\.defaultdict/],
    ["evil.pt", /global posix\.system/],
    ["plain.pkl", /plain pickle/],
    ["array.npy", /\.npy/],
    ["arrays.npz", /\.npz/],
    ["hdf5.h5", /HDF5/],
    ["packed.tar", /tar archive/],
    ["page.html", /HTML/],
    ["pointer.pt", /Git LFS/],
    ["empty.pt", /empty file/],
    ["text.pt", /unknown format/],
    ["safetensors.th", /safetensors file: read it with loadSafetensors/],
  ])("%s, naming what it is", (name, message) => {
    const path = join(fixtures, "foreign", name);
    expect(() => load(path)).toThrow(CheckpointError);
    expect(() => load(path)).toThrow(message);
    expect(() => load(path)).toThrow(name);
  });

  test("and runs nothing", () => {
    expect(existsSync("/tmp/noether-was-here")).toBe(false);
  });

  test("a missing file", () => {
    expect(() => load(at("missing.pt"))).toThrow(
      expect.objectContaining({ name: "TorchError", code: "ERR_FILE_NOT_FOUND" }),
    );
  });

  test("a folder", () => {
    expect(() => load(folder)).toThrow(expect.objectContaining({ code: "ERR_FILE" }));
  });

  test("names that are no paths", () => {
    expect(() => load("")).toThrow(TypeError);
    expect(() => load("a\0b")).toThrow(TypeError);
    expect(() => load(1 as never)).toThrow(TypeError);
  });

  test("a truncated file, at whatever length", () => {
    const bytes = readFileSync(join(fixtures, "module.pt"));
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => load(bytes.subarray(0, length))).toThrow(CheckpointError);
      writeFileSync(at("truncated.pt"), bytes.subarray(0, length));
      expect(() => load(at("truncated.pt"))).toThrow(CheckpointError);
    }
  });
});

function disposed(): Tensor {
  const gone = ones([2]);
  gone.dispose();
  return gone;
}

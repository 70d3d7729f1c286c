import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { UsageError } from "../../lib/cli/hydra-arguments";
import { init } from "../../lib/cli/init";

let root: string;
let printed: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "noether-init-"));
  printed = "";
  const print = (text: unknown) => void (printed += `${String(text)}\n`);
  jest.spyOn(console, "log").mockImplementation(print);
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  jest.spyOn(console, "error").mockImplementation(print);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(root, { recursive: true });
});

const make = (...args: string[]) => init([...args, "--project-dir", root]);
const read = (...parts: string[]) => readFileSync(join(root, ...parts), "utf8");
const manifest = (project: string) =>
  JSON.parse(read(project, "package.json")) as { name: string; dependencies: object };

test("no placeholder is left, and nothing else", () => {
  expect(make("flow")).toBe(0);
  expect(readdirSync(root)).toEqual(["flow"]);
  const files = readdirSync(join(root, "flow"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(files.length).toBeGreaterThan(15);
  for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name), "utf8")).not.toMatch(/__\w+__/);
});

test("the best device there is, unless another is asked for", () => {
  make("any");
  expect(parse(read("any/configs/base_experiment.yaml"))).not.toHaveProperty("accelerator");
  make("slow", "--hardware", "cpu");
  expect(parse(read("slow/configs/base_experiment.yaml"))).toMatchObject({ accelerator: "cpu", name: "slow" });
});

test("a parent that is not there, and a name with capitals, which npm refuses", () => {
  expect(init(["My_Flow-2", `--project-dir=${root}/a b/c`])).toBe(0);
  expect(manifest("a b/c/My_Flow-2").name).toBe("my_flow-2");
  expect(parse(read("a b/c/My_Flow-2/configs/base_experiment.yaml"))).toMatchObject({ name: "My_Flow-2" });
});

test("a W&B entity is text, whatever it holds", () => {
  const entity = `a: "b" #c\n\\d __project__ $1 $&`;
  make("flow", "--wandb-entity", entity);
  expect(parse(read("flow/configs/tracker/wandb.yaml"))).toMatchObject({ entity, project: "flow" });
});

test("a name that YAML would take for something else", () => {
  make("null");
  expect(parse(read("null/configs/base_experiment.yaml"))).toMatchObject({ name: "null" });
});

test("a clone is the dependency of what it makes", () => {
  make("flow");
  expect(manifest("flow").dependencies).toEqual({ "noether-ts": `file:${join(__dirname, "../..")}` });
});

test.each([
  ["a file", (path: string) => writeFileSync(path, "mine")],
  ["a link that leads nowhere", (path: string) => symlinkSync("/nowhere/at/all", path)],
])("%s of that name is left alone", (_what, put) => {
  put(join(root, "flow"));
  expect(() => make("flow")).toThrow(/expected a new name, but .*\/flow is there already/);
  expect(readdirSync(root)).toEqual(["flow"]);
});

test("a parent that is a file", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => init(["flow", "-d", join(root, "file")])).toThrow(/ENOTDIR|EEXIST/);
});

test.each(["1flow", "_flow", "a/b", "../x", "", "a b", "ä", "flow\n", "$(x)", "noether-ts", "Node_Modules"])(
  "%j is no name",
  (name) => {
    expect(() => make(name)).toThrow(/expected (a name that begins with a letter|another name)/);
    expect(readdirSync(root)).toEqual([]);
  },
);

test.each([
  [["a", "b"], /expected one name, received 2: a b/],
  [["x", "--tracker", "tensorbord"], /--tracker has no "tensorbord"; did you mean "tensorboard"\?/],
  [["x", "--tracker"], /--tracker/],
  [["x", "--hardware", "tpu"], /--hardware has no "tpu"/],
  [["x", "--hardware", "mps"], /there is no Metal backend here; expected gpu or cpu/],
  [["x", "--colour"], /^unknown option --colour$/],
  [["x", "--trackr=wandb"], /^unknown option --trackr; did you mean --tracker\?$/],
])("bad usage: %j", (args, message) => {
  expect(() => init(args)).toThrow(UsageError);
  expect(() => init(args)).toThrow(message);
  expect(existsSync("x")).toBe(false);
});

test.each([["-h"], ["--help"]])("%s", (flag) => {
  expect(init([flag])).toBe(0);
  expect(printed).toMatch(/^Usage: noether-init NAME/);
});

test("without a name: the usage, and the exit code of bad usage", () => {
  expect(init([])).toBe(2);
  expect(printed).toMatch(/^Usage: noether-init NAME/);
});

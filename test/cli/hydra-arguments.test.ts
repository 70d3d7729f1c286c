import { parseHydraArguments, UsageError } from "../../lib/cli/hydra-arguments";
import { expandSweeps } from "../../lib/cli/multirun";

const parse = (...args: string[]) => parseHydraArguments(args, "/project");

describe("where the config file stands", () => {
  test.each([
    [["a/b.yaml", "x=1"]],
    [["--hp", "a/b.yaml", "x=1"]],
    [["x=1", "--hp", "a/b.yaml"]],
    [["x=1", "--hp=a/b.yaml"]],
    [["-cp", "a", "-cn", "b", "x=1"]],
    [["--config-path=a", "--config-name", "b.yaml", "x=1"]],
    [["--run", "a/b.yaml", "x=1"]],
  ])("%j", (args) => {
    expect(parse(...args)).toMatchObject({ file: "/project/a/b.yaml", overrides: ["x=1"], action: "run" });
  });
  test("none, and an absolute one", () => {
    expect(parse("+a=1").file).toBeUndefined();
    expect(parse("/x/y.yaml").file).toBe("/x/y.yaml");
  });
  test.each([
    [["--hp"]],
    [["--hp", "a.json"]],
    [["x=1", "a.yaml"]],
    [["-cp", "dir"]],
    [["--nope"]],
    [["-x"]],
    [["a.yaml", "b.yaml"]],
    [["a.yaml", "--hp", "b.yaml"]],
  ])("%j makes no sense", (args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });
});

test("flags of a command's own are left to it, and suggested", () => {
  const own = (...args: string[]) => parseHydraArguments(args, "/project", ["--dry-run"]);
  expect(own("--dry-run", "a.yaml", "x=1")).toMatchObject({
    file: "/project/a.yaml",
    overrides: ["x=1"],
    action: "run",
  });
  expect(() => own("a.yaml", "--dryrun")).toThrow("did you mean --dry-run?");
  expect(() => parse("a.yaml", "--dry-run")).toThrow("unknown flag --dry-run");
});

test.each([
  [["a.yaml", "--help"], "help"],
  [["-h"], "help"],
  [["a.yaml", "--cfg", "job"], "show-config"],
  [["a.yaml", "-m", "x=1,2"], "multirun"],
  [["a.yaml", "--info", "defaults"], "info"],
  [["--version"], "version"],
])("%j asks for %s", (args, action) => {
  expect(parse(...args).action).toBe(action);
});

test("sweeps: every combination, the last one fastest", () => {
  expect(expandSweeps(parse("a=1,2", "b=choice(x,'y z')", "c=5"))).toEqual([
    ["a=1", "b=x", "c=5"],
    ["a=1", "b=y\\ z", "c=5"],
    ["a=2", "b=x", "c=5"],
    ["a=2", "b=y\\ z", "c=5"],
  ]);
  expect(expandSweeps(parse("a=range(0,3)", "+s=1e-3,[1,2]")).length).toBe(6);
});

test.each(["hydra", "all", "x"])("--cfg %s is refused: there is only the job's", (what) => {
  expect(() => parse("a.yaml", "--cfg", what)).toThrow(`expected --cfg job, received "${what}"`);
});

test.each([
  [["--resolve"], "expected --cfg job with --resolve, which shows the config"],
  [["-p", "trainer"], "expected --cfg job with --package, which shows the config"],
  [["--info", "plugins"], "expected --info, which shows the files of the config, received --info plugins"],
  [["--info=searchpath"], "received --info searchpath"],
  [["--config-dir", "no/such"], 'expected a folder with config groups after --config-dir, received "no/such"'],
])("%j would have no effect, and is refused", (flags, message) => {
  expect(() => parse("a.yaml", ...flags)).toThrow(message);
});

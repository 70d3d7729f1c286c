import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { packageRoot } from "./run-cli";

/** A folder with the package as npm would install it, from what npm would publish. */
let root: string;
const modules = () => join(root, "node_modules");
const manifest = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string; bin: Record<string, string> };

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "noether-init-"));
  mkdirSync(join(modules(), ".bin"), { recursive: true });
  mkdirSync(join(modules(), "noether-ts"));
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", root], { cwd: packageRoot, encoding: "utf8" }));
  execFileSync("tar", ["-xzf", join(root, filename), "--strip-components=1", "-C", join(modules(), "noether-ts")]);
  // its dependencies, and those of the new project
  for (const name of readdirSync(join(packageRoot, "node_modules"))) if (!name.startsWith(".")) symlinkSync(join(packageRoot, "node_modules", name), join(modules(), name));
  for (const name of ["tsc", "tsx"]) symlinkSync(join(packageRoot, "node_modules", ".bin", name), join(modules(), ".bin", name));
  for (const [name, file] of Object.entries(manifest.bin)) symlinkSync(join(modules(), "noether-ts", file), join(modules(), ".bin", name));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const addon = join(packageRoot, "native/build/Release/noether_native.node");
const run = (command: string, args: readonly string[], cwd: string) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: "1", NOETHER_NATIVE: process.env["NOETHER_NATIVE"] ?? addon } });
  return { code: status, stdout, stderr };
};
const init = (...args: string[]) => run(process.execPath, [join(modules(), "noether-ts/dist/cli/noether-init.js"), ...args], root);

describe("the project", () => {
  const project = () => join(root, "cylinder");
  const npm = (...args: string[]) => run("npm", args, project());

  beforeAll(() => {
    const { code, stdout, stderr } = init("cylinder");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^made .*\/cylinder \(\d+ files\)[\s\S]*cd cylinder\n {2}npm install\n {2}npm run train\n$/);
  });

  test("has what git is to leave out, and this version as its dependency", () => {
    expect(readFileSync(join(project(), ".gitignore"), "utf8")).toContain("node_modules/");
    expect(JSON.parse(readFileSync(join(project(), "package.json"), "utf8"))).toMatchObject({ name: "cylinder", dependencies: { "noether-ts": `^${manifest.version}` } });
    expect(readdirSync(root).filter((name) => name.startsWith(".cyl"))).toEqual([]);
  });

  test("its types are right", () => {
    expect(npm("run", "--silent", "typecheck")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("its own tests pass", () => {
    const { code, stdout } = npm("test");
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/# pass 5\n# fail 0/);
  });

  test("learns, and its run is evaluated with the same result", () => {
    const trained = npm("run", "train", "--", "datasets.train.num_samples=128", "datasets.test.num_samples=16", "trainer.max_epochs=10", "+run_id=first");
    expect(trained).toMatchObject({ code: 0 });
    const losses = [...trained.stderr.matchAll(/loss\/test\/total (\S+)/g)].map((match) => Number(match[1]));
    expect(losses).toHaveLength(10);
    expect(losses[9]).toBeLessThan(losses[0]! / 4);
    expect(trained.stderr).toMatch(/relative_error\/test\/velocity 0\.\d/);

    const evaluated = npm("run", "evaluate", "--", "run_id=first");
    expect(evaluated).toMatchObject({ code: 0 });
    expect(evaluated.stderr).toContain(`loss/test/total ${String(losses[9])}`);
  });

  test("a dry pass goes through its parts", () => {
    const { code, stdout } = npm("run", "development");
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/velocity: tensor \(2, 128, 2\)[\s\S]*every trainable parameter got a gradient[\s\S]*FieldErrors\(every_n_epochs=5\): processData/);
  });

  test("the job scripts that docs/sweeps-and-jobs.md shows", () => {
    const page = readFileSync(join(packageRoot, "docs/sweeps-and-jobs.md"), "utf8");
    const yaml = /```yaml\n# configs\/cluster\.yaml\n([\s\S]*?)```/.exec(page)![1]!;
    writeFileSync(join(project(), "configs/cluster.yaml"), yaml);
    const commands = [...page.matchAll(/^noether-train-submit-job (.*--dry-run)/gm)].map((match) => match[1]!.split(" "));
    const scripts = commands.map((args) => run("../node_modules/.bin/noether-train-submit-job", args, project()));
    expect(scripts).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(scripts[0]!.stdout).toMatch(/#SBATCH --partition=gpu[\s\S]*#SBATCH --mem=32768M[\s\S]*module load cuda\nexec /);
    expect(scripts[1]!.stdout).toMatch(/#SBATCH --array=0-3\n[\s\S]*\n {2}3\) overrides=\(optimizer=lion seed=1\) ;;\n/);
  });

  test("other choices compose", () => {
    const { code, stdout, stderr } = run("../node_modules/.bin/noether-train", ["configs/base_experiment.yaml", "model=wide_mlp", "optimizer=lion", "--cfg", "job", "--resolve"], project());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(parse(stdout)).toMatchObject({ model: { name: "point_mlp", hidden_dim: 192, optimizer_config: { kind: "noether.core.optimizer.Lion" } } });
  });
});

test("the package that was installed from a file is the new project's dependency, too", () => {
  const record = join(modules(), ".package-lock.json");
  writeFileSync(record, JSON.stringify({ packages: { "node_modules/noether-ts": { resolved: "file:../packs/noether-ts.tgz" } } }));
  expect(init("from-file")).toMatchObject({ code: 0 });
  rmSync(record);
  expect(JSON.parse(readFileSync(join(root, "from-file/package.json"), "utf8"))).toMatchObject({ dependencies: { "noether-ts": `file:${join(dirname(root), "packs/noether-ts.tgz")}` } });
});

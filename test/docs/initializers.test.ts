/** docs/initializers.md: every table of keys is what the initializer with the config above it does; every option is on the page. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import "../../lib";
import { readYaml, toPlain } from "../../lib/config";
import { loadUserKinds } from "../../lib/config/factory/load-kind";
import { Model } from "../../lib/core/models";
import { AnyInitializer } from "../../lib/core/initializers";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { PathProvider } from "../../lib/core/providers";
import {
  createInitializer,
  PreviousRunInitializer,
  PreviousRunInitializerConfig,
  ResumeInitializerConfig,
} from "../../lib/initializers";
import { full, nn, save, type Tensor } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";

const page = readFileSync(join(__dirname, "..", "..", "docs", "initializers.md"), "utf8");
const OWN = -1;

/** A model whose state-dict keys are given. */
class Keys extends Model {
  constructor(keys: readonly string[]) {
    super(ModelBaseConfig.create({ kind: "Keys", name: "car" }));
    for (const key of keys) {
      const parts = key.split(".").map((part) => part.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
      let module: Record<string, unknown> = this as never;
      for (const part of parts.slice(0, -1)) module = (module[part] ??= new Group()) as Record<string, unknown>;
      module[parts.at(-1)!] = new nn.Parameter(full([1], OWN));
    }
  }
  override forward(x: Tensor): Tensor {
    return x;
  }
}
class Group extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

interface Example {
  readonly options: object;
  readonly rows: readonly (readonly [file: string | null, model: string | null])[];
}
const examples: Example[] = [
  ...page.matchAll(/```yaml\n((?:(?!```).)*)```\n\n\| file \| model \|\n\|---\|---\|\n((?:\|[^\n]*\n)+)/gs),
].map(([, yaml, table]) => ({
  options: toPlain(readYaml(yaml!, "initializers.md")) as object,
  rows: table!
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    .map(([file, model]) => [keyOf(file!), keyOf(model!)] as const),
}));
function keyOf(cell: string): string | null {
  return cell === "–" ? null : /^`(.*)`$/.exec(cell)![1]!;
}

const folder = temporaryFolder();
afterAll(() => folder.remove());

test("there is an example of each option, and one of all", () => {
  const options = examples.map(({ options }) => Object.keys(options).join());
  const all = ["keys_to_remove", "patterns_to_remove", "patterns_to_rename", "patterns_to_instantiate"];
  expect(new Set(options)).toEqual(new Set([...all, all.join()]));
});

test.each(examples.map((example, i) => [i, JSON.stringify(example.options), example] as const))(
  "%i: %s",
  (i, _, example) => {
    const checkpoints = join(folder.path, `run${i}`, "checkpoints");
    mkdirSync(checkpoints, { recursive: true });
    const inFile = example.rows.filter(([file]) => file !== null);
    const state = new Map(inFile.map(([file], value) => [file!, full([1], value)]));
    save({ state_dict: state }, join(checkpoints, "car_cp=latest_model.th"));
    const model = new Keys(example.rows.flatMap(([, key]) => (key === null ? [] : [key])));
    const config = PreviousRunInitializerConfig.create({
      run_id: `run${i}`,
      checkpoint_tag: "latest",
      ...example.options,
    });
    const pathProvider = new PathProvider({ outputRootPath: folder.path, runId: "new" });
    new PreviousRunInitializer(config, { pathProvider }).initWeights(model);
    const loaded = model.stateDict();
    for (const [file, key] of example.rows)
      if (key !== null)
        expect([key, loaded.get(key)!.item()]).toEqual([
          key,
          file === null ? OWN : inFile.findIndex(([name]) => name === file),
        ]);
  },
);

test.each(Object.keys(PreviousRunInitializerConfig.fields).filter((key) => key !== "kind"))(
  "%s is on the page",
  (key) => expect(page).toMatch(new RegExp(`\`${key}\``)),
);

test("the initializer of one's own does what the page says", async () => {
  const [, source] = /```ts\n(.*?class (?:(?!```).)*)```/s.exec(page)!;
  const [, yaml] = /```yaml\n(initializers:\n(?:(?!```).)*)```/s.exec(page)!;
  const [entry] = (toPlain(readYaml(yaml!, "initializers.md")) as { initializers: { kind: string }[] }).initializers;
  const file = join(folder.path, "constant-bias.ts");
  writeFileSync(file, source!);
  const config = { ...entry, kind: `${file}#${entry!.kind.split("#")[1]!}` };
  await loadUserKinds(config);
  const model = new Keys(["trunk.weight", "trunk.bias"]);
  const pathProvider = new PathProvider({ outputRootPath: folder.path, runId: "new" });
  createInitializer(AnyInitializer.parse(config), { pathProvider }).initWeights(model);
  const [weight, bias] = [...model.stateDict().values()].map((value) => value.item() as number);
  expect([weight, bias]).toEqual([OWN, expect.closeTo(0.1, 6)]);
});

test("the whole configs are valid", () => {
  const configs = [...page.matchAll(/```yaml\n((?:model|trainer):\n.*?)```/gs)].map(
    ([, yaml]) =>
      toPlain(readYaml(yaml!, "initializers.md")) as Record<string, { initializers?: object[]; initializer?: object }>,
  );
  expect(AnyInitializer.parse(configs[0]!["model"]!.initializers![0])).toMatchObject({ checkpoint_tag: "latest" });
  expect(ResumeInitializerConfig.parse(configs[1]!["trainer"]!.initializer)).toMatchObject({ load_optim: true });
});

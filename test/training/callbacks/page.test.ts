/** docs/callbacks.md: every callback with its options and their defaults, and examples that run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import "../../../lib";
import { findKind, registeredKinds } from "../../../lib/config/registry";
import { type AnyConfigClass, isConfigClass } from "../../../lib/config/schema";
import { CallBackBaseConfig, CallbackBase } from "../../../lib/core/callbacks";
import { readPictures } from "../../../lib/core/runs";
import { CallbacksConfig } from "../../../lib/training/callbacks/any-callback";
import { trainAirfoil } from "../../support/airfoil-run";
import { smallRun, temporaryFolder } from "../../support/small-run";

const page = readFileSync(join(__dirname, "../../../docs/callbacks.md"), "utf8");
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text): [string, string] => [text.split("\n")[0]!, text]),
);
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);

/** Built-in callbacks by kind, without other names of theirs. */
const kinds = new Map(
  registeredKinds()
    .filter((kind) => /^(noether|tutorial)\.[\w.]*callbacks\./.test(kind))
    .map((kind) => [findKind(kind)!, kind] as const)
    .filter(([{ class: type }]) => typeof type === "function" && type.prototype instanceof CallbackBase)
    .reverse()
    .map(([entry, kind]) => [entry.class, kind] as const),
);

const base = new Set(Object.keys((CallBackBaseConfig as AnyConfigClass).fields as object));
/** The default of an option as the page writes it. */
function defaultOf(field: unknown): string {
  const { success, data } = (field as { safeParse(value: undefined): { success: boolean; data?: unknown } }).safeParse(
    undefined,
  );
  return success ? `\`${JSON.stringify(data)}\`` : "needed";
}

/** Options and defaults of a section's table. */
function tableOf(section: string): Record<string, string> {
  const rows = [...section.matchAll(/^\| (`[^|]*`) \| ([^|]*) \|/gm)];
  return Object.fromEntries(
    rows.flatMap(([, names, defaults]) => {
      const values = defaults!.split(/, (?=`)/);
      return names!.split(", ").map((name, i) => [name.slice(1, -1), values[i] ?? values[0]!]);
    }),
  );
}

test.each([...kinds.values()].map((kind) => [kind.split(".").at(-1)!, kind]))(
  "%s is there, with its options",
  (name, kind) => {
    const schema = findKind(kind)!.schema;
    const section = sections.get(name);
    if (section === undefined) {
      expect(sections.get("Default callbacks")).toContain(`\`${name}\``);
      return;
    }
    expect(section).toContain(`kind: `);
    if (!isConfigClass(schema)) throw new Error(`${kind} has no config class`);
    const fields = Object.entries(schema.fields as object).filter(([key]) => !base.has(key));
    expect(tableOf(section)).toEqual(Object.fromEntries(fields.map(([key, field]) => [key, defaultOf(field)])));
  },
);

test.each(examples.map((text) => [/kind: \S*\.(\w+)\n/g.exec(text)![1]!, text]))(
  "the example of %s is valid",
  (_, text) => {
    for (const config of parse(text) as object[]) expect(() => CallbacksConfig.parse(config)).not.toThrow();
  },
);

test("the examples run", async () => {
  const folder = temporaryFolder();
  try {
    const plain = examples.filter((text) => !text.startsWith("# "));
    expect(plain.length).toBeGreaterThan(8);
    for (const [number, text] of plain.entries()) {
      const callbacks = (parse(text) as object[]).map((config) => CallbacksConfig.parse(config));
      const { trainer, model } = smallRun({
        outputRootPath: folder.path,
        runId: String(number),
        trainer: { callbacks, max_epochs: 2 },
      });
      await trainer.train(model);
    }
  } finally {
    folder.remove();
  }
}, 120_000);

test("the pictures of the example are drawn", async () => {
  const folder = temporaryFolder();
  try {
    const [example] = examples.filter((text) => text.startsWith("# airfoil"));
    const [config] = parse(example!) as [object];
    const override = JSON.stringify([{ ...config, every_n_epochs: undefined, every_n_updates: 2 }]).replaceAll('"', "");
    const run = await trainAirfoil(folder.path, `trainer.callbacks=${override}`);
    const sets = await readPictures(run);
    expect(sets.map(({ name, update }) => `${name} ${update}`)).toEqual([
      "val/0/surface_pressure 2",
      "val/0/volume_velocity 2",
      "val/3/surface_pressure 2",
      "val/3/volume_velocity 2",
    ]);
    expect(readFileSync(join(run, "report.html"), "utf8")).toContain("val/3/volume_velocity, update 2");
  } finally {
    folder.remove();
  }
}, 120_000);

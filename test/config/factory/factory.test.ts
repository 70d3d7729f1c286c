import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KindError } from "../../../lib/config/errors";
import { Factory } from "../../../lib/config/factory/factory";
import { findKind, lookupKind, register } from "../../../lib/config/registry";
import { loadKind, loadUserKinds, provideModules, userKindsIn } from "../../../lib/config/factory/load-kind";
import { NotImplementedError } from "../../../lib/config/python-errors";
import * as schemas from "../../../lib/config/schema";

const { defineConfig, int, str } = schemas;

const WidgetConfig = defineConfig("WidgetConfig", { extra: "forbid", fields: { kind: str(), size: int({ ge: 1 }) } });
class Widget {
  static readonly schema = WidgetConfig;
  constructor(
    readonly config: { size: number },
    readonly dependencies: { owner?: string },
  ) {}
}
class Loose {
  constructor(readonly options: Record<string, unknown>) {}
}

beforeAll(() => {
  register("test.factory.Widget", { class: Widget, aliases: ["test.factory.widget.Widget"] });
  register("test.factory.Loose", { class: Loose });
});

describe("Factory", () => {
  const factory = new Factory();

  test("nothing gives nothing", () => {
    expect([factory.create(null), factory.create({}), factory.createList(null), factory.createDict(null)]).toEqual([
      null,
      null,
      [],
      {},
    ]);
  });

  test("maps are mappings: a checkpoint of Python has them for its OrderedDicts", () => {
    const config = new Map<string, unknown>([
      ["kind", "test.factory.Widget"],
      ["size", 3],
    ]);
    expect((factory.create(config) as Widget).config).toEqual({ kind: "test.factory.Widget", size: 3 });
    expect(factory.createList(new Map([["a", config]]))).toHaveLength(1);
    expect(Object.keys(factory.createDict(new Map([["a", config]])))).toEqual(["a"]);
    expect(schemas.validateConfig(WidgetConfig, config)).toEqual({ kind: "test.factory.Widget", size: 3 });
  });

  test("a validated config comes first, dependencies second", () => {
    const config = WidgetConfig.create({ kind: "test.factory.Widget", size: 2 });
    const widget = factory.create(config, { owner: "me" }) as Widget;
    expect(widget).toBeInstanceOf(Widget);
    expect(widget.config).toBe(config);
    expect(widget.dependencies).toEqual({ owner: "me" });
  });

  test("a mapping is validated by the schema of its kind", () => {
    expect((factory.create({ kind: "test.factory.widget.Widget", size: "3" }) as Widget).config.size).toBe(3);
    expect(() => factory.create({ kind: "test.factory.Widget", size: 0 })).toThrow("size: expected an integer >= 1");
  });

  test("without a schema a mapping is named arguments", () => {
    const mapping = { kind: "test.factory.Loose", a: 1 };
    expect((factory.create(mapping, { b: 2 }) as Loose).options).toEqual({ a: 1, b: 2 });
    expect(mapping).toEqual({ kind: "test.factory.Loose", a: 1 });
  });

  test("objects pass through, classes and functions are called", () => {
    const object = new Loose({});
    expect(factory.create(object)).toBe(object);
    expect((factory.create(Loose, { a: 1 }) as Loose).options).toEqual({ a: 1 });
    expect(factory.create(({ a }: { a: number }) => a + 1, { a: 1 })).toBe(2);
  });

  test("partial mode hands classes out", () => {
    expect(new Factory({ returnsPartials: true }).create(Loose)).toBe(Loose);
  });

  test("collections", () => {
    const entry = { kind: "test.factory.Loose", a: 1 };
    expect(factory.createList([entry, null])).toEqual([new Loose({ a: 1 }), null]);
    expect(factory.createList({ x: entry })).toEqual([new Loose({ a: 1 })]);
    expect(factory.createDict({ x: entry })).toEqual({ x: new Loose({ a: 1 }) });
    expect(() => factory.createList("text")).toThrow(NotImplementedError);
    expect(() => factory.createDict([entry])).toThrow(NotImplementedError);
  });
});

describe("registry", () => {
  test("an unknown kind names the nearest", () => {
    expect(() => lookupKind("test.factory.Wigdet")).toThrow(
      'unknown kind "test.factory.Wigdet"; did you mean "test.factory.Widget"',
    );
    expect(() => lookupKind("something.entirely.Different")).toThrow("./path/to/file.ts#ClassName");
  });

  test("a name is taken once", () => {
    expect(() => register("test.factory.Widget", { class: Widget })).not.toThrow();
    expect(() => register("test.factory.Widget", { class: Loose })).toThrow(KindError);
  });
});

describe("kinds in the user's files", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "noether-kinds-"));
    provideModules({ "noether-ts": schemas, "noether-ts/core": schemas });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(root, name), text);

  test("a TypeScript class with its schema, sharing this process's noether-ts", async () => {
    write(
      "drag.ts",
      `import { defineConfig, int, str } from "noether-ts/core";
       import * as core from "noether-ts/core";
       import { helper } from "./helper";
       export const DragConfig = defineConfig("DragConfig", { fields: { kind: str(), axis: int().default(helper) } });
       export class Drag { static readonly schema = DragConfig; static readonly core: unknown = core; constructor(readonly config: unknown) {} }
       export const seven: number = 7;`,
    );
    write("helper.ts", "export const helper: number = 3;");
    await loadKind("./drag.ts#Drag", root);
    const drag = new Factory().create({ kind: "./drag.ts#Drag" }) as { config: unknown };
    expect(drag.config).toEqual({ kind: "./drag.ts#Drag", axis: 3 });
    const core = (lookupKind("./drag.ts#Drag").class as unknown as { core: typeof schemas }).core;
    expect(core.defineConfig).toBe(defineConfig);
    await loadKind("./drag.ts#DragConfig", root);
    expect(schemas.isConfigClass(findKind("./drag.ts#DragConfig")?.schema)).toBe(true);
    await expect(loadKind("./drag.ts#Darg", root)).rejects.toThrow(
      'expected ./drag.ts to export "Darg"; did you mean "Drag"',
    );
    await expect(loadKind("./drag.ts#seven", root)).rejects.toThrow(
      'expected "seven" of ./drag.ts to be a class, received a number',
    );
  });

  test("JavaScript works too, and a missing or broken file is one clear error", async () => {
    write("plain.cjs", "exports.Plain = class Plain {};");
    await loadKind("./plain.cjs#Plain", root);
    expect(findKind("./plain.cjs#Plain")?.class?.name).toBe("Plain");
    await expect(loadKind("./plane.cjs#Plain", root)).rejects.toThrow(
      /expected the file .*plane\.cjs .*did you mean "plain\.cjs"/,
    );
    write("broken.ts", "export class {");
    await expect(loadKind("./broken.ts#X", root)).rejects.toThrow(/cannot load .*broken\.ts for kind/);
    await expect(loadKind("no-such-package-xyz#X", root)).rejects.toThrow(
      'cannot load the package "no-such-package-xyz"',
    );
  });

  test("noether.project.ts registers names of the project's own", async () => {
    const kind = `test.project.Mine${process.pid}`;
    provideModules({ "noether-ts": { register } });
    write(
      "noether.project.ts",
      `import { register } from "noether-ts"; export class Mine {}; register("${kind}", { class: Mine });`,
    );
    await loadUserKinds({}, root);
    expect(findKind(kind)?.class?.name).toBe("Mine");
  });

  test("user kinds are found anywhere in a config", () => {
    const tree = {
      config_schema_kind: "./s.ts#S",
      model: { kind: "torch.optim.SGD" },
      list: [{ kind: "./a.ts#A" }, { kind: "pkg#B", note: "./x" }],
    };
    expect(userKindsIn(tree)).toEqual(["./s.ts#S", "./a.ts#A", "pkg#B"]);
  });
});

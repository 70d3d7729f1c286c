import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const lib = resolve(__dirname, "..", "..", "lib");

/** Files that a file imports or re-exports, types too; paths are relative to `lib`. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(lib, file), "utf8");
  const specifiers = [...text.matchAll(/^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"(\.[^"]*)";/gm)].map(
    (match) => match[1]!,
  );
  return specifiers.map((specifier) => {
    const target = join(lib, dirname(file), specifier);
    const found = [`${target}.ts`, join(target, "index.ts")].find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${file} imports ${specifier}, which is no file`);
    return relative(lib, found);
  });
}

/** `core/callbacks` of `core/callbacks/default/eta.ts`: the folder below a layer, or the file that stands there alone. */
const roomOf = (file: string) => file.split(sep).slice(0, 2).join("/");

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Something like `a > b > a`; undefined when there is no circle. */
function circleIn(graph: Graph): string | undefined {
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): string | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node].join(" > ");
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...way, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  return [...graph.keys()].map((node) => visit(node, [])).find((circle) => circle !== undefined);
}

// `torch` is one knot on purpose: tensors have the operators as methods, and operators give tensors
const files = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.startsWith(`torch${sep}`),
);
const imports: Graph = new Map(files.map((file) => [file, new Set(importsOf(file))]));

test("the files of lib import each other in no circle", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(circleIn(imports)).toBeUndefined();
});

test.each([...new Set(files.map((file) => file.split(sep)[0]!))].filter((layer) => !layer.endsWith(".ts")))(
  "the folders of lib/%s import each other in no circle",
  (layer) => {
    const rooms = new Map<string, Set<string>>();
    for (const [file, targets] of imports) {
      // the index of a layer lists what is public and is imported from outside only
      if (!file.startsWith(layer + sep) || file === join(layer, "index.ts")) continue;
      const others = [...targets].filter((to) => to.startsWith(layer + sep)).map(roomOf);
      const room = rooms.get(roomOf(file)) ?? new Set();
      for (const other of others) if (other !== roomOf(file)) room.add(other);
      rooms.set(roomOf(file), room);
    }
    expect(circleIn(rooms)).toBeUndefined();
  },
);

test("a circle is found", () => {
  const graph = new Map(Object.entries({ a: ["b"], b: ["c"], c: ["d", "b"], d: [] }).map(([k, v]) => [k, new Set(v)]));
  expect(circleIn(graph)).toBe("b > c > b");
});

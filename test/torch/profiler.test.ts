import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { nn, Profiler, type ProfilerOptions, profilerRange, randn } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";

interface TraceEvent {
  readonly ph: string;
  readonly cat?: string;
  readonly name: string;
  readonly ts: number;
  readonly dur?: number;
  readonly args?: Record<string, unknown>;
}

const folder = temporaryFolder();
afterAll(() => folder.remove());
let profiler: Profiler;
afterEach(() => profiler.cancel());

let count = 0;
/** What was recorded of some work, in the order of its beginning. */
function record(work: () => void, options?: ProfilerOptions): TraceEvent[] {
  profiler = new Profiler(options);
  profiler.start();
  work();
  const path = join(folder.path, `${count++}.json`);
  profiler.save(path);
  const { traceEvents } = JSON.parse(readFileSync(path, "utf8")) as { traceEvents: TraceEvent[] };
  return traceEvents.filter(({ ph }) => ph === "X").sort((a, b) => a.ts - b.ts);
}
const named = (events: readonly TraceEvent[], name: string) => events.filter((event) => event.name === name);

test("operators of forward and backward pass, with their times", () => {
  const model = new nn.Linear(3, 4);
  const x = randn([5, 3]);
  const events = record(() => model.forward(x).tanh().sum().backward());
  const [linear] = named(events, "aten::linear");
  expect(linear).toMatchObject({ cat: "cpu_op" });
  expect(linear!.dur).toBeGreaterThan(0);
  const names = events.map(({ name }) => name);
  expect(names).toContain("aten::tanh");
  expect(names.some((name) => name.includes("TanhBackward"))).toBe(true);
});

test("operators that do without the dispatcher", () => {
  const [layerNorm, linear] = [new nn.LayerNorm([8]), new nn.Linear(8, 8)];
  const x = randn([4, 8]);
  const events = record(() => nn.functional.gelu(linear.forward(layerNorm.forward(x))), { recordShapes: true });
  const shapes = Object.fromEntries(["aten::layer_norm", "aten::linear", "aten::gelu"].map((name) => [
    name,
    (named(events, name)[0]?.args?.["Input Dims"] as unknown[] | undefined)?.[0],
  ])); // prettier-ignore
  expect(shapes).toEqual({ "aten::layer_norm": [4, 8], "aten::linear": [4, 8], "aten::gelu": [4, 8] });
});

test("what runs before and after is not recorded", () => {
  const x = randn([5]);
  x.cos();
  const events = record(() => x.sin());
  x.cosh();
  expect(named(events, "aten::sin")).toHaveLength(1);
  expect([...named(events, "aten::cos"), ...named(events, "aten::cosh")]).toEqual([]);
});

test("shapes of inputs, on request", () => {
  const x = randn([5, 3]);
  expect(
    named(
      record(() => x.sin(), { recordShapes: true }),
      "aten::sin",
    )[0]!.args,
  ).toMatchObject({
    "Input Dims": [[5, 3]],
  });
  expect(
    named(
      record(() => x.sin()),
      "aten::sin",
    )[0]!.args,
  ).not.toHaveProperty("Input Dims");
});

test("ranges hold what ran in them", () => {
  const x = randn([5]);
  const events = record(() => {
    const outer = profilerRange("outer");
    const inner = profilerRange("inner");
    x.sin();
    inner.close();
    x.cos();
    outer.close();
    x.tan();
  });
  const [outer, inner, sin, cos, tan] = ["outer", "inner", "aten::sin", "aten::cos", "aten::tan"].map(
    (name) => named(events, name)[0]!,
  ) as [TraceEvent, TraceEvent, TraceEvent, TraceEvent, TraceEvent];
  const holds = (range: TraceEvent, event: TraceEvent) =>
    range.ts <= event.ts && event.ts + event.dur! <= range.ts + range.dur!;
  expect([holds(outer, inner), holds(inner, sin), holds(inner, cos), holds(outer, cos), holds(outer, tan)]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

test("a range while nothing is recorded is nothing, one that outlives its recording too", () => {
  profilerRange("alone").close();
  let range: ReturnType<typeof profilerRange>;
  record(() => (range = profilerRange("late")));
  const events = record(() => {
    const own = profilerRange("own");
    range.close();
    randn([2]);
    own.close();
  });
  const [own] = named(events, "own");
  expect(own!.ts + own!.dur!).toBeGreaterThanOrEqual(named(events, "aten::randn")[0]!.ts);
});

test("one at a time", () => {
  profiler = new Profiler();
  expect(() => new Profiler()).toThrow("another profiler of this process is active");
  profiler.cancel();
  profiler = new Profiler();
});

test("start, save, each once", () => {
  profiler = new Profiler();
  expect(() => profiler.save("x.json")).toThrow("expected a profiler that has started, got one that has not started");
  profiler.start();
  expect(() => profiler.start()).toThrow("expected a profiler that has not started, got one that has started");
  profiler.cancel();
  expect(() => profiler.save("x.json")).toThrow("got one that has ended");
});

test("a trace that cannot be written is an error, and leaves nothing behind", () => {
  profiler = new Profiler();
  profiler.start();
  const path = join(folder.path, "missing", "trace.json");
  expect(() => profiler.save(path)).toThrow(/ENOENT.*missing/);
  expect(existsSync(path)).toBe(false);
  profiler.save(join(folder.path, "elsewhere.json"));
  expect(existsSync(join(folder.path, "elsewhere.json"))).toBe(true);
});

test("options are checked", () => {
  expect(() => new Profiler({ cpu: false })).toThrow("nothing to record");
  expect(() => new Profiler({ shapes: true } as never)).toThrow("shapes");
});

test("a worker that ends with a recording leaves the profiler free", async () => {
  const entry = join(__dirname, "..", "..", "native", "build", "Release", "noether_native.node");
  const code = `const native = require(${JSON.stringify(entry)}); native.profilerPrepare(true, false, false, false, false); native.profilerStart(); native.profilerEnter("x");`;
  await new Promise((resolve, reject) => new Worker(code, { eval: true }).on("exit", resolve).on("error", reject));
  const events = record(() => randn([2]).sin());
  expect(named(events, "aten::sin")).toHaveLength(1);
  expect(readdirSync(folder.path).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
});

import { CapturedFunction, type Recorder } from "../../../lib/torch/cuda/captured-function";
import { expectNoLeaks, noGrad, scope, tensor, type Tensor, zeros } from "../../../lib/torch";

/** Records the closure, and counts. On a GPU a recording computes nothing; here its outputs are wiped. */
function recording() {
  const counts = { warmUps: 0, records: 0, replays: 0, resets: 0 };
  const recorder = (): Recorder => {
    let again = (): void => undefined;
    return {
      warmUp: (body) => (counts.warmUps++, body()),
      record: (body) => {
        counts.records++;
        const result = body();
        again = () => (result as Tensor).copy_(body() as Tensor);
        noGrad(() => (result as Tensor).fill_(NaN));
        return result;
      },
      replay: () => {
        counts.replays++;
        scope(again);
      },
      reset: () => void counts.resets++,
    };
  };
  return { counts, recorder };
}

const values = (one: Tensor): unknown => one.toArray();

test("the first call with a shape runs as it is, the second is recorded, and each of the others replayed with its own input", () => {
  const { counts, recorder } = recording();
  const double = new CapturedFunction(({ x }: { x: Tensor }) => x.mul(2), { recorder });
  const results = [1, 2, 3, 4].map((value) => values(double.call({ x: tensor([value, 1]) })));
  expect(results).toEqual([
    [2, 2],
    [4, 2],
    [6, 2],
    [8, 2],
  ]);
  expect(counts).toEqual({ warmUps: 1, records: 1, replays: 3, resets: 1 });
});

test.each<[string, unknown, unknown]>([
  ["shape", { x: zeros([2]) }, { x: zeros([3]) }],
  ["dtype", { x: zeros([2]) }, { x: zeros([2], { dtype: "float64" }) }],
  ["strides", { x: zeros([2, 3]) }, { x: zeros([3, 2]).t() }],
  ["a number", { x: zeros([2]), factor: 1 }, { x: zeros([2]), factor: 2 }],
  ["null", { x: zeros([2]), y: null }, { x: zeros([2]), y: zeros([2]) }],
  ["a key", { x: zeros([2]) }, { y: zeros([2]) }],
])("inputs that differ in %s have a recording each", (_name, first, second) => {
  const { counts, recorder } = recording();
  const ones = new CapturedFunction((_inputs: unknown) => tensor([1]), { recorder });
  for (const inputs of [first, second, first, second]) ones.call(inputs);
  expect(counts).toMatchObject({ warmUps: 2, records: 2, replays: 2 });
});

test("what cannot be recorded runs as it is, with the reason", () => {
  const reasons: string[] = [];
  const recorder = (): Recorder => ({
    ...recording().recorder(),
    record: () => {
      throw new Error("operation not permitted when stream is capturing");
    },
  });
  const double = new CapturedFunction((x: Tensor) => x.mul(2), { recorder, onFallBack: (why) => reasons.push(why) });
  expect([1, 2, 3].map((value) => values(double.call(tensor([value]))))).toEqual([[2], [4], [6]]);
  expect(reasons).toEqual(["it cannot be recorded: operation not permitted when stream is capturing"]);
  expect(double.fallBack).toBe(reasons[0]);
});

test("an error of the function itself is its caller's, and nothing is recorded", () => {
  const { counts, recorder } = recording();
  const failing = new CapturedFunction(
    (_x: Tensor): Tensor => {
      throw new RangeError("mine");
    },
    { recorder },
  );
  for (let call = 0; call < 2; call++) expect(() => failing.call(zeros([1]))).toThrow(RangeError);
  expect(counts.replays).toBe(0);
});

test("an asynchronous function is not recorded", async () => {
  const { counts, recorder } = recording();
  const later = new CapturedFunction((x: Tensor) => Promise.resolve(x), { recorder });
  await later.call(zeros([1]));
  await later.call(zeros([1]));
  expect(later.fallBack).toBe("the function is asynchronous");
  expect(counts.records).toBe(0);
});

test("shapes beyond the most that are recorded run as they are", () => {
  const { counts, recorder } = recording();
  const double = new CapturedFunction((x: Tensor) => x.mul(2), { recorder, maxShapes: 1 });
  for (const size of [1, 1, 2, 2, 2, 2, 1]) expect(double.call(zeros([size])).shape).toEqual([size]);
  expect(counts.records).toBe(1);
  expect(double.fallBack).toBeNull();
});

test("reset frees what was recorded", () => {
  const { recorder } = recording();
  expectNoLeaks(() => {
    const double = new CapturedFunction((x: Tensor) => x.mul(2), { recorder });
    scope(() => {
      for (let call = 0; call < 3; call++) double.call(zeros([4]));
    });
    double.reset();
  });
});

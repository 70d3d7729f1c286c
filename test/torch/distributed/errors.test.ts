import { join } from "node:path";
import { startRanks } from "../../support/ranks";

const script = join(__dirname, "fixtures", "failures.ts");
interface Failure {
  readonly message: string;
  readonly code: string;
  readonly rank: number | null;
  readonly seconds: number;
}

async function outcome(way: string): Promise<Failure> {
  const [first] = await startRanks([
    { script, args: [way] },
    { script, args: [way] },
  ]).ended;
  if (first!.result === undefined) throw new Error(first!.output);
  return first!.result as Failure;
}

test("a process that does not come is an error with rank, operation and what to check", async () => {
  const { message, code, rank } = await outcome("late");
  expect(message).toMatch(
    /^rank 0 of 2: allReduce failed after \d+\.\d s: .*Not every process came to allReduce in time/s,
  );
  expect([code, rank]).toEqual(["ERR_DISTRIBUTED", 0]);
});

test("a process that is killed is an error in the others, long before the timeout", async () => {
  const { message, code, seconds } = await outcome("ended");
  expect(message).toMatch(/^rank 0 of 2: allReduce failed.*Another process of the group has ended/s);
  expect(code).toBe("ERR_DISTRIBUTED");
  expect(seconds).toBeLessThan(50); // the timeout is 60 s
});

test("a process that is killed during training is an error in the others", async () => {
  const { message } = await outcome("backward");
  expect(message).toMatch(/^rank 0 of 2: backward failed.*Another process of the group has ended/s);
});

test("a process that is killed in the middle of a large tensor is an error in the others", async () => {
  const { message, code } = await outcome("large");
  expect(message).toMatch(/^rank 0 of 2: allReduce failed.*Another process of the group has ended/s);
  expect(code).toBe("ERR_DISTRIBUTED");
});

test("one that trains while the other gathers is an error in both, once the time is over", async () => {
  const all = await startRanks([
    { script, args: ["elsewhere"] },
    { script, args: ["elsewhere"] },
  ]).ended;
  const failures = all.map(({ result, output }) => {
    if (result === undefined) throw new Error(output);
    return result as Failure;
  });
  expect(failures.map(({ code }) => code)).toEqual(["ERR_DISTRIBUTED", "ERR_DISTRIBUTED"]);
  expect(failures[0]!.message).toMatch(/^rank 0 of 2: (backward|forward) failed/);
  expect(failures[1]!.message).toMatch(/^rank 1 of 2: allGather failed/);
});

test("a process that never starts is an error of initProcessGroup", async () => {
  const { message, code } = await outcome("absent");
  expect(message).toMatch(/initProcessGroup failed/);
  expect(code).toBe("ERR_DISTRIBUTED");
});

test("the end of a process with an operation under way is no crash", async () => {
  const all = await startRanks([
    { script, args: ["pending"] },
    { script, args: ["pending"] },
  ]).ended;
  expect(all.map(({ code, signal, result }) => [code, signal, result])).toEqual([
    [0, null, "ended"],
    [0, null, "ended"],
  ]);
});

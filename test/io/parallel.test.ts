import { parallelMapCollectErrors, ParallelErrors } from "../../lib/io";

test("all failures are collected with their items, and all items run", async () => {
  const ran: number[] = [];
  const task = async (n: number): Promise<number> => {
    ran.push(n);
    await Promise.resolve();
    if (n % 2 === 0) throw new Error(`no ${n}`);
    return n;
  };
  const failure = await parallelMapCollectErrors(task, [1, 2, 3, 4], 2).catch(
    (error: unknown) => error as ParallelErrors<number>,
  );
  expect(failure).toBeInstanceOf(ParallelErrors);
  expect((failure as ParallelErrors<number>).errors.map(([item]) => item)).toEqual([2, 4]);
  expect((failure as ParallelErrors).message).toBe("2 errors encountered");
  expect(ran.sort()).toEqual([1, 2, 3, 4]);
});

test("results have the order of the items, and no more than so many tasks run at a time", async () => {
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const task = async (n: number): Promise<number> => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => waiting.push(resolve));
    running--;
    return n * n;
  };
  const all = parallelMapCollectErrors(task, [1, 2, 3, 4, 5], 3);
  for (let turn = 0; turn < 40; turn++) {
    await new Promise(setImmediate);
    waiting.pop()?.(); // the last one that began ends first
  }
  expect(await all).toEqual([1, 4, 9, 16, 25]);
  expect(most).toBe(3);
});

test.each([0, -1, 1.5, NaN])("%d workers are refused", (workers) =>
  expect(parallelMapCollectErrors(async (n: number) => n, [1], workers)).rejects.toThrow("max_workers"),
);

import { GatheredChunks } from "../../../lib/io/transfer/gathered-chunks";

const gather = (): { taken: number[][]; chunks: GatheredChunks } => {
  const taken: number[][] = [];
  const take = async (chunks: Buffer[]): Promise<void> =>
    void (await Promise.resolve(taken.push(chunks.map(({ length }) => length))));
  return { taken, chunks: new GatheredChunks(take) };
};

test("chunks are handed out together from 256 KiB on, in their order", async () => {
  const { taken, chunks } = gather();
  for (const length of [100_000, 100_001, 100_002, 5]) await chunks.add(Buffer.alloc(length));
  expect(taken).toEqual([[100_000, 100_001, 100_002]]);
  await chunks.flush();
  expect(taken[1]).toEqual([5]);
});

test("nothing is handed out where nothing is", async () => {
  const { taken, chunks } = gather();
  await chunks.add(Buffer.alloc(3));
  await chunks.flush();
  await chunks.flush();
  expect(taken).toEqual([[3]]);
});

import {
  dropout,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  multinomial,
  nn,
  normal,
  ones,
  rand,
  randint,
  randn,
  randnLike,
  randperm,
  setRngState,
  zeros,
  type Tensor,
} from "../../lib/torch";
import { withRandomStream } from "../../lib/torch/random-stream";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What draws, each without naming a generator. */
const DRAWS: Record<string, () => Tensor> = {
  rand: () => rand([5]),
  randn: () => randn([5]),
  randint: () => randint(100, [5]),
  randperm: () => randperm(9),
  "like another": () => randnLike(zeros([5])),
  "in place": () => zeros([5]).uniform_(),
  "of a distribution": () => normal(0, 1, [5]),
  multinomial: () => multinomial(ones([9]), 5),
  dropout: () => dropout(ones([40]), 0.5, true),
  "a module": () => new nn.Linear(3, 2).weight,
};

test.each(Object.keys(DRAWS))("%s draws from the stream, and leaves the default generator alone", (name) => {
  manualSeed(11);
  const expected = DRAWS[name]!().toArray();
  const state = getRngState().toArray();
  manualSeed(1);
  setRngState(getRngState());
  const before = getRngState().toArray();
  expect(withRandomStream(new Generator().manualSeed(11), () => DRAWS[name]!().toArray())).toEqual(expected);
  expect(getRngState().toArray()).toEqual(before);
  expect(state).not.toEqual(before);
});

test("a generator that is named is used", () => {
  const drawn = withRandomStream(new Generator().manualSeed(1), () =>
    rand([3], { generator: new Generator().manualSeed(2) }).toArray(),
  );
  expect(drawn).toEqual(rand([3], { generator: new Generator().manualSeed(2) }).toArray());
});

test("seeding and states mean the stream", () => {
  manualSeed(3);
  const [seed, again] = withRandomStream(new Generator().manualSeed(1), () => {
    manualSeed(7);
    const state = getRngState();
    const first = rand([3]).toArray();
    setRngState(state);
    return [initialSeed(), JSON.stringify(first) === JSON.stringify(rand([3]).toArray())];
  });
  expect([seed, again, initialSeed()]).toEqual([7n, true, 3n]);
});

test("streams of interleaved asynchronous functions keep apart, and nest", async () => {
  const draw = (seed: number) =>
    withRandomStream(new Generator().manualSeed(seed), async () => {
      const numbers: unknown[] = [];
      for (let round = 0; round < 3; round++) {
        numbers.push(rand([2]).toArray());
        await turn();
        withRandomStream(new Generator(), () => rand([2]));
      }
      return numbers;
    });
  const alone = [await draw(1), await draw(2)];
  expect(await Promise.all([draw(1), draw(2)])).toEqual(alone);
});

test("an error leaves the stream", () => {
  manualSeed(3);
  const expected = rand([2]).toArray();
  manualSeed(3);
  expect(() =>
    withRandomStream(new Generator(), () => {
      throw new Error("out of luck");
    }),
  ).toThrow("out of luck");
  expect(rand([2]).toArray()).toEqual(expected);
});

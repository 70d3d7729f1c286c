import { arange, nn, tensor, zeros } from "../../../../lib/torch";

const { invertPermutation, packSequence, padSequence, unpackSequence, unpadSequence } = nn.utils.rnn;

test("unpadSequence and unpackSequence give back what was padded and packed", () => {
  const sequences = [arange(2), arange(4), arange(1)];
  expect(unpadSequence(padSequence(sequences), [2, 4, 1])).toEqual(sequences);
  const padded = padSequence(sequences, { batchFirst: true });
  expect(unpadSequence(padded, tensor([2n, 4n, 1n]), { batchFirst: true })).toEqual(sequences);
  expect(unpackSequence(packSequence(sequences, { enforceSorted: false }))).toEqual(sequences);
  expect(() => unpadSequence(zeros([3, 2]), [1])).toThrow("expected 2 lengths, got 1");
});

test("invertPermutation undoes a permutation", () => {
  const permutation = tensor([2n, 0n, 1n]);
  expect(permutation.indexSelect(0, invertPermutation(permutation)).toArray()).toEqual([0, 1, 2]);
  expect(invertPermutation(null)).toBeNull();
});

/**
 * PyTorch's own samples of its operators (OpInfo), as `record.py --small` recorded them: values, shapes, dtypes, gradients, `out`,
 * methods, in-place forms, and calls that PyTorch refuses. All samples: `npm run test:conformance`.
 */
import { NOT_STORED, reasonFor } from "./known";
import { storedRecordings } from "./recordings";
import { replay, type Outcome } from "./replay";

const { recordings, bytes } = storedRecordings();
const outcomes = new Map<string, Outcome[]>();
const outcomesOf = (operator: string): Outcome[] => {
  if (!outcomes.has(operator))
    outcomes.set(
      operator,
      replay(
        recordings.find((each) => each.operator === operator)!,
        bytes,
      ),
    );
  return outcomes.get(operator)!;
};

test.each(recordings.map(({ operator }) => operator))("%s is PyTorch's", (operator) => {
  const failed = outcomesOf(operator).filter(
    ({ status, kind }) => status === "fail" && reasonFor(operator, kind) === null,
  );
  expect(failed.map(({ kind, dtype, detail }) => `${kind} ${dtype}: ${detail}`)).toEqual([]);
});

test("at least 5,000 comparisons are made, of at least 600 operators", () => {
  const made = recordings.flatMap(({ operator }) => outcomesOf(operator)).filter(({ status }) => status === "pass");
  expect(made.length).toBeGreaterThanOrEqual(5000);
  expect(new Set(made.map(({ operator }) => operator)).size).toBeGreaterThanOrEqual(600);
});

test("the entries without a stored sample are those that have a reason", () => {
  const without = recordings.filter(({ samples }) => samples.length === 0).map(({ operator }) => operator);
  expect(without.sort()).toEqual(NOT_STORED.flatMap(({ operators }) => operators).sort());
});

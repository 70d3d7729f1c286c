import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJiti } from "jiti";

import { ValueError } from "../../../lib/config/python-errors";
import { describeFailure } from "../../../lib/core/logging/failure";
import { ones } from "../../../lib/torch";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-"))));
afterEach(() => {
  delete process.env["NOETHER_FULL_ERROR"];
  rmSync(folder, { recursive: true });
});

/** The error of a user's file, loaded as the commands load it. */
async function errorOf(name: string, text: string, argument: unknown = undefined): Promise<Error> {
  writeFileSync(join(folder, name), text);
  const module = await createJiti(folder).import<{ run(argument: unknown): unknown }>(join(folder, name));
  try {
    await module.run(argument);
  } catch (error) {
    return error as Error;
  }
  throw new Error("the file did not fail");
}

test.each([
  [
    "a.ts",
    'interface A { x: number }\nclass Drag {\n  // a comment\n  compute(a: A): number {\n    throw new Error("no " + a);\n  }\n}\nexport const run = () => new Drag().compute({ x: 1 });\n',
    /^Error: no .*\n {4}at Drag\.compute \(.*a\.ts:5:\d+\)\n {4}at .*a\.ts:8:\d+/,
  ],
  [
    "b.mjs",
    'export async function run() {\n  await null;\n  throw new TypeError("bad\\nthing");\n}\n',
    /^TypeError: bad\nthing\n {4}at .*b\.mjs:3:\d+\)?$/,
  ],
])("an error in %s has the user's file and line, and no other places", async (name, text, expected) => {
  expect(describeFailure(await errorOf(name, text))).toMatch(expected);
});

test("an error that this package throws says where the user called it", async () => {
  const error = await errorOf(
    "c.ts",
    "export function run(ones: (shape: number[]) => any) {\n  return ones([2]).add(ones([3]));\n}\n",
    ones,
  );
  expect(describeFailure(error)).toMatch(/^add\(.*size of tensor.*\n {4}at .*c\.ts:2:\d+/);
  expect(describeFailure(error)).not.toMatch(/node:internal|node_modules|lib\/torch/);
});

test("an expected error without places of the user is its message", () => {
  expect(
    describeFailure(
      Object.assign(new ValueError("expected a file"), {
        stack: "ValueError: expected a file\n    at f (node:internal/x:1:2)",
      }),
    ),
  ).toBe("expected a file");
});

test("the places of the cause stand for those that an error has not", async () => {
  const cause = await errorOf("d.ts", '\nexport function run() {\n  throw new Error("inner");\n}\n');
  const error = Object.assign(new ValueError("cannot do it: inner", { cause }), { stack: "ValueError: cannot do it" });
  expect(describeFailure(error)).toMatch(/^cannot do it: inner\n {4}at .*d\.ts:3:/);
});

test("NOETHER_FULL_ERROR=1 shows everything", async () => {
  process.env["NOETHER_FULL_ERROR"] = "1";
  const cause = await errorOf("e.ts", 'export function run() {\n  throw new Error("inner");\n}\n');
  const text = describeFailure(new ValueError("outer", { cause }));
  expect(text).toMatch(/outer\n {4}at [^]*caused by Error: inner\n {4}at [^]*e\.ts:2/);
  expect(text).toContain("failure.test.ts");
});

test("what is no error is its text", () => expect(describeFailure("out of luck")).toBe("out of luck"));

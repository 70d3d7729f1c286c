import { fitParts, showsColours, StatusLine } from "../../../lib/core/logging/terminal";

function terminal(columns?: number) {
  const written: string[] = [];
  return { written, line: new StatusLine({ columns, write: (text: string) => written.push(text) > 0 }) };
}

test("messages are printed above the status line", () => {
  const { written, line } = terminal(40);
  line.above("before\n");
  line.show("50%");
  line.above("message\n");
  line.hide();
  line.above("after\n");
  expect(written).toEqual(["before\n", "\r\u001b[K50%", "\r\u001b[Kmessage\n50%", "\r\u001b[K", "after\n"]);
});

test("the status line never fills the last column", () => {
  const { written, line } = terminal(10);
  line.show("0123456789abc");
  expect(written).toEqual(["\r\u001b[K012345678"]);
});

test.each([undefined, 0])("columns %p count as 80", (columns) => expect(terminal(columns).line.width).toBe(79));

test("parts that do not fit are left out by importance, in order", () => {
  const parts = [
    { text: "bar", importance: 1 },
    { text: "50%", importance: 3 },
    { text: "left", importance: 2 },
  ];
  expect(fitParts(parts, 14)).toBe("bar  50%  left");
  expect(fitParts(parts, 13)).toBe("50%  left");
  expect(fitParts(parts, 8)).toBe("50%");
  expect(fitParts(parts, 2)).toBe("50");
  expect(fitParts(parts, -1)).toBe("");
});

describe("colours", () => {
  const before = process.env["NO_COLOR"];
  afterEach(() => {
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  });
  const stream = (isTTY: boolean, colours = true) => ({ isTTY, write: () => true, hasColors: () => colours });

  test.each([
    [true, true, undefined, true],
    [true, true, "", true],
    [true, true, "1", false],
    [true, false, undefined, false],
    [false, true, undefined, false],
  ])("terminal %p that has them %p, NO_COLOR %p: %p", (isTTY, colours, noColour, expected) => {
    if (noColour === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = noColour;
    expect(showsColours(stream(isTTY, colours))).toBe(expected);
  });
});

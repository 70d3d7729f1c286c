import { cuda } from "../../../lib/torch";

test.each([["cpu"], ["cuda:x"], [1.5], [-1], [{}]])("%p is no CUDA device", (device) => {
  expect(() => cuda.synchronize(device as number)).toThrow(
    /^cuda\.synchronize: expected a CUDA device \(its number, "cuda" or "cuda:1"\), got /,
  );
});

test("further arguments are refused", () => {
  const synchronize = cuda.synchronize as (...args: unknown[]) => void;
  expect(() => synchronize(0, 1)).toThrow("cuda.synchronize: expected no further argument, got 1");
});

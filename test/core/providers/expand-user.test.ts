import { homedir } from "node:os";
import { join } from "node:path";
import { expandUser } from "../../../lib/core/providers/expand-user";

test.each([
  ["~", homedir()],
  ["~/runs", join(homedir(), "runs")],
  ["~other/runs", "~other/runs"],
  ["/data/~/runs", "/data/~/runs"],
])("%s is %s", (path, expected) => expect(expandUser(path)).toBe(expected));

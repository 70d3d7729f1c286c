/** `noether-data verification`. */
import { resolve } from "node:path";
import { buildManifest, describeFailAction, FailAction, saveManifest } from "../../io";
import { expandHome } from "../../io/files/resolve-dir";
import { folderArgument, JOBS, say } from "./arguments";
import type { IoCommand, IoOption } from "./command-line";
import { verifyAndAct } from "./verify";

const root: IoOption = { type: "text", short: "-r", required: true, does: "the folder" };
const manifest: IoOption = { type: "text", short: "-m", required: true, does: "the manifest" };
const actions = Object.values(FailAction).map((action) => `${action}: ${describeFailAction(action)}`);

export const verification: Readonly<Record<string, IoCommand>> = {
  build: {
    words: [],
    does: "record the files of a folder in a manifest",
    options: { root, manifest, jobs: JOBS, hash: { type: "flag", default: true, does: "record SHA-256" } },
    run: async (given) => {
      const path = resolve(expandHome(given.text("manifest")!));
      const options = { jobs: given.int("jobs"), includeHash: given.flag("hash"), except: [path] };
      await saveManifest(await buildManifest(resolve(expandHome(given.text("root")!)), options), path);
      say(`Manifest saved to ${path}`);
    },
  },
  check: {
    words: [],
    does: "compare the files of a folder with a manifest",
    options: {
      root,
      manifest,
      jobs: JOBS,
      "require-hash": { type: "flag", default: true, does: "files without a hash in the manifest are wrong" },
      action: {
        type: "choice",
        short: "-a",
        choices: Object.values(FailAction),
        default: FailAction.WARN,
        does: actions.join("; "),
      },
    },
    run: async (given) =>
      verifyAndAct({
        root: folderArgument(given.text("root")!, "--root"),
        manifest: resolve(expandHome(given.text("manifest")!)),
        jobs: given.int("jobs")!,
        requireHash: given.flag("require-hash"),
        action: given.text("action") as FailAction,
        label: "",
      }),
  },
};

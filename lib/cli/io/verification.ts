/** `noether-data verification`. */
import { resolve } from "node:path";
import { buildManifest, describeFailAction, FailAction, saveManifest } from "../../io";
import { expandHome } from "../../io/files/resolve-dir";
import { actionOption, folderArgument, JOBS, say } from "./arguments";
import { flag, text } from "../options";
import { ioCommand } from "./io-command";
import { verifyAndAct } from "./verify";

const root = text({ short: "r", value: "DIR", required: true, does: "the folder" });
const manifest = text({ short: "m", value: "FILE", required: true, does: "the manifest" });
const actions = Object.values(FailAction).map((action) => `${action}: ${describeFailAction(action)}`);

export const verification = {
  build: ioCommand({
    words: [],
    does: "record the files of a folder in a manifest",
    options: { root, manifest, jobs: JOBS, hash: flag({ default: true, does: "record SHA-256" }) },
    run: async (given) => {
      const path = resolve(expandHome(given.manifest));
      const options = { jobs: given.jobs, includeHash: given.hash, except: [path] };
      await saveManifest(await buildManifest(resolve(expandHome(given.root)), options), path);
      say(`Manifest saved to ${path}`);
    },
  }),
  check: ioCommand({
    words: [],
    does: "compare the files of a folder with a manifest",
    options: {
      root,
      manifest,
      jobs: JOBS,
      "require-hash": flag({ default: true, does: "files without a hash in the manifest are wrong" }),
      action: actionOption(actions.join("; ")),
    },
    run: async (given) =>
      verifyAndAct({
        root: folderArgument(given.root, "--root"),
        manifest: resolve(expandHome(given.manifest)),
        jobs: given.jobs,
        requireHash: given["require-hash"],
        action: given.action,
        label: "",
      }),
  }),
};

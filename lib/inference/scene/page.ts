import { pageScript, pageTemplate } from "../../core/built-page";
import type { Scene } from "./scene";

/**
 * The page that shows predictions, as one file that needs no network.
 *
 * @param scenes what it shows; null: it asks the server that it comes from
 * @throws FileNotFoundError when the package is not built
 */
export function viewerPage(scenes: readonly Scene[] | null): string {
  const data = JSON.stringify(scenes).replaceAll("<", "\\u003c");
  return pageTemplate("viewer")
    .replace("__SCENES__", () => data)
    .replace("__SCRIPT__", () => pageScript("viewer").replaceAll("</script", "<\\/script"));
}

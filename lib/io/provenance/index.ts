export { NoProvenanceError, redownload } from "./redownload";

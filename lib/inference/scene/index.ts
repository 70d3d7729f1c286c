export { viewerPage } from "./page";
export { sceneOf, type Scene, type SceneDomain, type SceneField } from "./scene";

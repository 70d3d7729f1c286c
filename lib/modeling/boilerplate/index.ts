/** The model of the boilerplate project. Importing it registers its kind. */
export { BaseModel, BaseModelConfig } from "./base-model";

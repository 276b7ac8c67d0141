// The sampler's public face.
export { findModel, homeFolder, installedModels, modelFolders } from "./catalog.ts"
export { createEngine, type EngineOptions, LocalEngine } from "./engine.ts"
export type { Expand, Resolved } from "./generate.ts"
export { type Installed, Manifest, type ManifestInput, weightsOf } from "./manifest.ts"
export {
  type Conditioner,
  conditioners,
  type PartContext,
  type TextBranches,
  textEncoders,
  type Upsampler,
  upsamplers,
} from "./parts.ts"
export type { Taps, TextEncoder } from "./text.ts"

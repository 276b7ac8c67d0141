// The networks of Krea 2 as expressions.
export * from "./classifier.ts"
export * from "./config.ts"
export * from "./dit.ts"
export * from "./reach.ts"
export * from "./style.ts"
export * from "./tables.ts"
export { stackTaps, textStates, textTaps } from "./text.ts"
export * from "./upsampler.ts"
export {
  type Borders,
  decode,
  decodeGlobal,
  decodeLocal,
  denormalise,
  encode,
  encodeGlobal,
  encodeLocal,
  normalise,
  type VaeLayout,
} from "./vae.ts"
export * from "./weights.ts"
export * from "./words.ts"

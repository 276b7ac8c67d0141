// The networks of Krea 2 as expressions.
export * from "./config.ts"
export * from "./dit.ts"
export * from "./tables.ts"
export { stackTaps, textStates, textTaps } from "./text.ts"
export { decode, denormalise, encode, normalise, type VaeLayout } from "./vae.ts"
export * from "./weights.ts"
export * from "./words.ts"
export * from "./upsampler.ts"

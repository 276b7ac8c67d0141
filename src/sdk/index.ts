// The SDK's public face.

export * from "./client.ts"
export type { ServerEvent } from "./events.ts"
export { type Atelier, createAtelier } from "./local.ts"

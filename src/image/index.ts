// Pictures in and out. Signing is apart (credentials.ts): its libraries are for the service, not for every command.
export * from "./decode.ts"
export * from "./encode.ts"
export * from "./limits.ts"
export { type Provenance, readExpandedPrompt, readRequest } from "./metadata.ts"
export * from "./source.ts"

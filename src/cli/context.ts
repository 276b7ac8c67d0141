// What every command has: where to print, how to fail, how to be stopped.
import { AtelierError, asAtelierError, type ErrorCode } from "../request/errors.ts"

/** 0 done; 1 failed; 2 asked wrongly; 130 stopped by Ctrl-C. */
export const EXIT = { done: 0, failed: 1, usage: 2, stopped: 130 } as const

const USAGE: readonly ErrorCode[] = ["invalid_request", "out_of_range", "unsupported"]

export interface Context {
  /** Results go here. */
  print: (text: string) => void
  /** Everything else: progress, plans, complaints. */
  tell: (text: string) => void
  /** Whether `tell` reaches a person's terminal, where a line can be redrawn. */
  terminal: boolean
  signal: AbortSignal
  /** Sets the process's exit code. */
  exit: (code: number) => void
}

export interface CommonOptions {
  json?: boolean
}

/**
 * Runs one command: prints its result (as JSON under --json), turns what it throws into a sentence and an exit
 * code. `say` gives the text for people.
 */
export async function run<T>(
  context: Context,
  options: CommonOptions,
  body: () => Promise<T>,
  say: (result: T) => string,
): Promise<void> {
  try {
    const result = await body()
    context.print(options.json ? JSON.stringify(result, null, 2) : say(result))
  } catch (thrown) {
    const error = asAtelierError(thrown)
    context.exit(exitCode(error))
    if (options.json) context.print(JSON.stringify({ error }, null, 2))
    else context.tell(`${error.message}${error.code === "internal" ? ` (${error.code})` : ""}`)
  }
}

/** The same for work that heeds no signal: when told to stop nobody waits for it, and it ends with the process. */
export function runUnheeding<T>(
  context: Context,
  options: CommonOptions,
  body: () => Promise<T>,
  say: (result: T) => string,
): Promise<void> {
  const { signal } = context
  const stopped = (): AtelierError => new AtelierError("cancelled", "Stopped.", { cause: signal.reason })
  const untilStopped = (): Promise<T> =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(stopped()), { once: true })
      if (signal.aborted) reject(stopped())
      else body().then(resolve, reject)
    })
  return run(context, options, untilStopped, say)
}

function exitCode(error: AtelierError): number {
  if (error.code === "cancelled") return EXIT.stopped
  return USAGE.includes(error.code) ? EXIT.usage : EXIT.failed
}

/** The process's own context. The first Ctrl-C stops the work within a step, the second one the process. */
export function processContext(): Context {
  const stop = new AbortController()
  process.on("SIGINT", () => {
    if (stop.signal.aborted) process.exit(EXIT.stopped)
    stop.abort(new AtelierError("cancelled", "Stopped."))
  })
  process.on("SIGTERM", () => stop.abort(new AtelierError("cancelled", "Stopped.")))
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (cause: NodeJS.ErrnoException) => {
      // Whoever read us (head, a closed terminal) has enough; the work goes on.
      if (cause.code === "EPIPE") return
      process.exitCode = EXIT.failed
      if (stream === process.stdout)
        process.stderr.write(`The result could not be written: ${cause.message}\n`)
    })
  return {
    print: (text) => process.stdout.write(`${text}\n`),
    tell: (text) => process.stderr.write(`${text}\n`),
    terminal: process.stderr.isTTY === true,
    signal: stop.signal,
    exit: (code) => {
      process.exitCode = code
    },
  }
}

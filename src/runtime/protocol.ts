// What the engine's process and its worker say to each other.
import type { ErrorData } from "../request/errors.ts"
import type { Feeds, RunOptions, Values } from "./runner.ts"
import type { GraphFile, SessionOptions } from "./session.ts"

export type Command =
  | { do: "start"; options: SessionOptions }
  | { do: "open"; graph: number; file: GraphFile }
  | { do: "run"; graph: number; feeds: Feeds; options?: RunOptions }
  | { do: "close"; graph: number }
  | { do: "memory" }

export type Request = Command & { id: number }

export type Answer =
  | { id: number; values?: Values; bytes?: number }
  | { id: number; error: ErrorData & { stack?: string } }

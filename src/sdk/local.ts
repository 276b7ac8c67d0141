// The engine in this process with the client's manners: input checked, defaults filled, errors as data.
import { join } from "node:path"
import { BoardFolder } from "../controls/boards.ts"
import { createEngine } from "../controls/engine.ts"
import {
  type Engine,
  type GenerateOptions,
  type Generation,
  type GenerationInput,
  type ModelInfo,
  parseRequest,
} from "../request/index.ts"
import { homeFolder } from "../sampling/catalog.ts"

export interface Atelier {
  /** Throws AtelierError; `cancelled` within one step of an aborted signal. */
  generate(request: GenerationInput, options?: GenerateOptions): Promise<Generation>
  models(): Promise<ModelInfo[]>
  /** Moodboards on this machine: create, list, find, remove. */
  readonly boards: BoardFolder
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes pictures without a server, with the installed models unless another engine is given.
 * @example
 * await using atelier = createAtelier()
 * const { pictures } = await atelier.generate({ prompt: "a fox in the snow", seed: 7 })
 */
export function createAtelier(given?: Engine, home = homeFolder()): Atelier {
  // Its boards are those that `boards` makes.
  const engine = given ?? createEngine({ home })
  return {
    generate: async (request, options) => engine.generate(parseRequest(request), options),
    models: () => engine.models(),
    boards: new BoardFolder(join(home, "boards")),
    close: () => engine.close(),
    [Symbol.asyncDispose]: () => engine.close(),
  }
}

// The engine in this process with the client's manners: input checked, defaults filled, errors as data.
import {
  type Engine,
  type GenerateOptions,
  type Generation,
  type GenerationInput,
  type ModelInfo,
  parseRequest,
} from "../request/index.ts"

export interface Atelier {
  /** Throws AtelierError; `cancelled` within one step of an aborted signal. */
  generate(request: GenerationInput, options?: GenerateOptions): Promise<Generation>
  models(): Promise<ModelInfo[]>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Wraps an engine for use without a server.
 * @example
 * await using atelier = createAtelier(await createEngine())
 * const { pictures } = await atelier.generate({ prompt: "a fox in the snow", width: 512, height: 512 })
 */
export function createAtelier(engine: Engine): Atelier {
  return {
    generate: async (request, options) => engine.generate(parseRequest(request), options),
    models: () => engine.models(),
    close: () => engine.close(),
    [Symbol.asyncDispose]: () => engine.close(),
  }
}

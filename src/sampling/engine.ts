// The engine: installed models, one worker process, concurrent requests. Implements the port of src/request.
import { randomInt } from "node:crypto"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { ditConfig } from "../checkpoint/config.ts"
import { loadLora } from "../checkpoint/lora.ts"
import { inspectImage } from "../image/decode.ts"
import { checkMaskShape } from "../image/mask.ts"
import { type ImageResolver, readImage } from "../image/source.ts"
import type { Engine, GenerateOptions, Generation, ModelInfo } from "../request/engine.ts"
import { AtelierError, asAtelierError } from "../request/errors.ts"
import { type GenerationRequest, LIMITS } from "../request/request.ts"
import { type Device, probe, providersOf } from "../runtime/device.ts"
import { freeMemory, physicalCores } from "../runtime/machine.ts"
import { describePlan, type MemoryPlan, refuseIfTooLarge } from "../runtime/memory.ts"
import { startWorker, type WorkerRunner } from "../runtime/worker.ts"
import { version } from "../version.ts"
import { findLora, findModel, homeFolder, modelFolders } from "./catalog.ts"
import { type Expand, generate, orCancelled, type Resolved } from "./generate.ts"
import { exactGrid } from "./grid.ts"
import { fileOf, type Installed } from "./manifest.ts"
import { componentOf, Model, memoryPlan, surveyModels } from "./model.ts"
import type { BoardReader } from "./parts.ts"
import type { StartFiles } from "./start.ts"
import { throwIfCancelled } from "./stepper.ts"

export interface EngineOptions {
  /** How boards are found; without it there are none. */
  readBoard?: BoardReader
  device?: Device
  /** Threads within an operator; default the physical cores. */
  threads?: number
  /** The user's folder; default ATELIER_HOME or ~/.atelier. */
  home?: string
  /** Folders that hold model folders; default the user's and the shipped ones. */
  folders?: readonly string[]
  /** How picture sources are opened; a server passes one that is safe for strangers. */
  readImage?: ImageResolver
  /** Creativity; without one, prompts reach the model as they are. */
  expand?: Expand
  /** Loaded models kept for the next request. */
  keep?: number
  /** Bytes that can be taken; default what the machine says. */
  freeMemory?: () => number
  /** Told what happens, a line at a time: the memory plan before loading. */
  log?: (line: string) => void
}

const unchanged: Expand = async (request) => ({ prompt: request.prompt })

/**
 * Makes an engine. Nothing is loaded before the first request, and its worker process lives until `close`.
 *
 * @example
 * const engine = createEngine()
 * const { pictures } = await engine.generate(parseRequest({ prompt: "a red fox" }))
 * await engine.close()
 */
export function createEngine(options: EngineOptions = {}): LocalEngine {
  return new LocalEngine(options)
}

interface Entry {
  model: Promise<Model>
  users: number
  used: number
  /** Most bytes that pictures of it have been let take. */
  work: number
}

/** A LoRA's file, how much of it, and what tells it from one that takes its place. */
interface Adapter {
  path: string
  strength: number
  version: string
}

async function adapterAt(path: string, strength: number): Promise<Adapter> {
  const { size, mtimeMs } = await stat(path)
  return { path, strength, version: `${size} ${mtimeMs}` }
}

export class LocalEngine implements Engine {
  readonly #options: EngineOptions
  readonly #home: string
  readonly #folders: readonly string[]
  readonly #loaded = new Map<string, Entry>()
  #worker: Promise<WorkerRunner> | undefined
  readonly #closing = new AbortController()
  #turn = 0

  constructor(options: EngineOptions) {
    this.#options = options
    this.#home = options.home ?? homeFolder()
    this.#folders = options.folders ?? modelFolders(this.#home)
  }

  async models(): Promise<ModelInfo[]> {
    return (await surveyModels(this.#folders)).models
  }

  async generate(request: GenerationRequest, options: GenerateOptions = {}): Promise<Generation> {
    throwIfCancelled(options.signal)
    this.#refuseIfClosed()
    try {
      // Loading and reading a prompt cannot be interrupted; whoever cancels need not wait for their end.
      return await orCancelled(this.#generate(request, options), options.signal)
    } catch (thrown) {
      throw asAtelierError(thrown)
    }
  }

  #refuseIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }

  async #generate(request: GenerationRequest, options: GenerateOptions): Promise<Generation> {
    const installed = await findModel(request.model, [...this.#folders])
    const resolved = resolve(request, installed)
    // Cheap to find wrong, so found before minutes of loading.
    const start = await this.#startFiles(resolved)
    throwIfCancelled(options.signal)
    // By what its file is now: a LoRA that was trained anew under its name is another one.
    const loras = await Promise.all(
      resolved.loras.flatMap(({ name, weight }, i) =>
        weight === 0 ? [] : [adapterAt(findLora(name, `loras[${i}].name`, this.#home), weight)],
      ),
    )
    const key = JSON.stringify([installed.folder, installed.manifest.name, loras])
    const entry = await this.#entry(key, installed, resolved, loras)
    try {
      const model = await entry.model
      await this.#makeRoom(entry, model, resolved)
      return await generate(
        resolved,
        model,
        {
          expand: this.#options.expand ?? unchanged,
          start,
          software: `atelier ${version}`,
        },
        options,
      )
    } finally {
      entry.users--
      await this.#trim()
    }
  }

  /** Ends the worker at once, whatever it is doing. */
  async close(): Promise<void> {
    this.#closing.abort(new AtelierError("unavailable", "The engine is closed; make a new one."))
    this.#loaded.clear()
    const worker = await this.#worker?.catch(() => undefined)
    this.#worker = undefined
    await worker?.close()
  }

  /** The worker's process id, once one runs. */
  async workerPid(): Promise<number | undefined> {
    return (await this.#worker)?.pid
  }

  async #startFiles({ start }: Resolved): Promise<StartFiles | undefined> {
    if (!start) return undefined
    const read = this.#options.readImage ?? readImage
    const picture = await read(start.image, "start.image")
    const inspected = await inspectImage(picture, "to start from", "start.image")
    if (!start.mask) return { picture }
    const mask = await read(start.mask, "start.mask")
    const { autoOrient: shape } = await inspectImage(mask, "for the mask", "start.mask")
    checkMaskShape(shape, inspected.autoOrient)
    return { picture, mask }
  }

  /** A loaded model, counted as in use. */
  async #entry(
    key: string,
    installed: Installed,
    request: Resolved,
    loras: readonly Adapter[],
  ): Promise<Entry> {
    await this.#livingWorker()
    const known = this.#loaded.get(key)
    const entry: Entry = known ?? { model: this.#load(installed, request, loras), users: 0, used: 0, work: 0 }
    entry.users++
    entry.used = ++this.#turn
    if (known) return known
    this.#loaded.set(key, entry)
    // A model that could not be loaded may be mended and asked for again.
    entry.model.catch(() => {
      if (this.#loaded.get(key) === entry) this.#loaded.delete(key)
    })
    return entry
  }

  async #load(installed: Installed, request: Resolved, asked: readonly Adapter[]): Promise<Model> {
    const { name } = installed.manifest
    const dit = await componentOf(installed, "dit")
    const vae = await componentOf(installed, "vae")
    const grid = installed.manifest.native ? exactGrid(256, 256) : exactGrid(request.width, request.height)
    // Word encoders are a few megabytes; the official tower is as large as the image model.
    const towers = installed.manifest.text.kind === "qwen3" ? [await componentOf(installed, "text")] : []
    const plan = await this.#plan((free) => memoryPlan(dit, vae, towers, grid, 2, free))
    this.#options.log?.(`${name} ${describePlan(plan)}`)
    refuseIfTooLarge(name, plan)
    const config = ditConfig(dit)
    const own = fileOf(installed, "adapter")
    const loras = await Promise.all(
      [...(own === undefined ? [] : [{ path: own, strength: 1 }]), ...asked].map(
        async ({ path, strength }) => ({ lora: await loadLora(path, config), strength }),
      ),
    )
    const worker = await this.#livingWorker()
    return await Model.load(worker, installed, {
      loras,
      readImage: this.#options.readImage ?? readImage,
      cache: join(this.#home, "cache"),
      signal: this.#closing.signal,
      ...(this.#options.readBoard && { readBoard: this.#options.readBoard }),
    })
  }

  /**
   * A model's plan is of the picture it was loaded for. A larger one takes more: what the runtime holds of earlier ones
   * serves again, so only what is beyond them must be free. Throws out_of_memory.
   */
  async #makeRoom(entry: Entry, model: Model, request: Resolved): Promise<void> {
    const work = model.workBytes(request)
    const more = work - entry.work
    if (more <= 0) return
    if (entry.work > 0) {
      const { name } = model.installed.manifest
      const plan = await this.#plan((free) => ({
        weights: 0,
        quantised: 0,
        overhead: 0,
        activations: more,
        needed: more,
        free,
      }))
      refuseIfTooLarge(name, plan)
    }
    entry.work = Math.max(entry.work, work)
  }

  /** A plan that fits if it can: models that nobody uses make room. */
  async #plan(draw: (free: number) => MemoryPlan): Promise<MemoryPlan> {
    const { freeMemory: free = freeMemory } = this.#options
    const plan = draw(free())
    if (plan.needed <= plan.free) return plan
    await this.#trim(0)
    return draw(free())
  }

  /** The worker, or a new one when there is none or it died; models of a dead one are gone with it. */
  async #livingWorker(): Promise<WorkerRunner> {
    const started = this.#worker
    const current = await started?.catch(() => undefined)
    // What was loading when the engine was closed must not start a worker that nobody ends.
    this.#refuseIfClosed()
    if (current?.alive) return current
    // Two requests may both have found it dead; the first one starts the new one.
    if (this.#worker === started) {
      this.#loaded.clear()
      this.#worker = this.#start()
    }
    const worker = await this.#worker!
    this.#refuseIfClosed()
    return worker
  }

  async #start(): Promise<WorkerRunner> {
    const { device = "auto", threads = physicalCores() } = this.#options
    const providers = providersOf(device)
    const worker = await startWorker({ threads, providers })
    if (providers[0] === "cpu") return worker
    try {
      await probe(device, worker)
      return worker
    } catch (error) {
      await worker.close()
      throw error
    }
  }

  /** Closes the models that were used longest ago, until `keep` are left; those in use stay. */
  async #trim(keep = this.#options.keep ?? 2): Promise<void> {
    const idle = [...this.#loaded].filter(([, e]) => e.users === 0).sort(([, a], [, b]) => a.used - b.used)
    for (const [key, entry] of idle.slice(0, Math.max(0, this.#loaded.size - keep))) {
      this.#loaded.delete(key)
      await (await entry.model.catch(() => undefined))?.close().catch(() => {})
    }
  }
}

/** Everything a request leaves open, decided; everything the model cannot do, refused. */
function resolve(given: GenerationRequest, { manifest }: Installed): Resolved {
  // Objects of this generation's own: what is read for them is kept by them, and may be another thing the next time.
  const request: GenerationRequest = {
    ...given,
    references: given.references.map((reference) => ({ ...reference })),
    board: given.board && { ...given.board },
  }
  const { supports, defaults, name } = manifest
  const unable = (asked: boolean, can: boolean, field: string, what: string): void => {
    if (asked && !can)
      throw new AtelierError(
        "unsupported",
        `The model ${name} does not know ${what}; leave ${field} out or choose another model.`,
        {
          field,
        },
      )
  }
  const { intensity, complexity, movement } = request
  unable(
    request.references.some((r) => r.weight !== 0),
    supports.references,
    "references",
    "style references",
  )
  unable(request.board !== null && request.board.strength !== 0, supports.boards, "board", "moodboards")
  unable(intensity !== 0, supports.sliders, "intensity", "sliders")
  unable(complexity !== 0, supports.sliders, "complexity", "sliders")
  unable(movement !== 0, supports.sliders, "movement", "sliders")
  unable(request.start !== null, supports.start, "start", "start images")
  unable(request.loras.length > 0, supports.loras, "loras", "LoRAs")
  unable((request.candidates ?? 1) > 1, supports.candidates, "candidates", "how to choose among candidates")
  const seed = request.seed ?? randomInt(LIMITS.seed[1] - LIMITS.count[1])
  const guidance = request.guidance ?? defaults.guidance
  if (request.guidance) unable(true, supports.guidance, "guidance", "guidance")
  const [steps, candidates] = [request.steps ?? defaults.steps, request.candidates ?? defaults.candidates]
  return { ...request, model: request.model, seed, steps, guidance, candidates }
}

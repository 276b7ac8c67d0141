// One compiled graph in ONNX Runtime. Weights stay in their own files and are mapped from there. May import graph.
import * as ort from "onnxruntime-node"
import type { DataType } from "../graph/index.ts"
import { multipliesSignedBytes } from "./machine.ts"

/** A tensor as it is fed and fetched. */
export interface Value {
  type: DataType
  shape: readonly number[]
  data: Float32Array | BigInt64Array | Uint8Array
}

/** A compiled model and the folder against which its weights' file names are resolved. */
export interface GraphFile {
  model: Uint8Array
  folder?: string
  /**
   * Whether ONNX Runtime lays out the memory of a run for the next one of its size, which is a little quicker; it then holds it
   * beside what the first run took. Default true.
   */
  layOut?: boolean
}

export interface SessionOptions {
  /** Threads within one operator. */
  threads: number
  /** ONNX Runtime's names, tried in this order; "cpu" stands last by itself. */
  providers?: readonly string[]
  /** Writes ONNX Runtime's profile to files with this prefix. */
  profile?: string
}

/** ONNX Runtime's settings for every session. */
export const SETTINGS: Readonly<Record<string, string>> = {
  // Threads that spin between steps would take the processor from whoever else lives on the machine.
  force_spinning_stop: "1",
  // Numbers below 1e-38 cost a hundred times as much as others and mean nothing.
  set_denormal_as_zero: "1",
  // Processors without VNNI add two products of bytes in 16 bits, which overflows; this has them multiply exactly. On others
  // it would only copy every signed weight into an unsigned one.
  x64quantprecision: multipliesSignedBytes() ? "0" : "1",
}

export const floats = (
  data: Float32Array | readonly number[],
  shape: readonly number[] = [data.length],
): Value => ({
  type: "float32",
  shape,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
})

export const integers = (
  data: readonly number[] | BigInt64Array,
  shape: readonly number[] = [data.length],
): Value => ({
  type: "int64",
  shape,
  data: data instanceof BigInt64Array ? data : BigInt64Array.from(data, BigInt),
})

export class Session {
  readonly #session: ort.InferenceSession

  private constructor(session: ort.InferenceSession) {
    this.#session = session
  }

  static async open(graph: GraphFile, options: SessionOptions): Promise<Session> {
    const session: Record<string, string> = { ...SETTINGS }
    if (graph.folder !== undefined) session.model_external_initializers_file_folder_path = graph.folder
    return new Session(
      await ort.InferenceSession.create(graph.model, {
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        enableMemPattern: graph.layOut ?? true,
        executionProviders: [...new Set([...(options.providers ?? []), "cpu"])],
        logSeverityLevel: 3,
        enableProfiling: options.profile !== undefined,
        ...(options.profile === undefined ? {} : { profileFilePrefix: options.profile }),
        extra: { session },
      }),
    )
  }

  /** Blocks the calling thread until the graph has run: call it in a worker process. */
  async run(feeds: Readonly<Record<string, Value>>): Promise<Record<string, Value>> {
    const inputs = Object.entries(feeds).map(([name, v]) => [name, toRuntime(v)] as const)
    const outputs = await this.#session.run(Object.fromEntries(inputs))
    return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, fromRuntime(t)]))
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}

function toRuntime({ type, data, shape }: Value): ort.Tensor {
  if (type === "int64") return new ort.Tensor("int64", data as BigInt64Array, shape)
  if (type === "bool") return new ort.Tensor("bool", data as Uint8Array, shape)
  return new ort.Tensor("float32", data as Float32Array, shape)
}

function fromRuntime(tensor: ort.Tensor): Value {
  return { type: tensor.type as DataType, shape: tensor.dims, data: tensor.data as Value["data"] }
}

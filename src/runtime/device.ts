// Devices by name, as ONNX Runtime's execution providers; one that is not there says what is missing.
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { compile, input, mul } from "../graph/index.ts"
import { AtelierError } from "../request/errors.ts"
import type { Runner } from "./runner.ts"
import { floats } from "./session.ts"

export const DEVICES = ["auto", "cpu", "cuda", "webgpu", "coreml", "dml"] as const
export type Device = (typeof DEVICES)[number]

/** The machine a device must be on, and what else it needs. Apart from the real one for tests. */
export interface Platform {
  os: NodeJS.Platform
  arch: string
  /** Whether ONNX Runtime's library for CUDA was installed. */
  cuda: boolean
}

export function thisPlatform(): Platform {
  const { platform: os, arch } = process
  const home = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"))
  const library = os === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so"
  return { os, arch, cuda: existsSync(join(home, "bin", "napi-v6", os, arch, library)) }
}

const unavailable = (device: Device, reason: string): never => {
  throw new AtelierError(
    "device_unavailable",
    `The device ${device} cannot be used: ${reason}; use --device cpu.`,
    {
      field: "device",
    },
  )
}

/** The execution providers of a device. Throws device_unavailable with what is missing. */
export function providersOf(device: Device, { os, arch, cuda }: Platform = thisPlatform()): string[] {
  switch (device) {
    case "cpu":
      return ["cpu"]
    case "auto":
      return cuda ? ["cuda", "cpu"] : ["cpu"]
    case "cuda":
      if (!(os === "linux" && arch === "x64"))
        return unavailable(device, `CUDA needs Linux on x64, and this is ${os} on ${arch}`)
      if (!cuda)
        return unavailable(
          device,
          "ONNX Runtime's CUDA library is missing (run `npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12` where the internet is reachable)",
        )
      return ["cuda", "cpu"]
    case "coreml":
      return os === "darwin"
        ? ["coreml", "cpu"]
        : unavailable(device, `Core ML needs macOS, and this is ${os}`)
    case "dml":
      return os === "win32"
        ? ["dml", "cpu"]
        : unavailable(device, `DirectML needs Windows, and this is ${os}`)
    case "webgpu":
      return ["webgpu", "cpu"]
  }
}

/** Runs a trifle: a driver that is missing shows itself only now. */
export async function probe(device: Device, runner: Runner): Promise<void> {
  const { model } = compile({ y: mul(input("x", [1]), 2) })
  try {
    const graph = await runner.open({ model })
    await graph.run({ x: floats([1]) })
    await graph.close()
  } catch (cause) {
    // ONNX Runtime puts its own file names and conditions before what it has to say.
    const reason = String(cause instanceof Error ? cause.message : cause)
      .split("\n")[0]!
      .replace(/^.* was false\. /, "")
    throw new AtelierError(
      "device_unavailable",
      `The device ${device} cannot be used: ${reason}; use --device cpu.`,
      { field: "device", cause },
    )
  }
}

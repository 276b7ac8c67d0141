// What this machine has: cores that compute, memory that is free.
import { readFileSync } from "node:fs"
import { availableParallelism, freemem } from "node:os"

/** Physical cores this process may use. Two threads on one core fight over its matrix unit. */
export function physicalCores(): number {
  const usable = availableParallelism()
  if (process.platform === "linux") {
    const cores = new Set<string>()
    try {
      for (let cpu = 0; cpu < 4096; cpu++)
        cores.add(
          readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, "utf8").trim(),
        )
    } catch {
      // the first number without a file ends the list
    }
    if (cores.size > 0) return Math.min(usable, cores.size)
  }
  // x64 elsewhere usually runs two threads per core; Apple's and other ARM cores run one.
  return process.arch === "x64" ? Math.max(1, Math.ceil(usable / 2)) : usable
}

/**
 * Whether products of unsigned by signed bytes are exact: x64 processors without VNNI add two of them in 16 bits, which
 * overflows. Where it cannot be told, they count as without.
 */
export function multipliesSignedBytes(): boolean {
  if (process.arch !== "x64") return true
  try {
    return /\b(avx512_vnni|avx_vnni|amx_int8)\b/.test(readFileSync("/proc/cpuinfo", "utf8"))
  } catch {
    return false
  }
}

/** Bytes that can be taken without swapping, within the limits set on this process. */
export const freeMemory = (): number => process.availableMemory?.() ?? freemem()

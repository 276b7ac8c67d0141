// A run's state on disk: weights, optimiser slots, averaged weights and counters, replaced by atomic rename.

import { existsSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { openSafetensors, readTensor, writeSafetensors } from "../checkpoint/index.ts"
import type { State } from "./step.ts"

export interface Counters {
  /** Optimiser steps done. */
  step: number
  samples: number
  /** Wall-clock seconds spent training, over all sessions. */
  seconds: number
  operations: number
  /** Samples since the average last moved: a resumed run moves it when one that was not stopped would. */
  unaveraged: number
}

export const nothingDone: Counters = { step: 0, samples: 0, seconds: 0, operations: 0, unaveraged: 0 }

export interface RunState {
  counters: Counters
  state: State
  /** Averaged weights by name, without prefix. */
  average: Map<string, Float32Array>
}

export const statePath = (folder: string): string => `${folder}/state.safetensors`

/** Replaces the saved run of a folder, which is made when missing; `shapeOf` tells the shape of every key of the state. */
export async function saveRun(
  folder: string,
  run: RunState,
  shapeOf: (key: string) => readonly number[],
): Promise<void> {
  const path = statePath(folder)
  await mkdir(dirname(path), { recursive: true })
  const entries = [
    ...[...run.state].map(([name, data]) => ({ name, type: "F32" as const, shape: shapeOf(name), data })),
    ...[...run.average].map(([name, data]) => ({
      name: `a:${name}`,
      type: "F32" as const,
      shape: shapeOf(`w:${name}`),
      data,
    })),
  ]
  const counters = Object.fromEntries(Object.entries(run.counters).map(([k, v]) => [k, String(v)]))
  await writeSafetensors(path, entries, counters)
}

/** The saved run, or undefined where there is none. */
export async function loadRun(folder: string): Promise<RunState | undefined> {
  if (!existsSync(statePath(folder))) return undefined
  const file = await openSafetensors(statePath(folder))
  const state: State = new Map()
  const average = new Map<string, Float32Array>()
  for (const name of file.tensors.keys()) {
    const data = await readTensor(file, name)
    if (name.startsWith("a:")) average.set(name.slice(2), data)
    else state.set(name, data)
  }
  // A counter that an older file lacks is 0.
  const counters = { ...nothingDone }
  for (const key of Object.keys(counters) as (keyof Counters)[])
    counters[key] = Number(file.metadata[key] ?? 0)
  return { counters, state, average }
}

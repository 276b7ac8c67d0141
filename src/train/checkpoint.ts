// A run's state on disk: weights, optimiser slots, averaged weights and counters, replaced by atomic rename.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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

/**
 * Throws where a start would do something else than was asked for: anew over a run that is there, which would be lost, or
 * on from one that is not.
 */
export async function checkStart(folder: string, resume: boolean): Promise<void> {
  const there = existsSync(statePath(folder))
  if (resume && !there)
    throw new Error(`There is no run in ${folder} to go on with; leave out --resume, or name another --run.`)
  if (resume || !there) return
  const { samples } = (await openSafetensors(statePath(folder))).metadata
  throw new Error(
    `${folder} holds a run of ${samples} samples; go on with it by --resume, name another --run, or delete the folder.`,
  )
}

/** Keeps other processes from training the run in a folder, for two would mix their states; returns what lets go of it. */
export function holdRun(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const path = `${folder}/training.pid`
  const holder = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0
  if (holder !== process.pid && isRunning(holder))
    throw new Error(
      `Process ${holder} trains ${folder}; end it first, or delete ${path} if it is none of yours.`,
    )
  rmSync(path, { force: true }) // of a process that was killed
  writeFileSync(path, String(process.pid), { flag: "wx" })
  return () => rmSync(path, { force: true })
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
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

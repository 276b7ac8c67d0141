// Steps of running jobs as they pass: a store of its own, so that a step redraws one take and nothing else.
import { useSyncExternalStore } from "react"
import type { Progress } from "../api/types.ts"

const steps = new Map<string, Progress>()
const listeners = new Map<string, Set<() => void>>()

export function setStep(job: string, progress: Progress | null): void {
  if (progress) steps.set(job, progress)
  else steps.delete(job)
  for (const listener of listeners.get(job) ?? []) listener()
}

/** The newest step that was heard of, or what the server said when the job was fetched. */
export function useStep(job: string, fallback: Progress | null): Progress | null {
  const heard = useSyncExternalStore(
    (listener) => {
      const set = listeners.get(job) ?? new Set()
      listeners.set(job, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0) listeners.delete(job)
      }
    },
    () => steps.get(job),
  )
  return heard ?? fallback
}

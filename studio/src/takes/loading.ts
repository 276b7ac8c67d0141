// A picture that does not come is asked for again: a few times, and when the server is back.
import { useEffect, useState } from "react"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"

/** How often and after how long it is asked for again by itself. */
const TRIES = 3
const TRY_AGAIN_MS = 5000

/** Whether it did not come, and what to call then. What is drawn in its place is drawn until it is asked for again. */
export function useLoading(): { isBroken: boolean; onError: () => void } {
  const [isBroken, setBroken] = useState(false)
  const [tries, setTries] = useState(0)
  const returns = useStore(page, (p) => p.returns)
  // A server that starts again or is busy gives no picture just now.
  useEffect(() => {
    if (!isBroken || tries >= TRIES) return
    const timer = setTimeout(() => {
      setTries(tries + 1)
      setBroken(false)
    }, TRY_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [isBroken, tries])
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the server is back
  useEffect(() => {
    setTries(0)
    setBroken(false)
  }, [returns])
  return { isBroken, onError: () => setBroken(true) }
}

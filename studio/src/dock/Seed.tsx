// The seed: random unless locked. One press locks the seed that the newest take used.
import { Dices, Lock, LockOpen } from "lucide-react"
import { queries } from "../api/cache.ts"
import type { HistoryPage } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { draft, drawSeed, variationIn } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { IconButton } from "../ui/Button.tsx"
import { NumberField } from "../ui/fields.tsx"

/** Locks the seed that was seen last, so that the next take changes only what is changed. */
export function toggleSeed(): void {
  const { seedLocked, seed } = draft.get()
  if (seedLocked) {
    draft.set({ seedLocked: false, seed: null })
    return
  }
  const known = queries.getQueriesData<{ pages: HistoryPage[] }>({ queryKey: ["history"] })
  const newest = known[0]?.[1]?.pages[0]?.items[0]
  draft.set(({ variation }) => ({
    seedLocked: true,
    seed: seed ?? newest?.request.seed ?? drawSeed(),
    variation: variation ?? (newest ? variationIn(newest) : null),
  }))
}

export function Seed() {
  const { seed: t } = useMessages()
  const isLocked = useStore(draft, (d) => d.seedLocked)
  const seed = useStore(draft, (d) => d.seed)
  // The lock stands last: its right edge stays where it is when the number appears, and under the pointer.
  return (
    <div className="seed" data-locked={isLocked || undefined}>
      {isLocked && (
        <>
          <NumberField
            className="seed-number"
            label={t.field}
            value={seed}
            min={0}
            max={2 ** 32 - 1}
            step={1}
            onChange={(v) => draft.set({ seed: v ?? drawSeed() })}
          />
          <IconButton className="small" label={t.dice} onPress={() => draft.set({ seed: drawSeed() })}>
            <Dices size={14} />
          </IconButton>
        </>
      )}
      <IconButton label={isLocked ? t.unlock : t.lock} pressed={isLocked} onPress={toggleSeed}>
        {isLocked ? <Lock size={16} /> : <LockOpen size={16} />}
      </IconButton>
    </div>
  )
}

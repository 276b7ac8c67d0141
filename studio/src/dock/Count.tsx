// How many pictures one take makes.
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { Button } from "../ui/Button.tsx"
import { NumberField, Segments } from "../ui/fields.tsx"
import { Pop } from "../ui/overlays.tsx"

const USUAL = ["1", "2", "4", "8"] as const

export function Count({ limits }: { limits: readonly [number, number] }) {
  const { count: t } = useMessages()
  const count = useStore(draft, (d) => d.count)
  return (
    <Pop label={t.title} button={<Button aria-label={t.button(count)}>×{count}</Button>}>
      <h2 className="pop-title">{t.title}</h2>
      <div className="row">
        <Segments
          label={t.title}
          value={USUAL.find((n) => n === String(count)) ?? null}
          options={USUAL.map((n) => ({ value: n, label: n }))}
          onChange={(n) => draft.set({ count: Number(n) })}
        />
        <NumberField
          className="narrow"
          label={t.title}
          value={count}
          min={limits[0]}
          max={limits[1]}
          step={1}
          onChange={(v) => draft.set({ count: v ?? 1 })}
        />
      </div>
    </Pop>
  )
}

// Creativity: four words in sight, and a fine dial with a line for each behind the arrow.
import { ChevronUp } from "lucide-react"
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { IconButton } from "../ui/Button.tsx"
import { NumberField, Range, Segments } from "../ui/fields.tsx"
import { Pop } from "../ui/overlays.tsx"

const LEVELS = ["raw", "low", "medium", "high"] as const
type Level = (typeof LEVELS)[number]

/** The named level at or below a value. */
export const levelOf = (value: number, levels: Record<string, number>): Level =>
  LEVELS.findLast((name) => value >= (levels[name] ?? 0)) ?? "raw"

export function Creativity({ levels }: { levels: Record<string, number> }) {
  const { creativity: t } = useMessages()
  const value = useStore(draft, (d) => d.creativity)
  const exact = LEVELS.find((name) => levels[name] === value) ?? null
  const set = (creativity: number): void => draft.set({ creativity })
  return (
    <div className="creativity" data-testid="creativity">
      <Segments
        label={t.title}
        value={exact}
        options={LEVELS.map((name) => ({ value: name, label: t.levels[name], title: t.lines[name] }))}
        onChange={(name) => set(levels[name]!)}
      />
      <Pop
        label={t.title}
        className="creativity-pop"
        button={
          <IconButton label={t.fineButton} className="creativity-fine" data-set={exact === null || undefined}>
            {exact === null ? <span className="creativity-value">{value}</span> : <ChevronUp size={16} />}
          </IconButton>
        }
      >
        <h2 className="pop-title">{t.title}</h2>
        <ul className="level-list">
          {LEVELS.map((name) => (
            <li key={name}>
              <button
                type="button"
                className="level"
                aria-pressed={name === levelOf(value, levels)}
                onClick={() => set(levels[name]!)}
              >
                <b>{t.levels[name]}</b>
                <span>{t.lines[name]}</span>
              </button>
            </li>
          ))}
        </ul>
        <div className="label">
          {t.fine}
          <NumberField
            label={t.fine}
            value={value}
            min={0}
            max={100}
            step={1}
            onChange={(v) => set(v ?? 50)}
          />
        </div>
        <Range
          label={t.title}
          text={`${t.levels[levelOf(value, levels)]}, ${t.value(value)}`}
          value={value}
          min={0}
          max={100}
          step={1}
          stops={LEVELS.map((name) => levels[name]!)}
          onChange={set}
        />
      </Pop>
    </div>
  )
}

// Filters of history: favourites at one press, the rest behind one button that shows how many are on.
import { ListFilter, Star } from "lucide-react"
import { useEffect, useState } from "react"
import { type HistoryFilter, isFiltered, NO_FILTER } from "../api/filter.ts"
import type { Capabilities } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { page } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Select } from "../ui/fields.tsx"
import { Pop } from "../ui/overlays.tsx"

const DAY_MS = 86_400_000
const change = (part: Partial<HistoryFilter>): void =>
  page.set(({ filter }) => ({ filter: { ...filter, ...part } }))

/** Local midnight of a date field's value, or of `days` ago. */
const midnight = (day: Date): string =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate()).toISOString()
/** The date field's value for a time; `shift` in milliseconds. */
const dayOf = (iso: string | null, shift = 0): string => {
  if (!iso) return ""
  const d = new Date(new Date(iso).getTime() + shift)
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`
}
/** Local midnight at the start of a date, or of one `later`: not always 24 hours on, where clocks are changed. */
const isoOf = (day: string, later = 0): string | null => {
  if (!day) return null
  const [year, month, date] = day.split("-").map(Number)
  return new Date(year!, month! - 1, date! + later).toISOString()
}

/** A date field: while a year is typed it is not yet one, and nothing is asked for. */
function Day({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  const [day, setDay] = useState(value)
  useEffect(() => setDay(value), [value])
  return (
    <label className="small muted">
      {label}
      <input
        className="field"
        type="date"
        value={day}
        onChange={({ target }) => {
          setDay(target.value)
          if (!target.value || Number(target.value.slice(0, 4)) >= 1000) onChange(target.value)
        }}
      />
    </label>
  )
}

export function Filters({ capabilities }: { capabilities: Capabilities }) {
  const { history: t, takes } = useMessages()
  const filter = useStore(page, (p) => p.filter)
  const n = [filter.references, filter.model !== null, filter.from !== null || filter.until !== null].filter(
    Boolean,
  ).length
  const spans = [
    { value: "", label: t.anyTime, from: null },
    { value: "today", label: t.today, from: midnight(new Date()) },
    { value: "week", label: t.week, from: midnight(new Date(Date.now() - 7 * DAY_MS)) },
    { value: "month", label: t.month, from: midnight(new Date(Date.now() - 30 * DAY_MS)) },
  ]
  const span = filter.until ? undefined : spans.find((s) => s.from === filter.from)
  return (
    <div className="filters">
      <IconButton
        className="star"
        label={t.favourites}
        pressed={filter.favourite}
        data-on={filter.favourite || undefined}
        onPress={() => change({ favourite: !filter.favourite })}
      >
        <Star size={16} />
      </IconButton>
      <Pop
        label={t.filters}
        placement="bottom"
        button={
          <IconButton label={t.filters} className={n ? "has-badge" : ""}>
            <ListFilter size={16} />
            {n > 0 && <span className="badge">{n}</span>}
          </IconButton>
        }
      >
        <div className="stack filter-pop">
          <label className="row">
            <input
              type="checkbox"
              checked={filter.references}
              onChange={(e) => change({ references: e.target.checked })}
            />
            {t.withReferences}
          </label>
          <div className="stack tight">
            <span className="label">{t.model}</span>
            <Select
              label={t.model}
              value={filter.model ?? ""}
              options={[
                { value: "", label: t.anyModel },
                ...capabilities.models.map((m) => ({ value: m.name, label: m.title })),
              ]}
              onChange={(model) => change({ model: model || null })}
            />
          </div>
          <div className="stack tight">
            <span className="label">{t.date}</span>
            <Select
              label={t.date}
              value={span?.value ?? "custom"}
              options={[...spans, ...(span ? [] : [{ value: "custom", label: t.custom }])]}
              onChange={(value) =>
                change({ from: spans.find((s) => s.value === value)?.from ?? null, until: null })
              }
            />
            <div className="pair">
              <Day
                label={t.from}
                value={dayOf(filter.from)}
                onChange={(day) => change({ from: isoOf(day) })}
              />
              <Day
                label={t.until}
                value={dayOf(filter.until, -DAY_MS / 2)}
                onChange={(day) => change({ until: isoOf(day, 1) })}
              />
            </div>
          </div>
          {isFiltered(filter) && (
            <Button kind="outlined" onPress={() => page.set({ filter: NO_FILTER })}>
              {takes.clearFilters}
            </Button>
          )}
        </div>
      </Pop>
    </div>
  )
}

// A grid: one or two settings varied over the same seed, with labels, filling in as the pictures are made.
import { Trash2, X } from "lucide-react"
import { useState } from "react"
import { useCapabilities, useJob } from "../api/queries.ts"
import { type Messages, useMessages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"
import { draft, drawSeed, modelOf } from "../state/draft.ts"
import { newId } from "../state/id.ts"
import { complainOf } from "../state/missing.ts"
import { page } from "../state/page.ts"
import { createStore, useStore } from "../state/store.ts"
import { canGenerate, submit } from "../state/work.ts"
import { Tile } from "../takes/Tile.tsx"
import { Button, IconButton } from "../ui/Button.tsx"
import { Select } from "../ui/fields.tsx"
import { Over } from "../ui/overlays.tsx"
import { exact, hasDecimalComma, when } from "../ui/words.ts"
import { type Axis, cellsOf, type Field, fieldsOf, type Problem, readValues, withCommas } from "./axes.ts"

interface Made {
  id: string
  prompt: string
  at: string
  aspect: number
  columns: Axis
  rows: Axis | null
  /** Job ids, row by row; null where the submit did not go through. */
  jobs: (string | null)[]
}

/** The layout of grids is kept by this browser; their pictures by the server, like all others. */
const grids = createStore<{ made: Made[] }>({ made: [] }, "grids", true)
/** The one that is open in this tab. */
const opened = createStore<{ id: string | null }>({ id: null }, "grid")
const MOST = 64

export const nameOf = (field: Field, t: Messages): string =>
  field.startsWith("reference")
    ? t.grid.fields.reference(Number(field.slice("reference".length)))
    : t.grid.fields[field as Exclude<Field, `reference${number}`>]

export default function Grid() {
  const { grid: t } = useMessages()
  const made = useStore(grids, (g) => g.made)
  const open = useStore(opened, (o) => o.id)
  const shown = made.find((g) => g.id === open)
  const close = (): void => page.set({ surface: null })
  return (
    <Over label={t.title} as="whole" onClose={close}>
      <div className="grid-surface">
        <div className="look-bar">
          <h2 className="surface-title">{t.title}</h2>
          {shown && (
            <p className="look-prompt" dir="auto">
              {shown.prompt}
            </p>
          )}
          <span className="grow" />
          {shown && (
            <Button kind="outlined" onPress={() => opened.set({ id: null })}>
              {t.again}
            </Button>
          )}
          <IconButton label={t.close} onPress={close}>
            <X size={18} />
          </IconButton>
        </div>
        {shown ? <Sheet made={shown} /> : <Form earlier={made} />}
      </div>
    </Over>
  )
}

function Form({ earlier }: { earlier: Made[] }) {
  const t = useMessages()
  const capabilities = useCapabilities().data!
  const d = useStore(draft, (all) => all)
  const model = modelOf(capabilities, d.model)!
  const fields = fieldsOf(d, model, capabilities).map((f) =>
    f.field !== "model" && hasDecimalComma() ? { ...f, values: withCommas(f.values) } : f,
  )
  const [columns, setColumns] = useState({ field: fields[0]!.field, text: fields[0]!.values })
  const [rows, setRows] = useState<{ field: Field | ""; text: string }>({ field: "", text: "" })
  // From the first submit on: a second press would make the whole grid twice. The sheet that follows takes its place.
  const [isMaking, setMaking] = useState(false)
  const read = (side: { field: Field | ""; text: string }): string[] | Problem | null =>
    side.field === "" ? null : readValues(side.text, side.field, capabilities, hasDecimalComma())
  const [a, b] = [read(columns), read(rows)]
  const n = (Array.isArray(a) ? a.length : 0) * (Array.isArray(b) ? b.length : 1)
  const said = (p: Problem): string =>
    p.kind === "range"
      ? t.grid.bad(p.value, p.from, p.to)
      : p.kind === "empty"
        ? t.grid.needValues
        : p.kind === "whole"
          ? t.grid.notWhole(p.value)
          : p.kind === "ambiguous"
            ? t.grid.ambiguous(p.value)
            : t.grid.noModel(p.value)
  const problem = !canGenerate()
    ? t.grid.needPrompt
    : a && !Array.isArray(a)
      ? said(a)
      : b && !Array.isArray(b)
        ? said(b)
        : columns.field === rows.field
          ? t.grid.sameField
          : n > MOST
            ? t.grid.tooMany(n, MOST)
            : null
  const make = async (): Promise<void> => {
    if (!Array.isArray(a)) return
    setMaking(true)
    const [x, y]: [Axis, Axis | null] = [
      { field: columns.field, values: a },
      rows.field && Array.isArray(b) ? { field: rows.field, values: b } : null,
    ]
    const requests = cellsOf(d, d.seedLocked && d.seed !== null ? d.seed : drawSeed(), x, y, capabilities)
    const jobs: (string | null)[] = []
    try {
      for (const request of requests) jobs.push((await submit(request)).id)
    } catch (thrown) {
      complainOf(thrown, requests[jobs.length])
    }
    const { width, height, prompt } = requests[0]!
    const grid: Made = {
      id: newId(),
      prompt,
      at: new Date().toISOString(),
      aspect: (width ?? 1) / (height ?? 1),
      columns: x,
      rows: y,
      jobs,
    }
    grids.set(({ made }) => ({ made: [grid, ...made].slice(0, 30) }))
    opened.set({ id: grid.id })
  }
  const options = fields.map((f) => ({ value: f.field, label: nameOf(f.field, t) }))
  const first = (field: string): string => fields.find((f) => f.field === field)?.values ?? ""
  return (
    <div className="grid-form">
      <div className="stack">
        <p className="muted">{t.grid.hint}</p>
        <p className="grid-prompt" dir="auto">
          {d.prompt || <span className="muted">{t.takes.untitled}</span>}
        </p>
        <div className="axis">
          <span className="label">{t.grid.columns}</span>
          <Select
            label={t.grid.columns}
            value={columns.field}
            options={options}
            onChange={(f) => setColumns({ field: f as Field, text: first(f) })}
          />
          <input
            className="field"
            aria-label={`${t.grid.columns}: ${t.grid.values}`}
            value={columns.text}
            onChange={(e) => setColumns({ ...columns, text: e.target.value })}
          />
        </div>
        <div className="axis">
          <span className="label">{t.grid.rows}</span>
          <Select
            label={t.grid.rows}
            value={rows.field}
            options={[{ value: "", label: t.grid.none }, ...options]}
            onChange={(f) => setRows({ field: f as Field | "", text: first(f) })}
          />
          {rows.field ? (
            <input
              className="field"
              aria-label={`${t.grid.rows}: ${t.grid.values}`}
              value={rows.text}
              onChange={(e) => setRows({ ...rows, text: e.target.value })}
            />
          ) : (
            <span />
          )}
        </div>
        <p className="small muted">{t.grid.valuesHint}</p>
        <div className="row">
          <Button kind="primary" isDisabled={problem !== null || isMaking} onPress={() => void make()}>
            {t.grid.make(n)}
          </Button>
          <span className="small wrong" role="status">
            {problem}
          </span>
        </div>
      </div>
      <section>
        <h3 className="panel-group">{t.grid.earlier}</h3>
        {earlier.length === 0 ? (
          <p className="small muted">{t.grid.noEarlier}</p>
        ) : (
          <ul className="grid-list">
            {earlier.map((g) => (
              <li key={g.id} className="row">
                <button type="button" className="grid-entry" onClick={() => opened.set({ id: g.id })}>
                  <b dir="auto">{g.prompt}</b>
                  <span className="small muted">
                    {nameOf(g.columns.field, t)}
                    {g.rows ? ` × ${nameOf(g.rows.field, t)}` : ""} · {when(g.at)}
                  </span>
                </button>
                <IconButton
                  className="small"
                  label={t.grid.remove}
                  onPress={() => grids.set(({ made }) => ({ made: made.filter((e) => e.id !== g.id) }))}
                >
                  <Trash2 size={14} />
                </IconButton>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  )
}

function Sheet({ made }: { made: Made }) {
  const t = useMessages()
  const { columns, rows } = made
  const lines = rows?.values ?? [""]
  const said = ({ field }: Axis, value: string): string => (field === "model" ? value : exact(Number(value)))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="sheet-holder" tabIndex={0} aria-label={t.grid.title}>
      <table className="sheet">
        <caption className="visually-hidden">{made.prompt}</caption>
        <thead>
          <tr>
            {rows && (
              <td className="sheet-corner small muted">
                {nameOf(columns.field, t)} → <br />↓ {nameOf(rows.field, t)}
              </td>
            )}
            {columns.values.map((value) => (
              <th key={value} scope="col">
                {rows ? said(columns, value) : `${nameOf(columns.field, t)} ${said(columns, value)}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line, y) => (
            <tr key={line}>
              {rows && <th scope="row">{said(rows, line)}</th>}
              {columns.values.map((value, x) => (
                <td key={value}>
                  <Cell id={made.jobs[y * columns.values.length + x] ?? null} aspect={made.aspect} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Cell({ id, aspect }: { id: string | null; aspect: number }) {
  const t = useMessages()
  const job = useJob(id).data
  return (
    <div className="sheet-cell" style={{ aspectRatio: String(aspect) }}>
      {job?.deletedAt === null && job.state !== "failed" && job.state !== "cancelled" ? (
        <Tile job={job} place={0} width={320} />
      ) : (
        <div
          className="tile coming"
          title={job?.error ? (reasonOf(job.error, t) ?? job.error.message) : undefined}
        >
          <span className="tile-word">
            {job ? (job.deletedAt === null ? t.states[job.state] : t.look.gone) : id ? "" : t.states.failed}
          </span>
        </div>
      )}
    </div>
  )
}

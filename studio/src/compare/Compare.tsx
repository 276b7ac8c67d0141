// Two pictures against each other: side by side, under a divider, or only what differs.
import { ArrowLeftRight, X } from "lucide-react"
import { type CSSProperties, useEffect, useState } from "react"
import { promptOf } from "../../../src/request/seeds.ts"
import { local } from "../api/client.ts"
import { useJob } from "../api/queries.ts"
import type { Job, Picture } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { closeCompare, type PictureAt, page } from "../state/page.ts"
import { createStore, useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { Segments } from "../ui/fields.tsx"
import { Over } from "../ui/overlays.tsx"
import { differences } from "./differences.ts"

type Mode = "side" | "slider" | "difference"
const preference = createStore<{ mode: Mode }>({ mode: "side" }, "compare")

interface Side {
  job: Job
  picture: Picture
}

/** Null until it is there, and "gone" when it was deleted meanwhile. */
function useSide(at: PictureAt | undefined): Side | "gone" | null {
  const { data: job, isFetching } = useJob(at?.job ?? null)
  const picture = job?.deletedAt === null && job.pictures.find((p) => p.id === at?.picture)
  return job && picture ? { job, picture } : isFetching ? null : "gone"
}

export default function Compare() {
  const { compare: t } = useMessages()
  const compared = useStore(page, (p) => p.compared)
  const mode = useStore(preference, (p) => p.mode)
  const [a, b] = [useSide(compared[0]), useSide(compared[1])]
  const isGone = a === "gone" || b === "gone"
  useEffect(() => {
    if (isGone) closeCompare()
  }, [isGone])
  if (!a || !b || a === "gone" || b === "gone") return null
  return (
    <Over label={t.title} as="whole" onClose={closeCompare}>
      <div className="compare">
        <div className="look-bar">
          <h2 className="surface-title">{t.title}</h2>
          <span className="grow" />
          <Segments
            label={t.mode}
            value={mode}
            options={(["side", "slider", "difference"] as const).map((value) => ({ value, label: t[value] }))}
            onChange={(next) => preference.set({ mode: next })}
          />
          <Button aria-label={t.swap} onPress={() => page.set({ compared: compared.toReversed() })}>
            <ArrowLeftRight size={16} aria-hidden />
            <span className="wide-only">{t.swap}</span>
          </Button>
          <span className="grow" />
          <IconButton label={t.close} onPress={closeCompare}>
            <X size={18} />
          </IconButton>
        </div>
        {mode === "side" ? (
          <SideBySide a={a} b={b} />
        ) : mode === "slider" ? (
          <Divided a={a} b={b} />
        ) : (
          <Difference a={a} b={b} />
        )}
        <Differences a={a} b={b} />
      </div>
    </Over>
  )
}

const Shown = ({ side, name }: { side: Side; name: string }) => {
  const { takes } = useMessages()
  return (
    <img
      src={local(side.picture.url)}
      alt={`${name}: ${takes.picture(promptOf(side.job.request, side.picture.seed), side.picture.place + 1)}`}
    />
  )
}

const SideBySide = ({ a, b }: { a: Side; b: Side }) => (
  <div className="compare-side">
    <figure>
      <Shown side={a} name="A" />
      <figcaption>A</figcaption>
    </figure>
    <figure>
      <Shown side={b} name="B" />
      <figcaption>B</figcaption>
    </figure>
  </div>
)

/** The frame has A's shape; B is fitted into it. */
const frame = (a: Side): CSSProperties =>
  ({ "--aspect": a.picture.width / a.picture.height }) as CSSProperties

function Divided({ a, b }: { a: Side; b: Side }) {
  const { compare: t } = useMessages()
  const [share, setShare] = useState(50)
  return (
    <div className="compare-frame-holder">
      <div className="compare-frame" style={frame(a)}>
        <Shown side={b} name="B" />
        <div className="compare-cut" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}>
          <Shown side={a} name="A" />
        </div>
        <i className="compare-line" style={{ left: `${share}%` }} aria-hidden />
        <input
          type="range"
          className="compare-range"
          aria-label={t.handle}
          aria-valuetext={t.percent(share)}
          min={0}
          max={100}
          value={share}
          onChange={(e) => setShare(e.target.valueAsNumber)}
        />
      </div>
    </div>
  )
}

function Difference({ a, b }: { a: Side; b: Side }) {
  const { compare: t } = useMessages()
  const [isAmplified, setAmplified] = useState(false)
  return (
    <div className="compare-frame-holder">
      <div className="compare-frame difference" style={frame(a)} data-amplified={isAmplified || undefined}>
        <Shown side={a} name="A" />
        <Shown side={b} name="B" />
      </div>
      <label className="row small">
        <input type="checkbox" checked={isAmplified} onChange={(e) => setAmplified(e.target.checked)} />
        {t.amplify}
      </label>
    </div>
  )
}

function Differences({ a, b }: { a: Side; b: Side }) {
  const { compare: t } = useMessages()
  const rows = differences(
    { ...a.job.request, seed: a.picture.seed },
    { ...b.job.request, seed: b.picture.seed },
  )
  return (
    <section className="compare-facts" aria-label={t.fields}>
      {rows.length === 0 ? (
        <p className="muted">{t.same}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{t.fields}</th>
              <th scope="col">A</th>
              <th scope="col">B</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.field}>
                <th scope="row">{row.field}</th>
                <td>{row.a}</td>
                <td>{row.b}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

// Everything that is needed less often: sliders, steps, guidance, words to steer away from, file format.
import { Settings2, X } from "lucide-react"
import type { Model } from "../api/types.ts"
import { useMessages } from "../messages/index.ts"
import { type Draft, draft, EMPTY } from "../state/draft.ts"
import { useStore } from "../state/store.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { NumberField, Range, Segments } from "../ui/fields.tsx"
import { Pop } from "../ui/overlays.tsx"
import { decimal, exact } from "../ui/words.ts"

const SLIDERS = ["intensity", "complexity", "movement"] as const

/** Numbers that are the model's own until they are given. */
const OWN = [
  { name: "steps", min: 1, max: 100, step: 1 },
  { name: "guidance", min: 0, max: 20, step: 0.1 },
  { name: "candidates", min: 1, max: 8, step: 1 },
] as const

/** How many settings here differ from their usual: shown on the button, so that nothing works unseen. */
const changed = (d: Draft): number =>
  [
    ...SLIDERS.map((s) => d[s] !== 0),
    ...OWN.map(({ name }) => d[name] !== null),
    d.negativePrompt !== "",
    d.format !== "png",
    ...d.loras.map(() => true),
  ].filter(Boolean).length

export function More({ model }: { model: Model }) {
  const t = useMessages()
  const n = useStore(draft, changed)
  return (
    <Pop
      label={t.more.title}
      className="more-pop"
      placement="top end"
      button={
        <IconButton label={t.more.button} className={n ? "has-badge" : ""}>
          <Settings2 size={16} />
          {n > 0 && <span className="badge">{n}</span>}
        </IconButton>
      }
    >
      <MoreFields model={model} />
    </Pop>
  )
}

function MoreFields({ model }: { model: Model }) {
  const t = useMessages()
  const d = useStore(draft, (all) => all)
  const missing = Object.entries(model.supports)
    .filter(([, can]) => !can)
    .map(([name]) => t.more.things[name as keyof typeof t.more.things] ?? name)
  return (
    <div className="stack">
      {model.supports.sliders &&
        SLIDERS.map((name) => (
          <div key={name} className="setting">
            <span className="label">
              {t.more[name]}
              <span className="line">{t.more.lines[name]}</span>
            </span>
            <div className="row">
              <Range
                label={t.more[name]}
                value={d[name]}
                min={-100}
                max={100}
                step={1}
                stops={[0]}
                onChange={(v) => draft.set({ [name]: v })}
              />
              <NumberField
                className="narrow"
                label={t.more[name]}
                value={d[name]}
                min={-100}
                max={100}
                step={1}
                onChange={(v) => draft.set({ [name]: v ?? 0 })}
              />
            </div>
          </div>
        ))}
      <div className="pair">
        {OWN.filter(({ name }) => name === "steps" || model.supports[name]).map(({ name, ...range }) => (
          <div key={name} className="stack tight">
            <span className="label">{t.more[name]}</span>
            <NumberField
              className="full"
              label={t.more[name]}
              value={d[name]}
              {...range}
              nullable
              placeholder={exact(model.defaults[name])}
              onChange={(v) => draft.set({ [name]: v })}
            />
          </div>
        ))}
      </div>
      {model.supports.guidance && (
        <div className="stack tight">
          <span className="label">{t.dock.negative}</span>
          <input
            className="field"
            dir="auto"
            aria-label={t.dock.negative}
            placeholder={t.dock.negativePlaceholder}
            value={d.negativePrompt}
            onChange={(e) => draft.set({ negativePrompt: e.target.value })}
          />
        </div>
      )}
      {d.loras.length > 0 && (
        <div className="stack tight">
          <span className="label">{t.more.things.loras}</span>
          {d.loras.map(({ name, weight }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same adapter may stand twice
            <div key={`${name}-${i}`} className="row">
              <span className="grow cut">{name}</span>
              <span className="muted">{decimal(weight)}</span>
              <IconButton
                className="small"
                label={t.more.removeLora(name)}
                onPress={() => draft.set({ loras: d.loras.toSpliced(i, 1) })}
              >
                <X size={14} />
              </IconButton>
            </div>
          ))}
        </div>
      )}
      <div className="stack tight">
        <span className="label">{t.more.format}</span>
        <Segments
          label={t.more.format}
          value={d.format}
          options={(["png", "jpg", "webp"] as const).map((f) => ({ value: f, label: f.toUpperCase() }))}
          onChange={(format) => draft.set({ format })}
        />
      </div>
      {missing.length > 0 && (
        <p className="small muted">{t.more.unsupported(model.title, missing.join(", "))}</p>
      )}
      <Button kind="outlined" onPress={() => draft.set({ ...EMPTY, prompt: d.prompt, model: d.model })}>
        {t.more.resetAll}
      </Button>
    </div>
  )
}

// The inspector: everything that is known about a picture, and ways to take it elsewhere.
import { Check, Copy, Download } from "lucide-react"
import { type ReactNode, useState } from "react"
import { promptOf } from "../../../src/request/seeds.ts"
import { assetThumb, local } from "../api/client.ts"
import { useBoards } from "../api/queries.ts"
import type { GenerationRequest, Job, Picture } from "../api/types.ts"
import { levelOf } from "../dock/Creativity.tsx"
import { MaskThumb } from "../mask/MaskThumb.tsx"
import { useMessages } from "../messages/index.ts"
import { noteSaid } from "../messages/notes.ts"
import { capabilities, recall } from "../state/work.ts"
import { Button, IconButton } from "../ui/Button.tsx"
import { copyText } from "../ui/copy.ts"
import { Segments } from "../ui/fields.tsx"
import { bytes, decimal, shapeName, signed, turnsSaid, when } from "../ui/words.ts"
import { commandOf, curlOf, short, typescriptOf } from "./code.ts"
import { startHold, stopHold } from "./hold.ts"
import { LineageView } from "./LineageView.tsx"
import { ModelRead } from "./ModelRead.tsx"

export function Inspector({ job, picture }: { job: Job; picture: Picture }) {
  const t = useMessages()
  const { request: r } = job
  const known = capabilities()
  const model = known?.models.find((m) => m.name === r.model)
  const level = t.creativity.levels[levelOf(r.creativity, known?.creativity ?? {})]
  const sliders = (["intensity", "complexity", "movement"] as const).filter((name) => r[name] !== 0)
  const file = (format: string): string => `${local(picture.url)}?format=${format}&download=1`
  return (
    <aside className="inspector" aria-label={t.look.inspector}>
      <Section title={t.look.prompt} action={<CopyButton text={r.prompt} />}>
        <p className="inspector-prompt" dir="auto">
          {r.prompt || t.takes.untitled}
        </p>
        <div className="inspector-uses">
          <Button kind="outlined" onPress={() => recall(job, "all", picture.seed)}>
            {t.takes.useAll}
          </Button>
          <Button kind="outlined" onPress={() => recall(job, "remix")}>
            {t.takes.remix}
          </Button>
          <Button kind="outlined" onPress={() => recall(job, "prompt")}>
            {t.takes.reusePrompt}
          </Button>
          <Button kind="outlined" onPress={() => recall(job, "seed", picture.seed)}>
            {t.takes.reuseSeed}
          </Button>
        </div>
      </Section>
      <Section title={t.look.modelRead}>
        <ModelRead
          prompt={promptOf(r, picture.seed)}
          expanded={job.expandedPrompts[picture.place] ?? r.prompt}
        />
      </Section>
      <Section title={t.look.request}>
        <dl className="facts">
          <Fact name={t.look.seed}>{picture.seed}</Fact>
          {r.variationOf?.length ? <Fact name={t.variation.of}>{turnsSaid(r.variationOf)}</Fact> : null}
          <Fact name={t.look.size}>
            {shapeName(r, known)} · {picture.width} × {picture.height}
          </Fact>
          <Fact name={t.look.model}>{model?.title ?? r.model}</Fact>
          <Fact name={t.look.creativity}>
            {level} · {r.creativity}
          </Fact>
          {r.steps !== null && <Fact name={t.look.steps}>{r.steps}</Fact>}
          {r.candidates !== null && <Fact name={t.look.candidates}>{r.candidates}</Fact>}
          {r.guidance !== null && <Fact name={t.look.guidance}>{decimal(r.guidance)}</Fact>}
          {sliders.map((name) => (
            <Fact key={name} name={t.more[name]}>
              {signed(r[name])}
            </Fact>
          ))}
          {r.loras.map(({ name, weight }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same adapter may stand twice
            <Fact key={`${name}-${i}`} name="LoRA">
              {name} · {decimal(weight)}
            </Fact>
          ))}
          {r.negativePrompt && <Fact name={t.dock.negative}>{r.negativePrompt}</Fact>}
          {r.board && <Fact name={t.look.board}>{signed(r.board.strength)}</Fact>}
          <Fact name={t.look.time}>{t.look.seconds(decimal(job.seconds.total ?? 0, 1))}</Fact>
          <Fact name={t.look.made}>{when(picture.createdAt)}</Fact>
          <Fact name={t.look.file}>
            {picture.format.toUpperCase()} · {bytes(picture.bytes)}
          </Fact>
        </dl>
        {(r.references.length > 0 || r.start) && (
          <ul className="used" aria-label={t.look.references}>
            {r.start && <Start start={r.start} />}
            {r.references.map((reference, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same picture may stand twice
              <li key={`${reference.image}-${i}`}>
                <IconButton
                  className="used-hold"
                  label={t.look.holdOne(i + 1)}
                  onPressStart={() => void startHold(job, picture, i)}
                  onPressEnd={stopHold}
                >
                  <img src={assetThumb(reference.image)} alt="" draggable={false} />
                </IconButton>
                <span>{reference.weight < 0 ? t.references.away : t.references.towards}</span>
                <b>{signed(reference.weight)}</b>
              </li>
            ))}
          </ul>
        )}
        {job.notes.map((note) => {
          const said = noteSaid(note, t)
          return (
            <p key={note.message} className="note small" lang={said === null ? "en" : undefined}>
              {said ?? note.message}
            </p>
          )
        })}
      </Section>
      <Section title={t.look.files}>
        <div className="row wrap">
          {["png", "jpg", "webp"].map((format) => (
            <a key={format} className="button outlined" href={file(format)} download>
              <Download size={14} aria-hidden />
              {format.toUpperCase()}
            </a>
          ))}
        </div>
      </Section>
      <LineageView job={job} />
      <CopyAs job={job} picture={picture} />
      <details className="full-request">
        <summary>{t.look.fullRequest}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0}>{JSON.stringify({ ...r, seed: picture.seed }, null, 2)}</pre>
      </details>
    </aside>
  )
}

function Start({ start }: { start: NonNullable<GenerationRequest["start"]> }) {
  const { look: t } = useMessages()
  const name = start.mask ? t.startMasked : t.start
  return (
    <li>
      <span className="used-start">
        <img src={assetThumb(start.image)} alt={name} />
        {start.mask && <MaskThumb mask={assetThumb(start.mask)} />}
      </span>
      <span>{name}</span>
      <b>{decimal(start.strength)}</b>
    </li>
  )
}

const Section = ({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) => (
  <section className="inspector-section">
    <div className="inspector-title">
      <h2>{title}</h2>
      {action}
    </div>
    {children}
  </section>
)

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { look: t } = useMessages()
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    if (!(await copyText(text))) return
    setCopied(true)
    setTimeout(() => setCopied(false), 1600)
  }
  return (
    <IconButton className="small" label={isCopied ? t.copied : (label ?? t.copy)} onPress={() => void copy()}>
      {isCopied ? <Check size={14} /> : <Copy size={14} />}
    </IconButton>
  )
}

const KINDS = ["curl", "TypeScript", "CLI"] as const

function CopyAs({ job, picture }: { job: Job; picture: Picture }) {
  const { look: t } = useMessages()
  const [kind, setKind] = useState<(typeof KINDS)[number]>("curl")
  const boards = useBoards().data?.items ?? []
  // The picture alone: its own seed, one of it.
  const request = short({ ...job.request, seed: picture.seed, count: 1 }) as Parameters<typeof curlOf>[0]
  const text =
    kind === "curl" ? curlOf(request) : kind === "CLI" ? commandOf(request, boards) : typescriptOf(request)
  return (
    <Section title={t.copyAs} action={<CopyButton text={text} label={`${t.copyAs} ${kind}`} />}>
      <Segments
        label={t.copyAs}
        value={kind}
        options={KINDS.map((value) => ({ value, label: value }))}
        onChange={setKind}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </Section>
  )
}

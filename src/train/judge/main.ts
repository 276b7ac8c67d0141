// npm run judge: the judge on real art, a model by its pictures for fixed prompts, its controls. See --help.
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EMBEDDED, OPEN } from "../../controls/creativity/index.ts"
import { createEngine } from "../../controls/engine.ts"
import { AtelierError } from "../../request/errors.ts"
import { type GenerationInput, parseRequest } from "../../request/request.ts"
import { SIZES } from "../../request/sizes.ts"
import { findModel, weightsOf } from "../../sampling/index.ts"
import { ART_VERSION } from "../data/dataset.ts"
import { hash } from "../data/random.ts"
import { openSprites } from "../data/sprites.ts"
import { readOrExit } from "../options.ts"
import { PARTS } from "./controls/measure.ts"
import { controlsTable } from "./controls/report.ts"
import { judgeControls } from "./controls/run.ts"
import { copyingOf } from "./distances.ts"
import { openFeatureNet } from "./feature-net.ts"
import { steadyThumbnails, trainingThumbnails } from "./gallery.ts"
import { examine, examineSelf, type Findings, reportOf } from "./judgement.ts"
import { createClassifier } from "./network.ts"
import type { Shot } from "./observe.ts"
import { JUDGE_HELP, readJudgeOptions } from "./options.ts"
import { fingerprint, kept, openStudio } from "./pictures.ts"
import { drawUpPrompts, PROMPTS_FILE, type Prompt, readPrompts } from "./prompts.ts"
import { openPainter } from "./real.ts"
import { tableOf } from "./table.ts"
import { loadAutoencoder, throughAutoencoder } from "./through.ts"
import { traitsOf } from "./traits.ts"
import { exportClassifier, loadClassifier } from "./weights.ts"

const { values, positionals, numbers, parts, aspect } = readOrExit(() =>
  readJudgeOptions(process.argv.slice(2)),
)

const DATA = process.env.ATELIER_DATA ?? "data"
const CACHE = join(DATA, "judged")
const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
/** Where a prompt's real art is kept: other art, another shape or another prompt has another place. */
const artPath = (part: string, p: Prompt): string =>
  join(
    CACHE,
    `${part}-v${ART_VERSION}${aspect === "1:1" ? "" : `-${aspect.replace(":", "x")}`}`,
    `${p.id}-${hash(JSON.stringify(p)).toString(16)}.png`,
  )

function drawings() {
  if (!existsSync(join(DATA, "sprites.json")))
    throw new Error("The judge paints real art to compare with; make them first: npm run data")
  return openSprites(join(DATA, "sprites"), join(DATA, "packages"))
}

/** Every prompt's picture, with a line of progress every half minute. */
async function shotsOf(
  prompts: readonly Prompt[],
  what: string,
  picture: (p: Prompt) => Promise<Shot["picture"]>,
): Promise<Shot[]> {
  const shots: Shot[] = []
  let told = Date.now()
  for (const prompt of prompts) {
    shots.push({ prompt, picture: await picture(prompt) })
    if (Date.now() - told < 30_000) continue
    told = Date.now()
    note(`${what}: ${shots.length} of ${prompts.length}`)
  }
  return shots
}

const command = ["npm run judge --", ...process.argv.slice(2).filter((a) => a !== "--json")]
  .join(" ")
  .replace(/ --$/, "")

function refuse(sentence: string): void {
  console.error(sentence)
  process.exitCode = 2
}

/** The options that were given, as fields of every request. */
function asked(): Partial<GenerationInput> {
  const fields = {
    model: values.model,
    steps: numbers.steps,
    guidance: numbers.guidance,
    candidates: numbers.candidates,
    creativity: numbers.creativity,
    ...(aspect !== "1:1" && { width: SIZES[aspect][0], height: SIZES[aspect][1] }),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined))
}

async function controls(): Promise<void> {
  const { creativity, ...given } = asked()
  if (creativity !== undefined)
    return refuse("The controls set creativity themselves; leave out --creativity.")
  if (aspect !== "1:1") return refuse("The controls are measured on squares; leave out --aspect.")
  const report = await judgeControls({
    command,
    model: values.model,
    ...(parts && { parts: PARTS.filter((part) => parts.includes(part)) }),
    count: numbers.count,
    classifier: values.classifier,
    threads: numbers.threads,
    given,
    cache: CACHE,
    drawings,
    note,
  })
  console.log(values.json ? JSON.stringify(report, null, 2) : controlsTable(report))
}

/** What the options name, before minutes of work on real art. Throws a sentence about what is not there or out of range. */
async function named() {
  parseRequest({ ...asked(), prompt: "a" })
  return {
    installed: values.examine ? undefined : await findModel(values.model),
    autoencoder: values.through === undefined ? undefined : await loadAutoencoder(values.through),
  }
}

async function judge(): Promise<void> {
  const { installed, autoencoder } = await named()
  const prompts = readPrompts(numbers.count)
  const source = drawings()
  const { weights, samples } = await loadClassifier(values.classifier)
  const classifier = await createClassifier(weights, undefined, numbers.threads)
  const featureNet = values.examine ? undefined : await openFeatureNet(join(DATA, "vision"), numbers.threads)
  if (!featureNet && !values.examine)
    note("The independent feature network could not be installed; its Frechet distance is left out.")
  const instruments = { classifier, featureNet, training: trainingThumbnails(join(DATA, "scenes")) }

  const [painter, own] = [openPainter(source, "train", aspect), openPainter(source, "judge", aspect)]
  const asDrawn = await shotsOf(prompts, "real art", (p) => kept(artPath("art", p), () => painter.paint(p)))
  const real = autoencoder ? await throughAutoencoder(asDrawn, autoencoder) : asDrawn
  const single = prompts.filter((p) => p.concepts.length === 1 && !p.count && p.group !== "spread")
  const known = await shotsOf(
    single.filter((p) => p.group === "concept" || p.group === "style"),
    "the judge's drawings",
    (p) => kept(artPath("known", p), () => own.paint(p)),
  )
  const withStyle = real
    .filter((s) => single.includes(s.prompt))
    .map((s) => ({ ...s, style: painter.scene(s.prompt).style }))
  const self = await examineSelf(withStyle, known, classifier)
  const art = await examine(real, instruments)

  const steady = steadyThumbnails(join(DATA, "focus"))
  let made: Findings | undefined
  let secondsPerPicture: number | undefined
  if (installed) {
    const { folder, manifest } = installed
    const ideas = weightsOf(manifest) === "embedded" ? EMBEDDED : OPEN
    const engine = createEngine(numbers.threads === undefined ? {} : { threads: numbers.threads })
    const studio = openStudio(engine, await fingerprint(folder), join(CACHE, "pictures"), ideas)
    const given = asked()
    try {
      const shots = await shotsOf(prompts, "pictures", ({ prompt, seed }) =>
        studio.picture({ ...given, prompt, seed }),
      )
      made = await examine(shots, { ...instruments, steady: steady.used })
    } finally {
      await engine.close()
    }
    const { count, seconds } = studio.made()
    if (count > 0) secondsPerPicture = seconds / count
  }
  await classifier.close()
  await featureNet?.close()
  const report = reportOf({
    command,
    model: values.examine ? null : values.model,
    self,
    samples,
    art,
    made,
    steadyArt: steady.held.length > 0 ? copyingOf(steady.held, steady.used) : undefined,
    secondsPerPicture,
  })
  console.log(values.json ? JSON.stringify(report, null, 2) : tableOf(report))
}

/** Tells what is wrong with what was asked for in its sentence alone. */
async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AtelierError)) throw error
    refuse(error.message)
  }
}

if (values.help) console.log(JUDGE_HELP)
else if (positionals.join(" ") === "controls") await told(controls)
else if (positionals.length > 0) refuse(`The judge knows no ${positionals.join(" ")}.\n${JUDGE_HELP}`)
else if (values["write-prompts"]) {
  const lines = drawUpPrompts(traitsOf(drawings())).map((p) => JSON.stringify(p))
  writeFileSync(PROMPTS_FILE, `${lines.join("\n")}\n`)
  note(`${lines.length} prompts`)
} else if (values.export) await exportClassifier(await loadClassifier(values.classifier), values.export)
else await told(judge)

// The empty page teaches: three starters that really run, each to be seen as curl before.
import { Image, Palette, Play, Type } from "lucide-react"
import type { ReactNode } from "react"
import type { Capabilities, Submit } from "../api/types.ts"
import { curlOf } from "../look/code.ts"
import { useMessages } from "../messages/index.ts"
import { draft, modelOf, requestOf } from "../state/draft.ts"
import { complain, toast } from "../state/page.ts"
import { addReference, generate, setStart, upload } from "../state/work.ts"
import { Button } from "../ui/Button.tsx"
import { copyText } from "../ui/copy.ts"
import { sketch } from "./sketch.ts"

interface Starter {
  id: "words" | "reference" | "start"
  icon: ReactNode
  title: string
  line: string
  prompt: string
}

export function Empty({ capabilities }: { capabilities: Capabilities }) {
  const t = useMessages()
  const supports = modelOf(capabilities, draft.get().model)?.supports
  const starters: Starter[] = [
    {
      id: "words",
      icon: <Type size={20} />,
      title: t.empty.words,
      line: t.empty.wordsLine,
      prompt: t.empty.wordsPrompt,
    },
    ...(supports?.references
      ? [
          {
            id: "reference" as const,
            icon: <Palette size={20} />,
            title: t.empty.reference,
            line: t.empty.referenceLine,
            prompt: t.empty.referencePrompt,
          },
        ]
      : []),
    ...(supports?.start
      ? [
          {
            id: "start" as const,
            icon: <Image size={20} />,
            title: t.empty.start,
            line: t.empty.startLine,
            prompt: t.empty.startPrompt,
          },
        ]
      : []),
  ]
  const run = async (starter: Starter): Promise<void> => {
    try {
      draft.set({ prompt: starter.prompt })
      if (starter.id !== "words") {
        const asset = await upload(await sketch(starter.id))
        const address = `files/assets/${asset.id}?width=160`
        if (starter.id === "reference") addReference(asset.id, address)
        else setStart(asset, address)
      }
      await generate()
    } catch (thrown) {
      complain(thrown)
    }
  }
  const copy = async (starter: Starter): Promise<void> => {
    const request: Submit = { ...requestOf({ ...draft.get(), prompt: starter.prompt }, capabilities) }
    if (starter.id === "reference")
      request.references = [{ image: "https://example.com/look.jpg", weight: 0.6 }]
    if (starter.id === "start") request.start = { image: "https://example.com/start.jpg", strength: 0.8 }
    if (await copyText(curlOf(request))) toast(t.look.copied)
  }
  return (
    <div className="empty">
      <h2>{t.empty.title}</h2>
      <p className="muted">{t.empty.line}</p>
      {t.empty.promptLanguage && <p className="muted small">{t.empty.promptLanguage}</p>}
      <ul className="starters">
        {starters.map((starter) => (
          <li key={starter.id} className="starter">
            <span className="starter-icon">{starter.icon}</span>
            <h3>{starter.title}</h3>
            <p className="muted">{starter.line}</p>
            <p className="starter-prompt">“{starter.prompt}”</p>
            <div className="row">
              <Button
                kind="outlined"
                onPress={() => void run(starter)}
                aria-label={`${starter.title}: ${t.empty.run}`}
              >
                <Play size={14} aria-hidden />
                {t.empty.run}
              </Button>
              <Button onPress={() => void copy(starter)} aria-label={`${starter.title}: ${t.empty.asCurl}`}>
                {t.empty.asCurl}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </div>
  )
}

// The prompt: grows with its words up to six lines. Enter generates, Shift+Enter goes to the front of the queue.
import { X } from "lucide-react"
import { useEffect, useLayoutEffect, useRef } from "react"
import { wordingCount } from "../../../src/request/wordings.ts"
import { isComposing } from "../keys/bindings.ts"
import { useMessages } from "../messages/index.ts"
import { draft } from "../state/draft.ts"
import { toast } from "../state/page.ts"
import { useStore } from "../state/store.ts"
import { generate, uploadReferences } from "../state/work.ts"
import { IconButton } from "../ui/Button.tsx"
import { decimal } from "../ui/words.ts"
import { picturesIn } from "./files.tsx"

export const PROMPT_ID = "prompt"
const WORDINGS_ID = "prompt-wordings"
/** Characters that the server takes. */
const LONGEST = 5000
export const focusPrompt = (): void => document.getElementById(PROMPT_ID)?.focus()

export function Prompt() {
  const t = useMessages()
  const prompt = useStore(draft, (d) => d.prompt)
  const wordings = wordingCount(prompt)
  const field = useRef<HTMLTextAreaElement>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the words
  useLayoutEffect(() => {
    const area = field.current!
    area.style.height = "auto"
    area.style.height = `${area.scrollHeight}px`
  }, [prompt])
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current?.focus()
  }, [])

  return (
    <div className="prompt">
      <textarea
        ref={field}
        id={PROMPT_ID}
        rows={1}
        value={prompt}
        maxLength={LONGEST}
        dir="auto"
        aria-label={t.dock.prompt}
        aria-describedby={wordings > 1 ? WORDINGS_ID : undefined}
        placeholder={t.dock.placeholder}
        enterKeyHint="go"
        spellCheck
        onChange={(e) => draft.set({ prompt: e.target.value })}
        onPaste={(e) => {
          const text = e.clipboardData.getData("text/plain")
          const files = picturesIn(e.clipboardData)
          if (text) {
            // Office programs put a picture of the words beside the words: what is pasted into the prompt is the words.
            const { selectionStart, selectionEnd, value } = e.currentTarget
            if (value.length - (selectionEnd - selectionStart) + text.length > LONGEST)
              toast(t.dock.tooLong(LONGEST))
          } else if (files.length > 0) {
            e.preventDefault()
            uploadReferences(files)
          }
        }}
        onKeyDown={(e) => {
          if (e.key !== "Enter" || isComposing(e.nativeEvent) || e.altKey) return
          e.preventDefault()
          if (e.repeat) return
          if (e.ctrlKey || e.metaKey) void generate({ count: 4 })
          else void generate(e.shiftKey ? { priority: 10 } : {})
        }}
      />
      {wordings > 1 && (
        <p id={WORDINGS_ID} className="prompt-wordings small muted">
          {t.dock.wordings(decimal(wordings))}
        </p>
      )}
      {prompt && (
        <IconButton
          className="small prompt-clear"
          label={t.dock.clear}
          onPress={() => {
            draft.set({ prompt: "" })
            focusPrompt()
          }}
        >
          <X size={14} />
        </IconButton>
      )}
    </div>
  )
}

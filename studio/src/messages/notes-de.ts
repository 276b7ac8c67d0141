// What went another way than asked, in German, by the server's word for it.
import type { Notes } from "./notes.ts"

const TOPICS = { style: "einen Stil", setting: "einen Ort", light: "Licht", palette: "eine Farbe" } as const

export const notes: Notes = {
  prompt_cut: "Der Prompt ist länger, als das Modell lesen kann; sein Ende fiel weg.",
  negative_cut: "Der negative Prompt ist länger, als das Modell lesen kann; sein Ende fiel weg.",
  negative_unused:
    "Ohne Führung hält der negative Prompt nur seine Wörter aus der Erweiterung heraus; mit Führung über 0 lenkt er das Bild.",
  prompt_unread: "Der Prompt ließ sich nicht als Englisch lesen; ihm wurde nichts hinzugefügt.",
  expander_replaced: (host, why) =>
    `Die Prompt-Erweiterung auf ${host} wurde nicht genutzt: ${why}. Die eingebaute ist eingesprungen.`,
  faults: {
    unreachable: ({ cause }) => `Sie war nicht erreichbar (${cause})`,
    timeout: ({ seconds }) => `Innerhalb von ${seconds} s kam keine Antwort`,
    status: ({ status }) => `Sie antwortete mit ${status}`,
    not_chat: () => "Ihre Antwort war nicht die eines Chat-Dienstes",
    refused: () => "Sie weigerte sich",
    cut_off: () => "Ihre Antwort war abgeschnitten",
    too_long: ({ characters }) => `Ihre Antwort war mit ${characters} Zeichen zu lang`,
    too_many_words: ({ words }) =>
      `Ihre Antwort hatte ${words === 1 ? "ein Wort" : `${words} Wörter`} mehr, als das Modell liest`,
    empty: () => "Ihre Antwort war leer",
    not_text: () => "Ihre Antwort war kein Text",
    not_alone: () => "Ihre Antwort war nicht der Prompt allein",
    lost_word: ({ word }) => `In ihrer Antwort fehlte das Wort „${word}“`,
    lost_quote: ({ quote }) => `In ihrer Antwort fehlte das Zitat ${quote}`,
    second: ({ topic, word }) =>
      `Sie ergänzte „${word}“, obwohl der Prompt selbst schon ${TOPICS[topic]} nennt`,
    second_look: () => "Sie ergänzte einen Stil neben dem der Referenz",
    denied: ({ word }) => `Sie ergänzte „${word}“, obwohl das ausgeschlossen war`,
  },
}

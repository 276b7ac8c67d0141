// What went another way than asked, in French, by the server's word for it.
import type { Notes } from "./notes.ts"

const TOPICS = {
  style: "un style",
  setting: "un décor",
  light: "une lumière",
  palette: "une couleur",
} as const

export const notes: Notes = {
  prompt_cut: "Le prompt est plus long que ce que le modèle lit ; la fin n’a pas été lue.",
  negative_cut: "Le prompt négatif est plus long que ce que le modèle lit ; la fin n’a pas été lue.",
  negative_unused:
    "Sans guidage, le prompt négatif ne fait qu’écarter ses mots du prompt enrichi ; un guidage supérieur à 0 le fait agir sur l’image.",
  prompt_unread: "Le prompt n’a pas pu être lu comme de l’anglais ; rien n’y a été ajouté.",
  expander_replaced: (host, why) =>
    `Le service qui enrichit les prompts sur ${host} n’a pas été utilisé : ${why}. Celui d’Atelier a pris le relais.`,
  faults: {
    unreachable: ({ cause }) => `il était injoignable (${cause})`,
    timeout: ({ seconds }) => `aucune réponse n’est venue en ${seconds} s`,
    status: ({ status }) => `il a répondu ${status}`,
    not_chat: () => "sa réponse n’était pas celle d’un service de chat",
    refused: () => "il a refusé",
    cut_off: () => "sa réponse était tronquée",
    too_long: ({ characters }) => `sa réponse était trop longue (${characters} caractères)`,
    too_many_words: ({ words }) =>
      `sa réponse dépassait de ${words} ${words === 1 ? "mot" : "mots"} ce que le modèle lit`,
    empty: () => "sa réponse était vide",
    not_text: () => "sa réponse n’était pas du texte",
    not_alone: () => "sa réponse n’était pas le prompt seul",
    lost_word: ({ word }) => `sa réponse avait perdu le mot « ${word} »`,
    lost_quote: ({ quote }) => `sa réponse avait perdu la citation ${quote}`,
    second: ({ topic, word }) =>
      `sa réponse ajoutait « ${word} », alors que le prompt donne déjà ${TOPICS[topic]}`,
    second_look: () => "sa réponse ajoutait un style à celui de la référence",
    denied: ({ word }) => `sa réponse ajoutait « ${word} », qui était exclu`,
  },
}

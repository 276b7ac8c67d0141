// Why something failed, in German, by the server's word for it.
import type { Reasons } from "./reasons.ts"

export const reasons: Reasons = {
  invalid_request: "Der Server versteht diese Anfrage nicht.",
  out_of_range: "Ein Wert liegt außerhalb seiner Grenzen.",
  unsupported: "Dieses Modell kann das nicht.",
  model_not_found: "Dieses Modell ist nicht installiert.",
  model_invalid: "Die Dateien des Modells sind unbrauchbar.",
  image_invalid: "Ein Bild der Anfrage ist unbrauchbar.",
  file_not_found: "Dem Server fehlt eine Datei.",
  file_write: "Der Server konnte eine Datei nicht schreiben.",
  device_unavailable: "Das Gerät, auf dem gerechnet werden soll, ist nicht da.",
  out_of_memory: "Der Arbeitsspeicher reicht dafür nicht.",
  worker_lost: "Was die Bilder macht, ist mittendrin abgebrochen.",
  cancelled: "Es wurde abgebrochen.",
  timeout: "Es hat zu lange gedauert.",
  unauthorized: "Der Server verlangt einen Schlüssel.",
  forbidden: "Das ist hier nicht erlaubt.",
  not_found: "Das gibt es auf dem Server nicht.",
  expired: "Das hebt der Server nicht mehr auf.",
  conflict: "Das geht in diesem Zustand nicht.",
  rate_limited: "Der Server nimmt gerade nichts mehr an. Versuch es etwas später.",
  content_policy: "Der Inhaltsfilter hat es nicht durchgelassen.",
  unavailable: "Der Server ist gerade nicht bereit. Versuch es gleich noch einmal.",
  internal: "Auf dem Server ist etwas schiefgegangen.",
}

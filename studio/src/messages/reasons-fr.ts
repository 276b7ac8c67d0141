// Why something failed, in French, by the server's word for it.
import type { Reasons } from "./reasons.ts"

export const reasons: Reasons = {
  invalid_request: "Le serveur ne comprend pas cette demande.",
  out_of_range: "Une valeur est hors de ses limites.",
  unsupported: "Ce modèle ne sait pas le faire.",
  model_not_found: "Ce modèle n’est pas installé.",
  model_invalid: "Les fichiers du modèle sont inutilisables.",
  image_invalid: "Une image de la demande est inutilisable.",
  file_not_found: "Il manque un fichier au serveur.",
  file_write: "Le serveur n’a pas pu écrire un fichier.",
  device_unavailable: "L’appareil de calcul demandé n’est pas disponible.",
  out_of_memory: "La mémoire ne suffit pas.",
  worker_lost: "Le programme qui dessine s’est arrêté en route.",
  cancelled: "C’est annulé.",
  timeout: "Cela a duré trop longtemps.",
  unauthorized: "Le serveur demande une clé.",
  forbidden: "Ce n’est pas permis ici.",
  not_found: "Le serveur n’a rien de tel.",
  expired: "Le serveur ne le garde plus.",
  conflict: "Ce n’est pas possible dans cet état.",
  rate_limited: "Le serveur n’accepte plus rien pour le moment. Réessayez un peu plus tard.",
  content_policy: "Le filtre de contenu l’a retenu.",
  unavailable: "Le serveur n’est pas prêt. Réessayez dans un instant.",
  internal: "Quelque chose a échoué sur le serveur.",
}

// What the page says of models and of more settings, in English.
export const more = {
  model: {
    title: "Model",
    button: (name: string) => `Model: ${name}`,
    names: { medium: "Medium", large: "Large", "medium-turbo": "Turbo" },
    lines: {
      medium: "Stable, for finished pictures",
      large: "Rawer and more varied",
      "medium-turbo": "Few steps, to try things quickly",
    },
  },
  more: {
    title: "More",
    button: "More settings",
    steps: "Steps",
    guidance: "Guidance",
    candidates: "Candidates",
    intensity: "Intensity",
    complexity: "Complexity",
    movement: "Movement",
    lines: {
      intensity: "Saturation and contrast",
      complexity: "Amount of detail",
      movement: "Diagonal energy",
    },
    format: "File format",
    resetAll: "Reset all settings",
    unsupported: (model: string, things: string) => `${model} does not support ${things}.`,
    removeLora: (name: string) => `Remove the LoRA ${name}`,
    things: {
      references: "references",
      boards: "moodboards",
      sliders: "sliders",
      start: "start images",
      creativity: "creativity",
      guidance: "guidance",
      loras: "LoRAs",
      candidates: "candidates",
    },
  },
  missing: {
    reference: (n: number) => `Reference ${n} is no longer there; the next take is made without it.`,
    start: "The start image is no longer there; the next take is made without it.",
    mask: "The mask is no longer there; it was taken off.",
    board: (name: string) => `The moodboard ${name} is no longer there; it was taken out of the dock.`,
  },
}

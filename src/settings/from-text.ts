const words: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
])

/** `true/false/1/0/yes/no/on/off`, in any case; the text itself where it is none of them. */
export function booleanFromText(text: string): boolean | string {
  return words.get(text.trim().toLowerCase()) ?? text
}

/** Where a number or a list may stand beside a boolean, only words are booleans. */
export function wordFromText(text: string): boolean | undefined {
  return /\d/.test(text) ? undefined : words.get(text.trim().toLowerCase())
}

/** Comma-separated, or JSON. */
export function listFromText(value: string): unknown {
  const trimmed = value.trim()
  if (trimmed.startsWith('[')) return JSON.parse(trimmed)
  return trimmed
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

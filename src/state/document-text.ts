import type { StateDocument } from './window.js'

const opening = ',\n  "history": '
const closing = '\n}\n'

/**
 * A document as it is stored: for people to read, with an entry of the history on each line. The history, most of the text,
 * comes last, so that who does not need it need not read it.
 */
export function toText({ history, ...rest }: StateDocument): string {
  const before = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length)
  const entries = history.map((entry) => `    ${JSON.stringify(entry)}`)
  return `${before}${opening}${entries.length > 0 ? `[\n${entries.join(',\n')}\n  ]` : '[]'}${closing}`
}

/** A document without its history, and the history; `undefined` for a text that is not laid out like ours. */
export function splitText(text: string): { rest: string; history: string } | undefined {
  // No string of JSON has a line break in it, so this is where the document's last name stands.
  const at = text.lastIndexOf('\n  "') - 1
  if (at < 0 || !text.startsWith(opening, at) || !text.endsWith(closing)) return undefined
  return { rest: text.slice(0, at) + closing, history: text.slice(at + opening.length, -closing.length) }
}

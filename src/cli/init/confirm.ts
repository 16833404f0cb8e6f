import { createInterface } from 'node:readline/promises'
import type { PlannedFile } from './files.js'

const verbs = { create: 'write', append: 'append to', change: 'change', keep: '' } as const

/** Asks on the terminal whether the files may be written. */
export async function isConfirmed(files: readonly PlannedFile[]): Promise<boolean> {
  const missing = files.filter(({ action }) => action !== 'keep').map(({ action, path }) => `${verbs[action]} ${path}`)
  const what = missing.join(', ')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    // Who ends the input has not said yes.
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('n')))
    const answer = await Promise.race([terminal.question(`${what[0]?.toUpperCase()}${what.slice(1)}? [Y/n] `), ended])
    return /^(y(es)?)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}

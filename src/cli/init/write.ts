import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf } from '../../errors.js'
import type { PlannedFile } from './files.js'

/** @throws Error that names the file that cannot be written, and those that have been */
export function writeFiles(folder: string, files: readonly PlannedFile[]): void {
  const written: string[] = []
  for (const { path, action, text } of files) {
    if (action === 'keep') continue
    const file = join(folder, path)
    try {
      mkdirSync(dirname(file), { recursive: true })
      if (action === 'append') appendFileSync(file, text)
      // `wx`: not even what came to be since it was looked for.
      else writeFileSync(file, text, { flag: action === 'create' ? 'wx' : 'w' })
    } catch (error) {
      const before =
        written.length === 0 ? 'Nothing has been written' : `Only ${written.join(' and ')} has been written`
      throw Object.assign(
        new Error(
          `${file} cannot be written: ${messageOf(error)}. ${before}; run \`init\` again, and it goes on from there.`,
        ),
        { code: (error as NodeJS.ErrnoException).code },
      )
    }
    written.push(path)
  }
}

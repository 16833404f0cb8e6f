import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StateBackendError } from 'maintenance-mode'
import { fileBackend } from 'maintenance-mode/backends/file'
import { expect, it } from 'vitest'
import { createDocument, serializeDocument } from '../../src/state/document.js'
import { temporaryFolder } from '../backends/fixtures/child.js'

const text = (revision: number): string => serializeDocument({ ...createDocument(''), revision })

it('32. an absent file reads as nothing (here: and is not created); three writes leave one file with the last', async () => {
  const folder = temporaryFolder()
  const backend = fileBackend({ path: join(folder, 'state.json') })
  expect(await backend.read()).toBeUndefined()
  expect(readdirSync(folder)).toEqual([])
  let last = ''
  for (const next of [1, 2, 3]) {
    last = text(next)
    await backend.write(last, { expected: next - 1, next })
  }
  expect(readFileSync(join(folder, 'state.json'), 'utf8')).toBe(last)
  expect(readdirSync(folder)).toEqual(['state.json'])
})

it('33. a folder in the place of the file: writing and reading fail', async () => {
  const path = join(temporaryFolder(), 'state.json')
  mkdirSync(path)
  const backend = fileBackend({ path })
  await expect(backend.write(text(1), { expected: 0, next: 1 })).rejects.toThrow(StateBackendError)
  await expect(backend.read()).rejects.toThrow(StateBackendError)
})

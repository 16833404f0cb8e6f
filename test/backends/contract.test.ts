import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { memoryBackend } from '../../src/backends/memory.js'
import { backendSuite } from '../../src/testing/index.js'
import { temporaryFolder } from './fixtures/child.js'

backendSuite(
  { describe, it },
  {
    name: 'memory',
    async create() {
      const backend = memoryBackend()
      return {
        backend,
        other: async () => backend,
        async corrupt(text) {
          const expected = (await backend.read())?.revision ?? 0
          await backend.write(text, { expected, next: expected + 1 })
        },
        cleanup: async () => backend.close?.(),
      }
    },
  },
)

backendSuite(
  { describe, it },
  {
    name: 'file',
    async create() {
      const path = join(temporaryFolder(), '.maintenance-mode.json')
      const backends = [fileBackend({ path })]
      return {
        backend: backends[0]!,
        async other() {
          const other = fileBackend({ path })
          backends.push(other)
          return other
        },
        corrupt: (text) => writeFile(path, text),
        remove: () => rm(path),
        async cleanup() {
          for (const backend of backends) await backend.close?.()
        },
      }
    },
  },
)

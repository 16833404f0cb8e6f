import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const entry = 'virtual:worker'
const worker = `
  import { createMaintenance } from 'maintenance-mode'
  import { withMaintenanceMode } from 'maintenance-mode/fetch'
  let handle
  export default { fetch: (...given) => (handle ??= withMaintenanceMode(createMaintenance(), () => new Response('Hello')))(...given) }
`

describe('the core and the fetch adapter, bundled for the edge', () => {
  let chunks: OutputChunk[]

  beforeAll(async () => {
    const build = await rolldown({
      input: entry,
      cwd: root,
      platform: 'neutral',
      resolve: {
        conditionNames: ['workerd', 'worker', 'browser', 'import'],
        mainFields: ['browser', 'module', 'main'],
      },
      plugins: [
        { name: 'worker', resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? worker : null) },
      ],
    })
    const { output } = await build.generate({ minify: true })
    chunks = output.filter((one) => one.type === 'chunk')
    await build.close()
  })

  it('import nothing of Node, and nothing that is not in the bundle', () => {
    const own = chunks.map(({ fileName }) => fileName)
    expect(chunks.flatMap(({ imports }) => imports).filter((name) => !own.includes(name))).toEqual([])
  })

  it('are under 48 KB minified and gzipped, with the page', () => {
    const loaded = new Set<OutputChunk>()
    const load = (names: readonly string[]): void => {
      for (const chunk of chunks) {
        if (!names.includes(chunk.fileName) || loaded.has(chunk)) continue
        loaded.add(chunk)
        load(chunk.imports)
      }
    }
    load(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
    const code = [...loaded].map((chunk) => chunk.code).join('')
    expect(gzipSync(code).byteLength).toBeLessThan(48 * 1024)
  })
})

// Makes few files of the modules that the command line always loads: loading one costs half a millisecond, and they are
// forty. What a command loads only when it is run stays a file of its own. Run after `tsc`, whose output it replaces.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const folder = fileURLToPath(new URL('../dist/cli/', import.meta.url))
// Of the packages only the one that is always loaded; it is 200 KB, of which a tenth is used.
const inlined = 'valibot'

const bundle = await rolldown({
  input: `${folder}main.js`,
  platform: 'node',
  external: (id) => /^[^./#]/.test(id) && id !== inlined,
})
const options = {
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  banner: ({ moduleIds }) =>
    moduleIds.some((id) => id.includes(`/node_modules/${inlined}/`))
      ? '/*! Contains parts of valibot, (c) Fabian Hiller, MIT license: node_modules/valibot/LICENSE.md */'
      : '',
}
const { output } = await bundle.generate(options)
await bundle.close()
rmSync(folder, { recursive: true })
mkdirSync(folder)
for (const { fileName, code } of output) writeFileSync(folder + fileName, code)

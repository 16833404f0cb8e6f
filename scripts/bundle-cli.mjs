// Makes one file of the modules that the command line always loads: loading one costs half a millisecond, and they are
// forty. What a command loads only when it is run stays a file of its own. Run after `tsc`, whose output it replaces.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const folder = fileURLToPath(new URL('../dist/cli/', import.meta.url))
// Of the packages only the one that is always loaded; it is 200 KB, of which a tenth is used.
const inlined = 'valibot'

const main = `${folder}main.js`
const always = new Set()
const bundle = await rolldown({
  input: main,
  platform: 'node',
  external: (id) => /^[^./#]/.test(id) && id !== inlined,
  plugins: {
    name: 'always',
    buildEnd() {
      always.add(main)
      for (const id of always) for (const imported of this.getModuleInfo(id)?.importedIds ?? []) always.add(imported)
    },
  },
})
const options = {
  format: 'esm',
  // By itself a bundler gives what both kinds need files of their own.
  codeSplitting: { groups: [{ name: 'main', test: (id) => always.has(id) }] },
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

import type { Project } from './project.js'

// Seen to restart an app whenever the state changes: fastify-cli, unless --ignore-watch names the file, and
// `node --watch-path=.`; by its source pm2, where an `ignore_watch` takes the place of its own, which has all dot files.
// Seen not to: `node --watch` and `tsx watch`, which watch what is imported, Vite, and nodemon, which ignores dot files.

const state = '.maintenance-mode'

/** A package.json whose scripts tell fastify-cli to leave the state file alone; nothing where there is nothing to tell. */
export function ignoringScripts({ manifest, read }: Project): { text: string; lines: string[] } | undefined {
  let text = read('package.json')
  const lines: string[] = []
  for (const [name, script] of Object.entries(manifest.scripts ?? {})) {
    const before = `${JSON.stringify(name)}: ${JSON.stringify(script)}`
    const after = `${JSON.stringify(name)}: ${JSON.stringify(ignoring(script))}`
    if (after === before || !text.includes(before)) continue
    text = text.replace(before, () => after)
    lines.push(after)
  }
  return lines.length === 0 ? undefined : { text, lines }
}

function ignoring(script: string): string {
  if (!/\bfastify start\b.*\s(-w|--watch)\b/.test(script) || script.includes(state)) return script
  const others = /--ignore-watch[= ](?:"([^"]*)"|'([^']*)'|(\S+))/
  return others.test(script)
    ? script.replace(others, (_, ...found) => `--ignore-watch="${found.slice(0, 3).join('')} ${state}"`)
    : script.replace(/\bfastify start\b/, `fastify start --ignore-watch=${state}`)
}

/** Watchers that only a person can tell. */
export function watcherNotes({ manifest, has, read }: Project): string[] {
  const scripts = Object.entries(manifest.scripts ?? {})
    .filter(([, script]) => /--watch-path[= ]\.\/?(\s|$)/.test(script))
    .map(
      ([name]) =>
        `the script "${name}" watches the whole folder, so that the app restarts with every change of the state: let --watch-path name a folder below`,
    )
  const processes = ['js', 'cjs', 'json', 'mjs']
    .flatMap((ending) => [`ecosystem.config.${ending}`, `pm2.config.${ending}`])
    .filter((file) => has(file) && /\bignore_watch\b/.test(read(file)) && !read(file).includes(state))
    .map((file) => `${file} has an \`ignore_watch\` of its own: add '${state}.json*' to it, or pm2 restarts the app`)
  return [...scripts, ...processes]
}

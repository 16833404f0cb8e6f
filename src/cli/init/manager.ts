import type { Project } from './project.js'

/** What is typed in front of a package's name to add it and to run it, and in front of a script's to run that. */
export interface Manager {
  add: string
  run: string
  script: string
}

const managers: Readonly<Record<string, Manager & { locks: readonly string[] }>> = {
  pnpm: { add: 'pnpm add ', run: 'pnpm exec ', script: 'pnpm run ', locks: ['pnpm-lock.yaml'] },
  yarn: { add: 'yarn add ', run: 'yarn ', script: 'yarn run ', locks: ['yarn.lock'] },
  bun: { add: 'bun add ', run: 'bunx ', script: 'bun run ', locks: ['bun.lock', 'bun.lockb'] },
  npm: { add: 'npm install ', run: 'npx ', script: 'npm run ', locks: ['package-lock.json'] },
  deno: {
    add: 'deno add npm:',
    run: 'deno run -A npm:',
    script: 'deno task ',
    locks: ['deno.lock', 'deno.json', 'deno.jsonc'],
  },
}

/** By what package.json says, else by the nearest lock file. */
export function managerOf(project: Project): Manager {
  const named = managers[project.manifest.packageManager?.split('@')[0] ?? '']
  const found = Object.values(managers).find(({ locks }) => project.upward(...locks).length > 0)
  return named ?? found ?? (managers.npm as Manager)
}

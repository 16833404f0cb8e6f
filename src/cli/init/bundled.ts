import { depends, type Framework } from './framework.js'
import type { Project } from './project.js'

const inSource = (project: Project, ...folders: string[]): string =>
  folders.some((folder) => project.has(`src/${folder}`)) ? 'src/' : ''

const firstOf = (project: Project, name: string): string | undefined =>
  ['ts', 'mts', 'js', 'mjs'].map((ending) => `${name}.${ending}`).find(project.has)

const textOf = (project: Project, name: string): string => project.read(firstOf(project, name) ?? '')

/** Where Nitro looks for middleware. */
const serverFolder = (project: Project): string | undefined => {
  const configs = textOf(project, 'nitro.config') + textOf(project, 'vite.config')
  const [set, folder = 'server'] = /\bserverDir\s*:\s*(?:true|['"](?:\.\/)?([^'"]+?)\/?['"])/.exec(configs) ?? []
  return set && folder
}

/** Whether anything but static files comes of it. */
const rendersOnDemand = (project: Project): boolean => depends(project, /^@astrojs\/(node|vercel|netlify|cloudflare)$/)

/** Frameworks that bundle what they are made of. */
export const bundled: readonly Framework[] = [
  {
    name: 'Next.js',
    adapter: 'next',
    packages: ['next'],
    supported: '^15.5 || ^16',
    bundled: true,
    files(project, major = 16) {
      const folder = inSource(project, 'app', 'pages')
      return major < 16 ? [`${folder}middleware.`] : [`${folder}proxy.`, `${folder}middleware.`]
    },
    creates: true,
    imports: 'maintenanceMode',
    lines({ path, exists }) {
      const name = path.includes('proxy') ? 'proxy' : 'middleware'
      if (exists) return [`export const ${name} = chain(maintenanceMode(maintenanceConfig), yours)`]
      const all = [`export const ${name} = maintenanceMode(maintenanceConfig)`]
      // At the edge, where middleware runs unless told otherwise, there is no disk. A proxy is not to be told.
      return name === 'proxy' ? all : [...all, '', `export const config = { runtime: 'nodejs' }`]
    },
    where:
      'in front of yours, as there can be only one (`chain` comes from the same import); what its matcher leaves out is never closed',
    notes: (project) => [
      /output\s*:\s*['"]export['"]/.test(textOf(project, 'next.config')) &&
        'next.config has `output: "export"`: static files are served by somebody else, and have to be closed there',
    ],
  },
  {
    name: 'Nuxt',
    adapter: 'nuxt',
    packages: ['nuxt'],
    supported: '^4',
    bundled: true,
    files: () => ['nuxt.config.'],
    lines: () => [`modules: ['maintenance-mode/nuxt'],`],
    where: 'into what is given to defineNuxtConfig',
  },
  {
    name: 'SvelteKit',
    adapter: 'sveltekit',
    packages: ['@sveltejs/kit'],
    supported: '^2',
    port: () => 5173,
    bundled: true,
    files: () => ['src/hooks.server.'],
    creates: true,
    imports: 'maintenanceMode',
    lines: ({ exists }) => [
      exists
        ? 'export const handle = sequence(maintenanceMode(config), yours)'
        : 'export const handle = maintenanceMode(config)',
    ],
    where: 'in front of yours (`sequence` comes from @sveltejs/kit/hooks)',
    notes: (project) => [
      depends(project, /^@sveltejs\/adapter-static$/) &&
        'the static adapter is used: static files are served by somebody else, and have to be closed there',
    ],
  },
  {
    name: 'Astro',
    adapter: 'astro',
    packages: ['astro'],
    supported: '^6',
    port: () => 4321,
    bundled: true,
    files: () => ['src/middleware.', 'src/middleware/index.'],
    creates: true,
    imports: 'maintenanceMode',
    lines: ({ exists }) => [
      exists
        ? 'export const onRequest = sequence(maintenanceMode(config), yours)'
        : 'export const onRequest = maintenanceMode(config)',
    ],
    where: 'in front of yours (`sequence` comes from astro:middleware)',
    besides: (project) =>
      rendersOnDemand(project)
        ? []
        : [
            {
              file: firstOf(project, 'astro.config') ?? 'astro.config.mjs',
              where:
                'into what is given to defineConfig, after `npx astro add node`, or the adapter of your host: without one Astro builds static files, which are served by somebody else, and have to be closed there',
              lines: [`output: 'server',`],
            },
          ],
    notes: (project) => [
      rendersOnDemand(project) &&
        !/output\s*:\s*['"]server['"]/.test(textOf(project, 'astro.config')) &&
        'only pages that are rendered on demand are closed (`output: "server"`, or `prerender = false`)',
    ],
  },
  {
    name: 'React Router',
    adapter: 'react-router',
    packages: ['@react-router/dev'],
    supported: '^7.9',
    port: ({ manifest }) => (/\breact-router dev\b/.test(manifest.scripts?.dev ?? '') ? 5173 : 3000),
    bundled: true,
    files: () => ['app/root.'],
    imports: 'maintenanceMode',
    lines: () => ['export const middleware = [maintenanceMode(config)]'],
    where: 'below the imports; what is in `middleware` already comes after it',
    besides: (project, major = 7) =>
      major > 7 || /v8_middleware\s*:\s*true/.test(textOf(project, 'react-router.config'))
        ? []
        : [
            {
              file: firstOf(project, 'react-router.config') ?? 'react-router.config.ts',
              where: 'into the object that is exported, as middleware is off without it',
              lines: ['future: { v8_middleware: true },'],
            },
          ],
    notes: (project) => [
      /ssr\s*:\s*false/.test(textOf(project, 'react-router.config')) &&
        'react-router.config has `ssr: false`: static files are served by somebody else, and have to be closed there',
      'files, and paths that no route matches, ask no middleware: have a route `*`',
      'who is on the site when it closes comes to your ErrorBoundary: let that load the page anew',
    ],
  },
  {
    name: 'Nitro',
    adapter: 'h3',
    page: 'nitro',
    packages: ['nitro', 'nitropack'],
    supported: '^3',
    bundled: true,
    files: (project) => [`${serverFolder(project) ?? 'server'}/middleware/0.maintenance-mode.`],
    creates: true,
    imports: 'maintenanceMode',
    lines: () => ['export default maintenanceMode(config)'],
    besides: (project) =>
      serverFolder(project) === undefined
        ? [
            {
              file: firstOf(project, 'nitro.config') ?? 'nitro.config.ts',
              where: 'into what is given to defineConfig, as no folder is looked at without it',
              lines: [`serverDir: './server',`],
            },
          ]
        : [],
  },
]

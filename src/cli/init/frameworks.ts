import type { Project } from './project.js'

/** Where the lines go, as far as it is known. */
export interface Place {
  /** What the app is called there. */
  app: string
  path: string
  /** Whether the file is there already; else it is written as a whole. */
  exists: boolean
}

/**
 * All that `init` knows of a framework. `config` is what the config file exports; how that and the adapter are imported
 * is added above the lines.
 */
export interface Framework {
  readonly name: string
  /** Imported from `maintenance-mode/<adapter>`, and told of in docs/adapters/<adapter>.md. */
  readonly adapter: string
  /** The dependency that tells. */
  readonly packages: readonly string[]
  readonly supported: string
  /** Where it listens, unless told otherwise. */
  readonly port: number
  /** It bundles what it is made of: imports need no ending, and all of them are ES modules. */
  readonly bundled?: true
  /** The files that may take the lines, the likeliest first. What ends in a dot has the ending of the language. */
  files(project: Project, major: number | undefined): readonly string[]
  /** The first of them is written where there is none. */
  readonly creates?: true
  /** The statement below which the lines go, the surest first; the group is what the app is called. */
  readonly anchors?: readonly RegExp[]
  readonly imports?: string
  lines(place: Place): readonly string[]
  readonly where?: string
  /** Lines for other files. */
  besides?(
    project: Project,
    major: number | undefined,
  ): readonly { file: string; where: string; lines: readonly string[] }[]
  /** Says so where pages are made when it is built, since nobody is asked when they are fetched. */
  note?(project: Project): string | undefined
}

const servers = ['app', 'server', 'index', 'main'].flatMap((name) => [`src/${name}.`, `${name}.`, `server/${name}.`])

/** `const app = …`, with a type or without. */
const assigned = (made: string): RegExp => new RegExp(String.raw`(\w+)\s*(?::[^=\n]+)?=\s*(?:await\s+)?${made}`)

const used = ({ app }: Place): readonly string[] => [`${app}.use(maintenanceMode(config))`]

const depends = ({ manifest }: Project, name: RegExp): boolean =>
  Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).some((dependency) => name.test(dependency))

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

/** The most specific first: who uses Next.js may use Express too, but not the other way round. */
export const frameworks: readonly Framework[] = [
  {
    name: 'Next.js',
    adapter: 'next',
    packages: ['next'],
    supported: '^15.5 || ^16',
    port: 3000,
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
      // At the edge, where middleware runs unless told otherwise, there is no disk. A proxy is not to be told.
      const runtime = name === 'proxy' ? '' : `, runtime: 'nodejs'`
      return [
        `export const ${name} = maintenanceMode(maintenanceConfig)`,
        '',
        `export const config = { matcher: '/((?!_next/static/).*)'${runtime} }`,
      ]
    },
    where: 'in front of yours, as there can be only one (`chain` comes from the same import)',
    note: (project) =>
      /output\s*:\s*['"]export['"]/.test(textOf(project, 'next.config'))
        ? 'next.config has `output: "export"`: static files are served by somebody else, and have to be closed there'
        : undefined,
  },
  {
    name: 'Nuxt',
    adapter: 'nuxt',
    packages: ['nuxt'],
    supported: '^4',
    port: 3000,
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
    port: 5173,
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
    note: (project) =>
      depends(project, /^@sveltejs\/adapter-static$/)
        ? 'the static adapter is used: static files are served by somebody else, and have to be closed there'
        : undefined,
  },
  {
    name: 'Astro',
    adapter: 'astro',
    packages: ['astro'],
    supported: '^6',
    port: 4321,
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
    note: (project) =>
      depends(project, /^@astrojs\/(node|vercel|netlify|cloudflare)$/)
        ? 'only pages that are rendered on demand are closed (`output: "server"`, or `prerender = false`)'
        : 'without an adapter (`npx astro add node`) Astro builds static files, which are served by somebody else, and have to be closed there',
  },
  {
    name: 'React Router',
    adapter: 'react-router',
    packages: ['@react-router/dev'],
    supported: '^7.9',
    port: 5173,
    bundled: true,
    files: () => ['app/root.'],
    imports: 'maintenanceMode',
    lines: () => ['export const middleware = [maintenanceMode(config)]'],
    where: 'the last one below the imports; what is in `middleware` already comes after it',
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
    note: (project) =>
      /ssr\s*:\s*false/.test(textOf(project, 'react-router.config'))
        ? 'react-router.config.ts has `ssr: false`: static files are served by somebody else, and have to be closed there'
        : undefined,
  },
  {
    name: 'NestJS',
    adapter: 'nestjs',
    packages: ['@nestjs/core'],
    supported: '^11 || ^12',
    port: 3000,
    files: () => ['src/app.module.', 'apps/api/src/app.module.'],
    imports: 'MaintenanceModeModule',
    lines: () => ['imports: [MaintenanceModeModule.forRoot(config)],'],
    where: 'the last one within @Module: first among its `imports`',
  },
  {
    name: 'Nitro',
    adapter: 'h3',
    packages: ['nitro', 'nitropack'],
    supported: '^3',
    port: 3000,
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
  {
    name: 'h3',
    adapter: 'h3',
    packages: ['h3'],
    supported: '^2',
    port: 3000,
    files: () => servers,
    anchors: [assigned(String.raw`new H3\(`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Hono',
    adapter: 'hono',
    packages: ['hono'],
    supported: '^4',
    port: 3000,
    files: () => servers,
    anchors: [assigned(String.raw`new (?:OpenAPI)?Hono\b`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Fastify',
    adapter: 'fastify',
    packages: ['fastify'],
    supported: '^5',
    port: 3000,
    files: () => servers,
    anchors: [
      assigned(String.raw`(?:require\(['"]fastify['"]\)|[Ff]astify)\(`),
      // A plugin that fastify-cli runs.
      /(?:export default|module\.exports =|FastifyPlugin\w+(?:<[^>]*>)? =)\s*async\s*(?:function\s*\w*\s*)?\(\s*(\w+)[^{]*\{/,
    ],
    imports: 'maintenanceMode',
    lines: ({ app }) => [`${app}.register(maintenanceMode, config)`],
  },
  {
    name: 'Koa',
    adapter: 'koa',
    packages: ['koa'],
    supported: '^3',
    port: 3000,
    files: () => servers,
    anchors: [assigned(String.raw`new (?:Koa|Application)\b`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Express',
    adapter: 'express',
    packages: ['express'],
    supported: '^4.17 || ^5',
    port: 3000,
    files: () => servers,
    anchors: [assigned(String.raw`express(?:\.default)?\(`)],
    imports: 'maintenanceMode',
    lines: used,
  },
]

/** Where none of them is. */
export const bare: Record<'node' | 'fetch', Framework> = {
  node: {
    name: 'node:http',
    adapter: 'node',
    packages: [],
    supported: '*',
    port: 3000,
    files: () => servers,
    anchors: [/\bcreateServer\(/],
    imports: 'withMaintenanceMode',
    lines: () => ['createServer(withMaintenanceMode(config, yours))'],
    where: 'around what answers your requests',
    note: (project) =>
      depends(project, /^vite$/)
        ? 'Vite builds static files, which are served by somebody else: maintenance mode goes to where that is'
        : undefined,
  },
  fetch: {
    name: 'a fetch handler',
    adapter: 'fetch',
    packages: [],
    supported: '*',
    port: 3000,
    files: () => servers,
    anchors: [/\b(?:Bun\.serve|Deno\.serve|export default \{)/],
    imports: 'withMaintenanceMode',
    lines: () => ['export default { fetch: withMaintenanceMode(config, yours) }'],
    where: 'around what answers your requests',
  },
}

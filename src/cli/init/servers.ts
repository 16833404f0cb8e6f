import { depends, type Framework, type Place } from './framework.js'

const usual = ['app', 'server', 'index', 'main'].flatMap((name) => [`src/${name}.`, `${name}.`, `server/${name}.`])

/** `const app = …`, with a type or without. */
const assigned = (made: string): RegExp => new RegExp(String.raw`(\w+)\s*(?::[^=\n]+)?=\s*(?:await\s+)?${made}`)

const used = ({ app }: Place): readonly string[] => [`${app}.use(maintenanceMode(config))`]

/** The most specific first: who uses NestJS may use Express too, but not the other way round. */
export const servers: readonly Framework[] = [
  {
    name: 'NestJS',
    adapter: 'nestjs',
    packages: ['@nestjs/core'],
    supported: '^11 || ^12',
    files: () => ['src/app.module.', 'apps/api/src/app.module.'],
    imports: 'MaintenanceModeModule',
    lines: () => ['imports: [MaintenanceModeModule.forRoot(config)],'],
    where: 'the last line within @Module, first among its `imports`, the others at the top',
  },
  {
    name: 'h3',
    adapter: 'h3',
    packages: ['h3'],
    supported: '^2',
    files: () => usual,
    anchors: [assigned(String.raw`new H3\(`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Hono',
    adapter: 'hono',
    packages: ['hono'],
    supported: '^4',
    files: () => usual,
    anchors: [assigned(String.raw`new (?:OpenAPI)?Hono\b`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Fastify',
    adapter: 'fastify',
    packages: ['fastify'],
    supported: '^5',
    files: () => usual,
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
    files: () => usual,
    anchors: [assigned(String.raw`new (?:Koa|Application)\b`)],
    imports: 'maintenanceMode',
    lines: used,
  },
  {
    name: 'Express',
    adapter: 'express',
    packages: ['express'],
    supported: '^4.16 || ^5',
    files: () => usual,
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
    files: () => usual,
    anchors: [/\bcreateServer\(/],
    imports: 'withMaintenanceMode',
    lines: () => ['createServer(withMaintenanceMode(config, yours))'],
    where: 'around what answers your requests',
    notes: (project) => [
      depends(project, /^vite$/) &&
        'Vite builds static files, which are served by somebody else: maintenance mode goes to where that is',
    ],
  },
  fetch: {
    name: 'a fetch handler',
    adapter: 'fetch',
    packages: [],
    supported: '*',
    files: () => usual,
    anchors: [/\b(?:Bun\.serve|Deno\.serve|export default \{)/],
    imports: 'withMaintenanceMode',
    lines: () => ['export default { fetch: withMaintenanceMode(config, yours) }'],
    where: 'around what answers your requests',
  },
}

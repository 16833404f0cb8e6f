/** Where an app may run, by the files that tell. */
export interface Platform {
  readonly name: string
  readonly files: readonly string[]
  /** Where a server listens while it is developed, if the framework does not say. */
  readonly port?: number
  /** Why one state file would not do there, and a state backend that does. */
  readonly unshared?: { readonly why: string; readonly instead: string }
}

const upstash = 'upstash://…'
const redis = 'redis://…'

/** The most telling first. */
export const platforms: readonly Platform[] = [
  {
    name: 'Vercel',
    files: ['vercel.json', '.vercel'],
    unshared: { why: 'functions on Vercel share no disk', instead: upstash },
  },
  {
    name: 'Netlify',
    files: ['netlify.toml', '.netlify'],
    unshared: { why: 'functions on Netlify share no disk', instead: upstash },
  },
  {
    name: 'Cloudflare',
    files: ['wrangler.toml', 'wrangler.json', 'wrangler.jsonc'],
    port: 8787,
    unshared: { why: 'a Worker has no disk', instead: upstash },
  },
  {
    name: 'Heroku',
    files: ['Procfile'],
    unshared: { why: 'every dyno has a disk of its own, and loses it', instead: redis },
  },
  {
    name: 'Fly.io',
    files: ['fly.toml'],
    unshared: { why: 'every machine has a disk of its own', instead: redis },
  },
  {
    name: 'containers',
    files: ['Dockerfile', 'Containerfile', 'compose.yaml', 'compose.yml', 'docker-compose.yml', 'k8s', 'helm'],
    unshared: { why: 'every container has a disk of its own, and loses it', instead: redis },
  },
  {
    name: 'Deno',
    files: ['deno.json', 'deno.jsonc', 'deno.lock'],
    port: 8000,
    unshared: { why: 'on Deno Deploy there is no disk', instead: upstash },
  },
  { name: 'Bun', files: ['bun.lock', 'bun.lockb', 'bunfig.toml'] },
]

import type { CommandDefinition } from './commands.js'

/** What is done with tokens. */
export const tokenCommands: Readonly<Record<string, CommandDefinition>> = {
  'token create': {
    doc: 'make a token for --via and the control URLs: its secret alone is printed on the standard output, once',
    options: [
      { name: 'for', value: 'duration', doc: 'how long it opens them: 12h, 30d (default: until it is revoked)' },
    ],
    operands: { least: 0, most: 1, usage: '[name]', name: 'name' },
    load: async () => (await import('./token.js')).create,
  },
  'token list': {
    doc: 'list the tokens, without their secrets, which nobody keeps',
    options: [],
    load: async () => (await import('./token.js')).list,
  },
  'token revoke': {
    doc: 'take a token away: it opens nothing any more',
    options: [],
    operands: { least: 1, most: 1, usage: '<name or id>', name: 'name' },
    load: async () => (await import('./token.js')).revoke,
  },
}

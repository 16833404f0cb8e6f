import { platform } from '#platform'
import { isPromise } from '../callback.js'
import { messageOf, SettingError } from '../errors.js'
import type { Settings } from '../settings/options.js'

/** Renders an operator's own page. */
export type TemplateRenderer = (context: Readonly<Record<string, unknown>>) => string | Promise<string>

// A template must not be able to hold up the event loop or fill the memory: milliseconds, and liquidjs' own units.
const bounds = { renderLimit: 200, memoryLimit: 10_000_000, parseLimit: 1_000_000 }

/**
 * Reads and compiles the template at the start, so that a typing error is found before anybody is refused with it.
 *
 * @throws SettingError for a file that cannot be read, or Liquid that cannot be understood.
 */
export function compileTemplate(template: Settings['template']): TemplateRenderer | undefined {
  if (template === undefined) return undefined
  if (typeof template === 'function') {
    return (context) => {
      const page = template(context)
      return isPromise(page) ? page.then(checked) : checked(page)
    }
  }
  const { source, folder } = /[<{\n]/.test(template) ? { source: template, folder: undefined } : readTemplate(template)
  const compile = ({ Liquid }: typeof import('liquidjs')): TemplateRenderer => {
    const engine = new Liquid({
      ...bounds,
      outputEscape: 'escape',
      extname: '.html',
      ...(folder === undefined ? { templates: {} } : { root: folder }),
    })
    try {
      const parsed = engine.parse(source)
      return (context) => engine.render(parsed, context) as Promise<string>
    } catch (error) {
      const message = `The option \`template\` cannot be understood: ${messageOf(error)}`
      throw new SettingError('template', message, { cause: error })
    }
  }
  const liquid = platform.liquid()
  if (!isPromise(liquid)) return compile(liquid)
  const renderer = liquid.then(compile)
  renderer.catch(() => {})
  return async (context) => (await renderer)(context)
}

function checked(page: unknown): string {
  if (typeof page === 'string') return page
  throw new TypeError(`it must return the text of the page, not ${page === null ? 'null' : typeof page}`)
}

function readTemplate(template: string): { source: string; folder: string } {
  const path = platform.resolvePath(template)
  try {
    return { source: platform.readText(path), folder: path.replace(/[^\\/]+$/, '') }
  } catch (error) {
    const message = `The option \`template\` is "${template}", and ${path} cannot be read: ${messageOf(error)}. Write the path of a file, the text of a template, or a function.`
    throw new SettingError('template', message, { cause: error })
  }
}

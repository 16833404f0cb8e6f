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
  /** Imported from `maintenance-mode/<adapter>`, and told of in docs/adapters/<adapter>.md, unless `page` says otherwise. */
  readonly adapter: string
  /** The dependency that tells. */
  readonly packages: readonly string[]
  readonly supported: string
  /** If it is not that of the adapter: the page below docs/adapters that tells more. */
  readonly page?: string
  /** Where it listens while it is developed, unless told otherwise. Default: 3000. */
  port?(project: Project): number
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
  /** What stays open, or is to be done besides: where pages are made when it is built, nobody is asked when they are fetched. */
  notes?(project: Project): readonly (string | false)[]
}

/** Whether one of the dependencies is called so. */
export const depends = ({ manifest }: Project, name: RegExp): boolean =>
  Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).some((dependency) => name.test(dependency))

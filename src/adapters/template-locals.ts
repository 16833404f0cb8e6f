import type { Engine } from '../engine.js'
import type { Announcement } from '../state/announcement.js'

/** What templates, pages and handlers find where their framework keeps such values. */
export interface MaintenanceLocals {
  /** True in every mode but `off`. */
  maintenance_mode: boolean
  /** Whether this request was let through although the mode is not `off`. */
  maintenance_mode_bypassed: boolean
  /** What is announced, or goes on, for a banner: where there is such a window. */
  maintenance_announcement?: Announcement | undefined
}

/** Tells templates whether there is maintenance, and that this request was let through in spite of it. */
export function tellTemplates({ announcement }: Engine, given: object, closed: boolean): void {
  const locals = given as Partial<MaintenanceLocals>
  if (announcement) locals.maintenance_announcement = announcement
  // Another maintenance object of the app may have told them already.
  if (!closed && locals.maintenance_mode !== undefined) return
  locals.maintenance_mode = closed
  locals.maintenance_mode_bypassed = closed
}

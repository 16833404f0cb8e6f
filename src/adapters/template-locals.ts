/** What templates, pages and handlers find where their framework keeps such values. */
export interface MaintenanceLocals {
  /** True in every mode but `off`. */
  maintenance_mode: boolean
  /** Whether this request was let through although the mode is not `off`. */
  maintenance_mode_bypassed: boolean
}

/** Tells templates whether there is maintenance, and that this request was let through in spite of it. */
export function tellTemplates(given: object, closed: boolean): void {
  const locals = given as Partial<MaintenanceLocals>
  // Another maintenance object of the app may have told them already.
  if (!closed && locals.maintenance_mode !== undefined) return
  locals.maintenance_mode = closed
  locals.maintenance_mode_bypassed = closed
}

import type { Announcement } from '../state/announcement.js'

/** What handlers of h3, Nitro and Nuxt find in `event.context`. */
export interface MaintenanceContext {
  /** True in every mode but `off`. */
  maintenance_mode?: boolean
  /** Whether this request was let through although the mode is not `off`. */
  maintenance_mode_bypassed?: boolean
  /** What is announced, or goes on, for a banner: where there is such a window. */
  maintenance_announcement?: Announcement
  /** Who is signed in, for the rules about users: an object with `id`, `isStaff` and `isSuperuser`, or `null`. */
  user?: unknown
}

declare module 'h3' {
  interface H3EventContext extends MaintenanceContext {}
}

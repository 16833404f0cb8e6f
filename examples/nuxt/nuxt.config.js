export default defineNuxtConfig({
  modules: ['maintenance-mode/nuxt'],
  routeRules: { '/hook': { forceMaintenanceMode: 'off' } },
})

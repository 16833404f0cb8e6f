// The layer rules of ARCHITECTURE.md.
const folder = (names) => `^src/(${names})/`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Types may point both ways; code may not.',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'], viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-runs-anywhere',
      severity: 'error',
      comment: 'These run on every runtime: nothing of Node.',
      from: { path: folder('state|request|decision|reply|snapshot|fleet|admin') },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-knows-no-outside',
      severity: 'error',
      comment: 'What is decided depends on no backend and no framework.',
      from: { path: folder('state|request|decision|reply') },
      to: { path: folder('backends|adapters|admin|cli|snapshot|fleet') },
    },
    {
      name: 'state-is-arithmetic',
      severity: 'error',
      comment: 'The state is data and arithmetic: it knows nothing of requests.',
      from: { path: folder('state') },
      to: { path: folder('request|decision|reply|settings|telemetry') },
    },
    {
      name: 'backends-know-the-state-only',
      severity: 'error',
      from: { path: folder('backends') },
      to: { path: '^src/(?!backends/|state/|platform/)[^/]+/' },
    },
    {
      name: 'inward-only',
      severity: 'error',
      comment: 'Adapters, control URLs and the command line depend on the core, never the other way round.',
      from: { path: '^src/(?!adapters/|admin/|cli/|testing/)' },
      to: { path: folder('adapters|admin|cli|testing') },
    },
    {
      name: 'cli-loads-no-rules',
      severity: 'error',
      comment: 'The command line starts quickly: it decides no request.',
      from: { path: folder('cli') },
      to: { path: '^src/(decision|reply|request|adapters|admin)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      // What is said of settings is read by the script that makes their page.
      from: { orphan: true, pathNot: ['\\.d\\.ts$', 'settings/reference'] },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default'] },
  },
}

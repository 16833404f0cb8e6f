// Made from package.json by scripts/generate-settings.mjs: where there are no files, no package.json can be read.
export const version = '0.1.0'

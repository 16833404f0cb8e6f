export { type BackendSuiteOptions, type BackendUnderTest, backendSuite, type SuiteRunner } from './backend-suite.js'
export { createTestClock, type TestClock } from './test-clock.js'

export { type BackendSuiteOptions, type BackendUnderTest, backendSuite, type SuiteRunner } from './backend-suite.js'
export { type Fault, type FaultStep, type FaultyBackend, type FaultyPart, faultyBackend } from './faults.js'
export { createTestClock, type TestClock } from './test-clock.js'

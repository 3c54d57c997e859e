import { basename } from 'node:path'
import type { RunnerTask, RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest'
import { TestRunner } from 'vitest'
import { denied } from './denied.ts'

/** Runs tests as they are, but for those that are denied to an ordinary user: those have to fail, and every entry has to mean one. */
export default class RootlessRunner extends TestRunner {
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    if ('filepath' in suite) {
      const names = testsOf(suite.tasks).map(nameOf)
      const stale = Object.keys(deniedIn(suite.file)).filter((entry) => !names.some((name) => matches(entry, name)))
      if (stale.length > 0) throw new Error(`test/rootless/denied.ts names what is not in ${suite.name}: ${stale.join(', ')}`)
    }
    await super.onBeforeRunSuite(suite)
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    const name = nameOf(test)
    if (Object.keys(deniedIn(test.file)).some((entry) => matches(entry, name))) test.fails = true
    await super.onBeforeRunTask(test)
  }
}

function deniedIn({ filepath }: RunnerTestFile): Readonly<Record<string, string>> {
  return denied[basename(filepath)] ?? {}
}

function testsOf(tasks: readonly RunnerTask[]): RunnerTask[] {
  return tasks.flatMap((task) => (task.type === 'suite' ? testsOf(task.tasks) : [task]))
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name)
}

/** The names of the suites and of the test, without that of the file. */
function nameOf(task: RunnerTask): string {
  return task.suite === undefined ? task.name : `${nameOf(task.suite)} > ${task.name}`
}

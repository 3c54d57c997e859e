import { basename } from 'node:path'
import type { File, Task, Test } from 'vitest'
import { TestRunner } from 'vitest'
import { denied } from './denied.ts'

/** Runs tests as they are, but for those that are denied to an ordinary user: those have to fail. */
export default class RootlessRunner extends TestRunner {
  readonly #met = new Set<string>()

  override async onBeforeRunTask(test: Test): Promise<void> {
    const name = nameOf(test)
    if (deniedIn(test.file)[name] !== undefined) {
      this.#met.add(name)
      test.fails = true
    }
    await super.onBeforeRunTask(test)
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles()
  }
}

function deniedIn(file: File): Readonly<Record<string, string>> {
  return denied[basename(file.filepath)] ?? {}
}

function nameOf(task: Task): string {
  return task.suite === undefined ? task.name : `${nameOf(task.suite)} > ${task.name}`
}

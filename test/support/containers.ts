import type { Container, CreateContainerOptions } from 'libpod-ts'
import { image, type TestEngine } from './engine.ts'

/** A container of the test image without a network, created and started. */
export async function started(
  engine: TestEngine,
  command: readonly string[],
  options: Omit<CreateContainerOptions, 'image' | 'command'> = {},
): Promise<Container> {
  const container = await created(engine, command, options)
  await container.start()
  return container
}

/** The same, not started. */
export function created(
  engine: TestEngine,
  command: readonly string[],
  options: Omit<CreateContainerOptions, 'image' | 'command'> = {},
): Promise<Container> {
  return engine.runtime.containers.create({ image, command, network: 'none', ...options })
}

/** A shell script as a command. */
export function sh(script: string): readonly string[] {
  return ['sh', '-c', script]
}

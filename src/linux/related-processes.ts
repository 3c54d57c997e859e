import { readdir } from 'node:fs/promises'
import { type NamespaceKind, namespaceId, readProcessStat } from './proc.ts'

/** All processes in the same namespace as this one. It is a walk through all of /proc: a cgroup tells it at once, where there is one. */
export async function processesInNamespace(pid: number, kind: NamespaceKind): Promise<number[]> {
  const id = namespaceId(pid, kind)
  if (id === undefined) return []
  return (await allPids()).filter((other) => namespaceId(other, kind) === id)
}

/** A process and those that descend from it; of orphans, those that it has inherited. */
export async function processTree(pid: number): Promise<number[]> {
  const parents = new Map<number, number>()
  await Promise.all(
    (await allPids()).map(async (other) => {
      const stat = await readProcessStat(other)
      if (stat !== undefined) parents.set(other, stat.ppid)
    }),
  )
  const descends = (other: number | undefined): boolean => other !== undefined && (other === pid || descends(parents.get(other)))
  return [...parents.keys()].filter(descends)
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
}

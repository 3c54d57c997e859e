import { readFileInside } from '../../linux/fs/contained-path.ts'
export async function readMergedFile(
  layers: readonly string[],
  path: string,
  { maxBytes }: { readonly maxBytes: number },
): Promise<Buffer | undefined> {
  for (const layer of layers) {
    const found = readFileInside(layer, path, maxBytes)
    if (found) return found
  }
  return undefined
}

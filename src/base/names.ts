import { crypto } from './crypto.ts'
import { LibpodError } from './errors.ts'

const shape = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const longest = 255

/** Whether a text can be the name of an object. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && shape.test(name) && name.length <= longest
}

/** Checks an object's name by libpod's rule: a letter or digit, then letters, digits, `_`, `.` and `-`. */
export function checkName(name: string, path = 'name'): string {
  if (isName(name)) return name
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(name)} is not a valid name.`,
    { path, value: name },
    {
      hint: 'Names start with a letter or digit, go on with letters, digits, "_", "." and "-", and have at most 255 characters.',
    },
  )
}

const left =
  'amber brave calm clever cosy eager fair fond gentle happy jolly keen kind lively lucid mellow nimble noble proud quiet quick ready rosy shiny silent sunny swift tidy warm wise witty zesty'.split(
    ' ',
  )
const right =
  'badger beaver bison crane dolphin eagle falcon ferret finch gecko heron ibis jackal koala lemur lynx marten moose narwhal otter owl panda puffin quail raven robin seal shrew stork tapir walrus wombat'.split(
    ' ',
  )

/** A readable name for an object whose maker gave none. */
export function randomName(): string {
  return `${left[crypto().randomInt(left.length)]}_${right[crypto().randomInt(right.length)]}_${crypto().randomInt(0x10000).toString(16).padStart(4, '0')}`
}

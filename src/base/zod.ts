/**
 * What this package uses of zod, by name: so the build takes in no more than that, and loading it takes some 15 ms. All of zod, which is a
 * hundred files, takes 100.
 */
export {
  array,
  boolean,
  custom,
  date,
  discriminatedUnion,
  enum,
  instanceof,
  int,
  literal,
  looseObject,
  number,
  object,
  record,
  strictObject,
  string,
  templateLiteral,
  union,
} from 'zod'

/** One key of configuration.toml: its type, default, bounds and description. */

export type KeyKind = 'string' | 'boolean' | 'integer' | 'strings';
export type ValueOf<K extends KeyKind> = K extends 'string'
  ? string
  : K extends 'boolean'
    ? boolean
    : K extends 'integer'
      ? number
      : readonly string[];

export interface Key<K extends KeyKind = KeyKind> {
  readonly kind: K;
  readonly default: ValueOf<K>;
  readonly description: string;
  /** The value names a file that must exist when it is not empty. */
  readonly mustExist?: boolean;
  /** Paths that are tried in order when the value is empty. */
  readonly places?: readonly string[];
  readonly oneOf?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** A special value outside of these bounds. */
  readonly special?: number;
  /** For text: what the value must match, and the message about another value. */
  readonly format?: { readonly pattern: RegExp; readonly text: string };
  /** Unit of the number, as messages name it. */
  readonly unit?: 'MiB' | 'bytes';
  /** Why a key of 1.x is accepted without effect. */
  readonly withoutEffect?: string;
}

type Extra = Omit<Key, 'kind' | 'default' | 'description' | 'withoutEffect'>;
export const text = (value: string, description: string, extra: Extra = {}): Key<'string'> => ({
  kind: 'string',
  default: value,
  description,
  ...extra,
});
export const flag = (value: boolean, description: string): Key<'boolean'> => ({ kind: 'boolean', default: value, description });
export const count = (value: number, description: string, extra: Extra = {}): Key<'integer'> => ({
  kind: 'integer',
  default: value,
  description,
  minimum: 0,
  ...extra,
});
export const list = (value: readonly string[], description: string): Key<'strings'> => ({ kind: 'strings', default: value, description });

/** A key of 1.x without effect. Any value but its default causes a warning. */
export function idle(value: boolean, withoutEffect: string): Key<'boolean'>;
export function idle(value: string, withoutEffect: string): Key<'string'>;
export function idle(value: number, withoutEffect: string): Key<'integer'>;
export function idle(value: readonly string[], withoutEffect: string): Key<'strings'>;
export function idle(value: Key['default'], withoutEffect: string): Key {
  const kinds = { boolean: 'boolean', string: 'string', number: 'integer', object: 'strings' } as const;
  return { kind: kinds[typeof value as keyof typeof kinds], default: value, description: 'Has no effect.', withoutEffect };
}

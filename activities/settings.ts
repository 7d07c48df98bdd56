/** Every field that has a value, by its path, such as `solver.steps`; a list is one value. */
export function flatten(value: object, prefix = ''): Map<string, unknown> {
  return new Map(
    Object.entries(value).flatMap(([name, entry]): [string, unknown][] =>
      Array.isArray(entry)
        ? [[`${prefix}${name}`, listText(entry)]]
        : typeof entry === 'object' && entry !== null
          ? [...flatten(entry as object, `${prefix}${name}.`)]
          : entry === undefined
            ? []
            : [[`${prefix}${name}`, entry]],
    ),
  );
}

/** A list as text, its entries' fields in one order: a database gives them back in another. */
export function listText(list: readonly unknown[]): string {
  return JSON.stringify(list, (_, value: unknown) =>
    isSection(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

type Fields = Readonly<Record<string, unknown>>;

const isSection = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Settings with others laid over them: sections are merged field by field, anything else is replaced. Neither is changed. */
export function mergeSettings(base: Fields, change: Fields): Record<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries(base));
  for (const [name, value] of Object.entries(change)) {
    const before = fields.get(name);
    fields.set(name, isSection(before) && isSection(value) ? mergeSettings(before, value) : value);
  }
  return Object.fromEntries(fields);
}

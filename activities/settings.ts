/** Every field that has a value, by its path, such as `solver.steps`; a list is one value. */
export function flatten(value: object, prefix = ''): Map<string, unknown> {
  return new Map(
    Object.entries(value).flatMap(([name, entry]): [string, unknown][] =>
      Array.isArray(entry)
        ? [[`${prefix}${name}`, JSON.stringify(entry)]]
        : typeof entry === 'object' && entry !== null
          ? [...flatten(entry as object, `${prefix}${name}.`)]
          : entry === undefined
            ? []
            : [[`${prefix}${name}`, entry]],
    ),
  );
}

/** The file `copyright` of a package (Debian Policy 12.5). Pure. */
import type { PackageFacts } from './control.ts';

/** Licences that every Debian has in full: a copy in a package is an error of lintian. */
const common: readonly [text: RegExp, name: string][] = [
  [/Apache License\s+Version 2\.0/, 'Apache-2.0'],
  [/GNU LIBRARY GENERAL PUBLIC LICENSE\s+Version 2/, 'LGPL-2'],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1/, 'LGPL-2.1'],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/, 'LGPL-3'],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 2/, 'GPL-2'],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 3/, 'GPL-3'],
  [/Creative Commons Legal Code\s+CC0 1\.0/, 'CC0-1.0'],
];

export function copyright({ name, licence }: Pick<PackageFacts, 'name' | 'licence'>, texts: readonly string[]): string {
  const references = new Set<string>();
  const own: string[] = [];
  for (const text of texts) {
    const found = common.find(([pattern]) => pattern.test(text.slice(0, 400)));
    if (found && text.length > 5000) references.add(`/usr/share/common-licenses/${found[1]}`);
    else own.push(text.trim());
  }
  const places = references.size > 0 ? [...references].sort() : ['/usr/share/common-licenses/Apache-2.0'];
  const head = `${name} is part of Kata Containers, https://katacontainers.io.\n\nCopyright (C) 2026 the authors of Kata Containers and of the programs in the package\nLicence (SPDX): ${licence}\n`;
  return [
    head,
    `On Debian systems, the texts of licences are in:\n${places.map((place) => `  ${place}`).join('\n')}\n`,
    ...own.map((text) => `${text}\n`),
  ].join('\n');
}

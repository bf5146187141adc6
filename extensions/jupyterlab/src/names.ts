/** Names of labs, as the site has them: how a title becomes one, and what one may be. Pure. */

const NAME = /^([a-z0-9][a-z0-9-]{0,62}[a-z0-9]|[a-z0-9])$/;

/** Return a valid lab name made from a title: `Élan vital!` becomes `elan-vital`. */
export function nameFromTitle(title: string): string {
  return (
    title
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60)
      .replace(/-+$/, '') || 'lab'
  );
}

export function isName(name: string): boolean {
  return NAME.test(name);
}

/** Return the words of a comma-separated line, each once. */
export function tagsOf(line: string): string[] {
  const words = line
    .split(',')
    .map(word => word.trim().toLowerCase())
    .filter(word => word);
  return [...new Set(words)];
}

/** Return a size as people read it: `3.4 MiB`. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let power = 0;
  while (bytes >= 1024 && power < units.length - 1) {
    bytes /= 1024;
    power += 1;
  }
  const digits = power && bytes < 100 ? 1 : 0;
  return `${bytes.toFixed(digits)} ${units[power]}`;
}

/** What the standing of files to their lab means: a line for the status bar, and what is due. Pure. */
import { IStanding } from './api';
import { Strings } from './strings';

/** Return `owner/lab · r3 · 2 changed`. */
export function summary(standing: IStanding, text: Strings): string {
  const parts = [standing.lab, `r${standing.revision}`];
  const count = differing(standing);
  if (count) {
    parts.push(text.status.changed(count));
  }
  return parts.join(' · ');
}

/** Return what is newer than the files here, as a sentence; empty: nothing is. */
export function newer(standing: IStanding, text: Strings): string {
  if (isStale(standing)) {
    return text.status.newer(standing.newest ?? 0);
  }
  if (standing.original && isBehind(standing)) {
    return text.status.originalNewer(standing.original.newest);
  }
  return '';
}

export function differing(standing: IStanding): number {
  const { changed, added, deleted } = standing;
  return changed.length + added.length + deleted.length;
}

/** Whether the lab itself has a newer revision, published elsewhere. */
export function isStale(standing: IStanding): boolean {
  return standing.newest !== null && standing.newest > standing.revision;
}

/** Whether the original has a revision that is not merged in here. */
export function isBehind(standing: IStanding): boolean {
  const { original } = standing;
  return original !== null && original.newest > original.revision;
}

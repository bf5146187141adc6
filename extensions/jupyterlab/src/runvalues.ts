/** The values of a run's parameters as their fields have them. Pure. */
import { IRunParameter } from './runform';

/** Return the default as a person types it; empty where there is none to type. */
export function typed(one: IRunParameter): string {
  const { default: value } = one;
  if (value === null || value === undefined) {
    return one.choices.length > 0 ? 'None' : '';
  }
  if (['list', 'mapping', 'any'].includes(one.kind)) {
    return one.source;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Return what a person chooses from; empty: they type. */
export function choicesOf(one: IRunParameter): string[] {
  const named = one.choices.map(choice => String(choice));
  const choices =
    named.length === 0 && one.kind === 'flag' ? ['true', 'false'] : named;
  return choices.length > 0 && one.may_be_none ? ['None', ...choices] : choices;
}

/** Return the values that differ from the defaults: only those are ordered. */
export function changed(
  parameters: IRunParameter[],
  values: { [name: string]: string }
): { [name: string]: string } {
  const found: { [name: string]: string } = {};
  for (const one of parameters) {
    const value = values[one.name];
    if (value !== undefined && value !== typed(one)) {
      found[one.name] = value;
    }
  }
  return found;
}

/** A labelled field and a choice of a few, as our dialogs show them. */
import React, { useLayoutEffect, useRef } from 'react';

export function Field(props: {
  label: string;
  hint?: string;
  children: React.ReactElement;
}): React.ReactElement {
  return (
    <label className="jp-MachineLabs-field">
      <span>{props.label}</span>
      {props.children}
      {props.hint && <small>{props.hint}</small>}
    </label>
  );
}

/** A line of text that is proposed until a person writes another. */
export function Proposed(
  props: React.InputHTMLAttributes<HTMLInputElement> & { isProposed: boolean }
): React.ReactElement {
  const { isProposed, ...rest } = props;
  const input = useRef<HTMLInputElement>(null);
  // Whoever is in the field when a proposal comes, also anew because they emptied the field, types
  // over it, not behind it: it is selected before the browser takes another key.
  useLayoutEffect(() => {
    if (isProposed && input.current === document.activeElement) {
      input.current?.select();
    }
  });
  return <input className="jp-mod-styled" ref={input} {...rest} />;
}

export function Choice(props: {
  name: string;
  legend: string;
  value: string;
  options: [string, string, string][];
  onChange: (value: string) => void;
}): React.ReactElement {
  return (
    <fieldset className="jp-MachineLabs-choice">
      <legend>{props.legend}</legend>
      {props.options.map(([value, label, hint]) => (
        <label key={value} title={hint}>
          <input
            type="radio"
            name={`machinelabs-${props.name}`}
            value={value}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {label}
        </label>
      ))}
      <small>
        {props.options.find(([value]) => value === props.value)?.[2]}
      </small>
    </fieldset>
  );
}

/** A labelled field and a choice of a few, as our dialogs show them. */
import React from 'react';

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

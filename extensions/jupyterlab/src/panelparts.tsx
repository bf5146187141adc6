/** The small parts of the panel's lists: actions, notes, the link to a page, grey bars. */
import { Time } from '@jupyterlab/coreutils';
import { launchIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { Strings } from './strings';

const SKELETON_AFTER_MS = 300;

export function PageLink(props: {
  url: string;
  lab: string;
  text: Strings;
}): React.ReactElement {
  return (
    <a
      className="jp-MachineLabs-link"
      href={props.url}
      target="_blank"
      rel="noopener"
      title={props.text.panel.pageCaption(props.lab)}
    >
      {props.text.panel.page}
      <launchIcon.react tag="span" />
    </a>
  );
}

export function Action(
  props: React.ButtonHTMLAttributes<HTMLButtonElement>
): React.ReactElement {
  return <button type="button" className="jp-MachineLabs-action" {...props} />;
}

export function Note(props: {
  sentence: string;
  alert?: boolean;
  children?: React.ReactNode;
}): React.ReactElement {
  return (
    <div
      className="jp-MachineLabs-note"
      role={props.alert ? 'alert' : undefined}
    >
      <p>{props.sentence}</p>
      {props.children}
    </div>
  );
}

/** Grey bars where rows will be, after a moment: what is quick shows nothing. */
export function Skeleton(props: { text: Strings }): React.ReactElement {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return shown ? (
    <div
      className="jp-MachineLabs-skeleton"
      role="status"
      aria-label={props.text.panel.loading}
    >
      {[0, 1, 2].map(row => (
        <div key={row} />
      ))}
    </div>
  ) : (
    <></>
  );
}

export function When(props: { at: string }): React.ReactElement {
  return (
    <time dateTime={props.at} title={Time.format(props.at)}>
      {Time.formatHuman(props.at)}
    </time>
  );
}

/** The panel's list of what was opened or published here last. */
import React, { useCallback, useEffect, useState } from 'react';

import { IVisit } from './api';
import { LabsModel } from './model';
import { Action, Note, PageLink, Skeleton, When } from './panelparts';
import { sentence } from './sentence';
import { Strings } from './strings';

export function RecentList(props: {
  model: LabsModel;
  text: Strings;
  show: (path: string) => Promise<unknown>;
  round: number;
  explore: () => void;
}): React.ReactElement {
  const { model, text, round, show, explore } = props;
  const [visits, setVisits] = useState<IVisit[] | null>(null);
  const [failed, setFailed] = useState('');
  const load = useCallback(() => {
    model.api.recent().then(
      found => {
        setVisits(found.items);
        setFailed('');
      },
      reason => setFailed(sentence(reason))
    );
  }, [model]);
  useEffect(load, [load, round]);
  if (failed) {
    return (
      <Note sentence={failed} alert>
        <Action onClick={load}>{text.panel.retry}</Action>
      </Note>
    );
  }
  if (visits === null) {
    return <Skeleton text={text} />;
  }
  if (visits.length === 0) {
    return (
      <Note sentence={text.panel.noRecent}>
        <Action onClick={explore}>{text.panel.exploreAll}</Action>
      </Note>
    );
  }
  return (
    <ul className="jp-MachineLabs-list">
      {visits.map(visit => (
        <li className="jp-MachineLabs-row" key={visit.lab}>
          <div className="jp-MachineLabs-title" title={visit.title}>
            {visit.title}
          </div>
          <div className="jp-MachineLabs-soft">
            {visit.lab} · <When at={visit.at} />
          </div>
          <div className="jp-MachineLabs-soft" title={visit.path}>
            {visit.path}
          </div>
          <div className="jp-MachineLabs-actions">
            <Action onClick={() => void show(visit.path)}>
              {text.panel.open}
            </Action>
            <PageLink url={visit.url} lab={visit.lab} text={text} />
          </div>
        </li>
      ))}
    </ul>
  );
}

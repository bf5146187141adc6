/** The panel's list of labs: yours, or those of others with a search. */
import { InputGroup } from '@jupyterlab/ui-components';
import React, { useCallback, useEffect, useRef, useState } from 'react';

import { ILab, ILabPage } from './api';
import { LabsModel } from './model';
import { Action, Note, PageLink, Skeleton, When } from './panelparts';
import { sentence } from './sentence';
import { Strings } from './strings';

const SEARCH_AFTER_MS = 250;

export interface ILabListOptions {
  model: LabsModel;
  text: Strings;
  open: (lab: ILab) => Promise<void>;
  publish: () => Promise<unknown>;
}

/** Your labs, or those of others with a search. */
export function LabList(
  props: ILabListOptions & { scope: 'mine' | 'explore'; round: number }
): React.ReactElement {
  const { model, text, scope, round, publish } = props;
  const [query, setQuery] = useState('');
  const [owners, setOwners] = useState<string[]>([]);
  const [owner, setOwner] = useState('');
  const [page, setPage] = useState<ILabPage | null>(null);
  const [failed, setFailed] = useState('');
  const asked = useRef(0);
  const load = useCallback(
    async (words: string, before: ILab[], cursor: string) => {
      const turn = ++asked.current;
      try {
        const next =
          scope === 'mine'
            ? await model.api.mine(owner, cursor)
            : await model.api.explore(words, cursor);
        if (turn === asked.current) {
          setPage({ items: [...before, ...next.items], next: next.next });
          setFailed('');
        }
      } catch (reason) {
        if (turn === asked.current) {
          setFailed(sentence(reason));
        }
      }
    },
    [model, scope, owner]
  );
  useEffect(() => {
    if (scope === 'mine') {
      // Without them the list is yours alone; what is wrong with the site it says itself.
      model.api.choices().then(
        found => setOwners(found.owners),
        () => undefined
      );
    }
  }, [model, scope, round]);
  useEffect(() => {
    const timer = window.setTimeout(
      () => void load(query, [], ''),
      query ? SEARCH_AFTER_MS : 0
    );
    return () => window.clearTimeout(timer);
  }, [load, query, round]);
  const empty =
    scope === 'mine' ? (
      <Note
        sentence={
          owner.startsWith('@') ? text.panel.noOf(owner) : text.panel.noMine
        }
      >
        <Action onClick={() => void publish()}>{text.panel.publishOpen}</Action>
      </Note>
    ) : (
      <Note sentence={text.panel.noFound(query)} />
    );
  return (
    <>
      {owners.length > 1 && (
        <select
          className="jp-MachineLabs-owner"
          aria-label={text.panel.owner}
          value={owner || owners[0]}
          onChange={event => {
            setPage(null);
            setOwner(event.target.value);
          }}
        >
          {owners.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      {scope === 'explore' && (
        <InputGroup
          className="jp-MachineLabs-search"
          type="search"
          rightIcon="ui-components:search"
          placeholder={text.panel.search}
          aria-label={text.panel.search}
          value={query}
          onChange={event => setQuery(event.currentTarget.value)}
        />
      )}
      {failed ? (
        <Note sentence={failed} alert>
          <Action onClick={() => void load(query, [], '')}>
            {text.panel.retry}
          </Action>
        </Note>
      ) : page === null ? (
        <Skeleton text={text} />
      ) : page.items.length === 0 ? (
        empty
      ) : (
        <ul className="jp-MachineLabs-list">
          {page.items.map(lab => (
            <LabRow key={lab.lab} {...props} lab={lab} />
          ))}
          {page.next && (
            <li className="jp-MachineLabs-moreRow">
              <Action
                onClick={() => void load(query, page.items, page.next ?? '')}
              >
                {text.panel.more}
              </Action>
            </li>
          )}
        </ul>
      )}
    </>
  );
}

function LabRow(
  props: ILabListOptions & { lab: ILab; scope: 'mine' | 'explore' }
): React.ReactElement {
  const { lab, text, open, scope } = props;
  const [busy, setBusy] = useState(false);
  const label = lab.mine ? text.panel.open : text.panel.fork;
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      await open(lab);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li className="jp-MachineLabs-row">
      <div className="jp-MachineLabs-title" title={lab.title}>
        {lab.title}
      </div>
      <div className="jp-MachineLabs-soft">
        {scope === 'mine' ? visibility(text, lab.visibility) : lab.lab}
        {` · r${lab.revision} · `}
        <When at={lab.updated_at} />
        {lab.stars > 0 && ` · ${text.panel.stars(lab.stars)}`}
        {lab.forks > 0 && ` · ${text.panel.forks(lab.forks)}`}
      </div>
      {lab.description && (
        <div className="jp-MachineLabs-description">{lab.description}</div>
      )}
      <div className="jp-MachineLabs-actions">
        <Action
          disabled={busy}
          title={
            lab.mine
              ? text.panel.openCaption(lab.lab)
              : text.panel.forkCaption(lab.lab)
          }
          onClick={() => void run()}
        >
          {label}
        </Action>
        <PageLink url={lab.url} lab={lab.lab} text={text} />
      </div>
    </li>
  );
}

function visibility(text: Strings, name: string): string {
  const known = text.visibility as { [name: string]: string };
  return known[name] ?? name;
}

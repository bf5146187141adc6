/** Draws the Labs side panel. */
import { Time } from '@jupyterlab/coreutils';
import { ReactWidget } from '@jupyterlab/apputils';
import {
  Button,
  InputGroup,
  launchIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import React, { useCallback, useEffect, useRef, useState } from 'react';

import { ILab, ILabPage, IVisit } from './api';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings } from './strings';

const SEARCH_AFTER_MS = 250;
const SKELETON_AFTER_MS = 300;

type Tab = 'mine' | 'explore' | 'recent';
const TABS: Tab[] = ['mine', 'explore', 'recent'];

export interface IPanelOptions {
  model: LabsModel;
  text: Strings;
  open: (lab: ILab) => Promise<void>;
  show: (path: string) => Promise<unknown>;
  publish: () => Promise<unknown>;
}

export class LabsPanel extends ReactWidget {
  constructor(private _options: IPanelOptions) {
    super();
    this.addClass('jp-MachineLabs-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _options.text.labs);
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._shown.emit();
  }

  protected render(): React.ReactElement {
    return <Panel {...this._options} shown={this._shown} />;
  }

  private _shown = new Signal<this, void>(this);
}

function Panel(
  props: IPanelOptions & { shown: Signal<LabsPanel, void> }
): React.ReactElement {
  const { model, text, shown } = props;
  const [tab, setTab] = useState<Tab>('mine');
  const [connected, setConnected] = useState<boolean | null>(null);
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound(count => count + 1), []);
  useEffect(() => {
    model.about.then(
      about => setConnected(about.connected),
      () => setConnected(false)
    );
  }, [model]);
  useEffect(() => {
    model.labsChanged.connect(again);
    shown.connect(again);
    return () => {
      model.labsChanged.disconnect(again);
      shown.disconnect(again);
    };
  }, [model, shown, again]);
  if (connected === null) {
    return <></>;
  }
  if (!connected) {
    return <p className="jp-MachineLabs-note">{text.panel.notConnected}</p>;
  }
  return (
    <>
      <div className="jp-MachineLabs-head">
        <Tabs tab={tab} turn={setTab} text={text} />
        <Button
          className="jp-MachineLabs-iconButton"
          minimal
          title={text.panel.refresh}
          aria-label={text.panel.refresh}
          onClick={again}
        >
          <refreshIcon.react tag="span" />
        </Button>
      </div>
      <div
        className="jp-MachineLabs-body"
        role="tabpanel"
        id="machinelabs-tabpanel"
        aria-labelledby={`machinelabs-tab-${tab}`}
      >
        {tab === 'recent' ? (
          <Recent {...props} round={round} explore={() => setTab('explore')} />
        ) : (
          <Labs {...props} key={tab} scope={tab} round={round} />
        )}
      </div>
    </>
  );
}

function Tabs(props: {
  tab: Tab;
  turn: (tab: Tab) => void;
  text: Strings;
}): React.ReactElement {
  const { tab, turn, text } = props;
  const move = (event: React.KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
      turn(next);
      document.getElementById(`machinelabs-tab-${next}`)?.focus();
      event.preventDefault();
    }
  };
  return (
    <div className="jp-MachineLabs-tabs" role="tablist" onKeyDown={move}>
      {TABS.map(name => (
        <button
          key={name}
          id={`machinelabs-tab-${name}`}
          type="button"
          role="tab"
          aria-selected={name === tab}
          aria-controls="machinelabs-tabpanel"
          tabIndex={name === tab ? 0 : -1}
          onClick={() => turn(name)}
        >
          {text.panel[name]}
        </button>
      ))}
    </div>
  );
}

/** Your labs, or those of others with a search. */
function Labs(
  props: IPanelOptions & { scope: 'mine' | 'explore'; round: number }
): React.ReactElement {
  const { model, text, scope, round, publish } = props;
  const [query, setQuery] = useState('');
  const [page, setPage] = useState<ILabPage | null>(null);
  const [failed, setFailed] = useState('');
  const asked = useRef(0);
  const load = useCallback(
    async (words: string, before: ILab[], cursor: string) => {
      const turn = ++asked.current;
      try {
        const next =
          scope === 'mine'
            ? await model.api.mine(cursor)
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
    [model, scope]
  );
  useEffect(() => {
    const timer = window.setTimeout(
      () => void load(query, [], ''),
      query ? SEARCH_AFTER_MS : 0
    );
    return () => window.clearTimeout(timer);
  }, [load, query, round]);
  const empty =
    scope === 'mine' ? (
      <Note sentence={text.panel.noMine}>
        <Action onClick={() => void publish()}>{text.panel.publishOpen}</Action>
      </Note>
    ) : (
      <Note sentence={text.panel.noFound(query)} />
    );
  return (
    <>
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
  props: IPanelOptions & { lab: ILab; scope: 'mine' | 'explore' }
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

/** What was opened or published here last. */
function Recent(
  props: IPanelOptions & { round: number; explore: () => void }
): React.ReactElement {
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

function PageLink(props: {
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

function Action(
  props: React.ButtonHTMLAttributes<HTMLButtonElement>
): React.ReactElement {
  return <button type="button" className="jp-MachineLabs-action" {...props} />;
}

function Note(props: {
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
function Skeleton(props: { text: Strings }): React.ReactElement {
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

function When(props: { at: string }): React.ReactElement {
  return (
    <time dateTime={props.at} title={Time.format(props.at)}>
      {Time.formatHuman(props.at)}
    </time>
  );
}

function visibility(text: Strings, name: string): string {
  const known = text.visibility as { [name: string]: string };
  return known[name] ?? name;
}

/** Draws the frame of the Labs side panel: its tabs and the list that is open. */
import { ReactWidget } from '@jupyterlab/apputils';
import { Button, refreshIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import React, { useCallback, useEffect, useState } from 'react';

import { ILabListOptions, LabList } from './lablist';
import { RecentList } from './recentlist';
import { Strings } from './strings';

type Tab = 'mine' | 'explore' | 'recent';
const TABS: Tab[] = ['mine', 'explore', 'recent'];

export interface IPanelOptions extends ILabListOptions {
  show: (path: string) => Promise<unknown>;
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
          <RecentList
            {...props}
            round={round}
            explore={() => setTab('explore')}
          />
        ) : (
          <LabList {...props} key={tab} scope={tab} round={round} />
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

/** Draws what this server does on its GPU: two plots, time, hours, and the way to give it back. */
import { ReactWidget } from '@jupyterlab/apputils';
import { UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import React from 'react';

import { IGpuHeld } from './api';
import { GpuModel, ITotal, PAST_SECONDS, total } from './gpumodel';
import { IPoint, Plot } from './plot';
import { Strings } from './strings';

export class GpuPanel extends ReactWidget {
  constructor(
    private _model: GpuModel,
    private _text: Strings,
    private _stop: () => void
  ) {
    super();
    this.addClass('jp-MachineLabs-gpu');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', _text.gpu.title);
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._model.turn(true);
    this.node.focus();
  }

  protected override onBeforeDetach(msg: Message): void {
    this._model.turn(false);
    super.onBeforeDetach(msg);
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.stateChanged}>
        {() => {
          const state = this._model.state;
          return (
            <>
              {state?.held && <Held held={state.held} text={this._text} />}
              {state?.sentence && <p role="status">{state.sentence}</p>}
              {state?.held && (
                <button
                  type="button"
                  className="jp-MachineLabs-action"
                  onClick={this._stop}
                >
                  {this._text.gpu.stop}
                </button>
              )}
            </>
          );
        }}
      </UseSignal>
    );
  }
}

function Held(props: { held: IGpuHeld; text: Strings }): React.ReactElement {
  const { held } = props;
  const text = props.text.gpu;
  const now = total(held.cards);
  const end = Date.now();
  const span = { begin: end - PAST_SECONDS * 1000, end };
  return (
    <>
      <Cards held={held} text={props.text} />
      <Row name={text.computing} value={text.percent(now.smPercent)} />
      <Plot
        {...span}
        label={text.computingPlot}
        top={100}
        points={held.points.map(row => point(row.at, row.sm_percent))}
      />
      <Row name={text.memory} value={text.memoryOf(now.usedMib, now.partMib)} />
      <Plot
        {...span}
        label={text.memoryPlot}
        top={now.partMib}
        points={held.points.map(row => point(row.at, row.memory_mib))}
      />
      <p className="jp-MachineLabs-soft">{text.past}</p>
      {held.share > 1 && <Others now={now} text={props.text} />}
      <Row name={text.since} value={text.span(held.since, end)} />
      <Row
        name={text.left(held.plan_title)}
        value={text.hours(held.left_hours)}
      />
      {held.ends_at && <Row name={text.until} value={text.at(held.ends_at)} />}
    </>
  );
}

function Cards(props: { held: IGpuHeld; text: Strings }): React.ReactElement {
  const { held, text } = props;
  return (
    <ul className="jp-MachineLabs-list">
      {held.cards.map(card => (
        <li key={card.uuid}>
          <strong>
            {[card.model, card.profile].filter(Boolean).join(' ')}
          </strong>
          <div className="jp-MachineLabs-soft">
            {text.gpu.part(held.share, card.part_mib, card.memory_mib)}
          </div>
          {card.health !== 'ok' && <p role="status">{card.why}</p>}
        </li>
      ))}
    </ul>
  );
}

function Others(props: { now: ITotal; text: Strings }): React.ReactElement {
  const { othersMib } = props.now;
  const text = props.text.gpu;
  return <Row name={text.others} value={text.size(othersMib)} />;
}

function Row(props: { name: string; value: string }): React.ReactElement {
  return (
    <div className="jp-MachineLabs-figure">
      <span>{props.name}</span>
      <span>{props.value}</span>
    </div>
  );
}

function point(at: string, value: number | null): IPoint {
  return { at: Date.parse(at), value };
}

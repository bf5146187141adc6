/** The status item `owner/lab · r3 · 2 changed`, and what a click on it does. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { IStanding } from './api';
import { flaskIcon } from './icons';
import { LabsModel } from './model';
import { differing, isStale, newer, summary } from './standing';
import { Strings, strings } from './strings';
import { CommandIDs, ILabs } from './tokens';

export const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:status',
  description: 'Shows how the files in front of you stand to their lab.',
  autoStart: true,
  requires: [ILabs],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const { commands } = app;
    const isLab = (): boolean => model.standing !== null;
    commands.addCommand(CommandIDs.standing, {
      label: text.labs,
      isEnabled: isLab,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => model.standing && click(app, text, model.standing)
    });
    bar?.registerStatusItem(status.id, {
      item: new StandingItem(model, text, command => commands.execute(command)),
      align: 'left',
      rank: 90,
      isActive: isLab,
      activeStateChanged: model.isLabChanged
    });
  }
};

class StandingItem extends ReactWidget {
  constructor(
    private _model: LabsModel,
    private _text: Strings,
    private _run: (command: string) => Promise<unknown>
  ) {
    super();
    this.addClass('jp-MachineLabs-statusItem');
    this.addClass('jp-MachineLabs-status');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.standingChanged}>
        {() => this.item(this._model.standing)}
      </UseSignal>
    );
  }

  private item(standing: IStanding | null): React.ReactElement {
    if (!standing) {
      return <></>;
    }
    const due = newer(standing, this._text);
    return (
      <>
        <button
          type="button"
          title={this._text.status.caption(standing.lab)}
          onClick={() => void this._run(CommandIDs.standing)}
        >
          <flaskIcon.react tag="span" className="jp-MachineLabs-statusIcon" />
          {summary(standing, this._text)}
        </button>
        {due && (
          <button
            type="button"
            className="jp-mod-due"
            title={this._text.status.updateCaption}
            onClick={() => void this._run(CommandIDs.update)}
          >
            {due}
          </button>
        )}
      </>
    );
  }
}

/** Publish what changed; where nothing did, say how things stand. */
async function click(
  app: JupyterFrontEnd,
  text: Strings,
  standing: IStanding
): Promise<void> {
  const { commands } = app;
  if (isStale(standing)) {
    await commands.execute(CommandIDs.update);
  } else if (differing(standing)) {
    await commands.execute(CommandIDs.publish, { path: standing.path });
  } else {
    const buttons = [Dialog.cancelButton({ label: text.status.close })];
    if (standing.url) {
      buttons.push(Dialog.okButton({ label: text.publish.page }));
    }
    const answer = await new Dialog({
      title: text.status.sameTitle(standing.lab, standing.revision),
      body: text.status.same,
      buttons
    }).launch();
    if (answer.button.accept) {
      await commands.execute(CommandIDs.openPage);
    }
  }
}

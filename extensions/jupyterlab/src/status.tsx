/** The status item `owner/lab · r3 · 2 changed`, and what a click on it does. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  Notification,
  ReactWidget
} from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { IStanding } from './api';
import { flaskIcon } from './icons';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings, strings } from './strings';
import { CommandIDs, ILabs } from './tokens';

export const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:status',
  description: 'Shows how the files in front of you stand to their lab.',
  autoStart: true,
  requires: [ILabs],
  optional: [IStatusBar, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    bar: IStatusBar | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const { commands } = app;
    const isLab = (): boolean => model.standing !== null;
    const args = { args: { type: 'object', properties: {} } };

    commands.addCommand(CommandIDs.update, {
      label: text.menu.update,
      isEnabled: isLab,
      describedBy: args,
      execute: () => model.standing && update(app, model, text, model.standing)
    });
    commands.addCommand(CommandIDs.openPage, {
      label: text.menu.openPage,
      isEnabled: () => !!model.standing?.url,
      describedBy: args,
      execute: () =>
        void window.open(model.standing?.url ?? '', '_blank', 'noopener')
    });
    commands.addCommand(CommandIDs.standing, {
      label: text.labs,
      isEnabled: isLab,
      describedBy: args,
      execute: () => model.standing && click(app, model, text, model.standing)
    });
    model.standingChanged.connect(() => {
      commands.notifyCommandChanged(CommandIDs.update);
      commands.notifyCommandChanged(CommandIDs.openPage);
      commands.notifyCommandChanged(CommandIDs.standing);
    });
    for (const command of [CommandIDs.update, CommandIDs.openPage]) {
      palette?.addItem({ command, category: text.labs });
    }
    bar?.registerStatusItem(status.id, {
      item: new StandingItem(model, text, () =>
        commands.execute(CommandIDs.standing)
      ),
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
    private _click: () => Promise<unknown>
  ) {
    super();
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
    return (
      <button
        type="button"
        title={this._text.status.caption(standing.lab)}
        onClick={() => void this._click()}
      >
        <flaskIcon.react tag="span" className="jp-MachineLabs-statusIcon" />
        {summary(standing, this._text)}
      </button>
    );
  }
}

/** Return `owner/lab · r3 · 2 changed`. */
export function summary(standing: IStanding, text: Strings): string {
  const parts = [standing.lab, `r${standing.revision}`];
  const count = differing(standing);
  if (count) {
    parts.push(text.status.changed(count));
  }
  if (isStale(standing)) {
    parts.push(text.status.newer(standing.newest ?? 0));
  }
  return parts.join(' · ');
}

function differing(standing: IStanding): number {
  const { changed, added, deleted } = standing;
  return changed.length + added.length + deleted.length;
}

function isStale(standing: IStanding): boolean {
  return standing.newest !== null && standing.newest > standing.revision;
}

/** Publish what changed; where a newer revision is there, offer to get it first. */
async function click(
  app: JupyterFrontEnd,
  model: LabsModel,
  text: Strings,
  standing: IStanding
): Promise<void> {
  if (isStale(standing)) {
    const newest = standing.newest ?? 0;
    const answer = await new Dialog({
      title: text.status.staleTitle(newest),
      body: text.status.stale(standing.lab, newest, standing.revision),
      buttons: [
        Dialog.cancelButton({ label: text.publish.cancel }),
        Dialog.okButton({ label: text.status.get(newest) })
      ]
    }).launch();
    if (answer.button.accept) {
      await update(app, model, text, standing);
    }
  } else if (differing(standing)) {
    await app.commands.execute(CommandIDs.publish, { path: standing.path });
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
      await app.commands.execute(CommandIDs.openPage);
    }
  }
}

async function update(
  app: JupyterFrontEnd,
  model: LabsModel,
  text: Strings,
  standing: IStanding
): Promise<void> {
  try {
    const { lab, revision, beside } = await model.api.update(standing.path);
    Notification.success(
      beside.length
        ? text.status.gotBeside(lab, revision, beside)
        : text.status.got(lab, revision),
      { autoClose: beside.length ? false : 5000 }
    );
    await app.commands.execute('filebrowser:refresh').catch(() => undefined);
  } catch (reason) {
    Notification.error(sentence(reason), { autoClose: false });
  }
  model.labsDid();
}

/** Offers a lab's requirements for installing, and resets what was installed. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import React from 'react';

import { IOffer, LabsError } from './api';
import { follow } from './follow';
import { LabsModel } from './model';
import { sentence } from './sentence';
import { Strings, strings } from './strings';
import { CommandIDs, ILabs } from './tokens';

export const packages: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:packages',
  description: 'Installs what a lab needs, and resets what was installed.',
  autoStart: true,
  requires: [ILabs],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const offered = new Set<string>();
    model.standingChanged.connect(async (_, standing) => {
      if (!standing || offered.has(standing.lab)) {
        return;
      }
      offered.add(standing.lab);
      // An offer that cannot be made is none: the notebook itself will say what is missing.
      const offer = await model.api
        .requirements(standing.path)
        .catch(() => null);
      if (offer) {
        make(app, model, text, offer);
      }
    });
    app.commands.addCommand(CommandIDs.resetPackages, {
      label: text.menu.resetPackages,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => reset(model, text)
    });
    palette?.addItem({
      command: CommandIDs.resetPackages,
      category: text.labs
    });
  }
};

function make(
  app: JupyterFrontEnd,
  model: LabsModel,
  text: Strings,
  offer: IOffer
): void {
  Notification.info(text.packages.offer(offer.missing), {
    autoClose: false,
    actions: [
      {
        label: text.packages.install,
        displayType: 'accent',
        callback: () => void install(app, model, text, offer.path)
      },
      { label: text.packages.notNow, callback: () => undefined }
    ]
  });
}

async function install(
  app: JupyterFrontEnd,
  model: LabsModel,
  text: Strings,
  path: string
): Promise<void> {
  const words = text.packages;
  const started = await model.api.install(path).catch(reason => {
    Notification.error(sentence(reason), { autoClose: false });
    return null;
  });
  if (!started) {
    return;
  }
  const log: Notification.IAction = {
    label: words.log,
    callback: () => void showLog(model, text, started.id)
  };
  const restart: Notification.IAction = {
    label: words.restart,
    callback: () =>
      void app.commands
        .execute('notebook:restart-kernel')
        .catch(() => undefined)
  };
  try {
    await follow({
      api: model.api,
      job: started,
      message: () => words.installing,
      cancel: text.publish.cancel,
      ended: job => {
        if (job.state !== 'done') {
          const type = job.state === 'cancelled' ? 'info' : 'error';
          return {
            message: job.message,
            type,
            autoClose: false,
            actions: [log]
          };
        }
        return {
          message: words.installed,
          type: 'success',
          autoClose: false,
          actions: [restart, log]
        };
      }
    });
  } catch (reason) {
    if (!(reason instanceof LabsError)) {
      throw reason;
    }
  }
}

async function showLog(
  model: LabsModel,
  text: Strings,
  id: string
): Promise<void> {
  const lines = await model.api.job(id).then(
    job => job.lines.join('\n'),
    reason => sentence(reason)
  );
  await new Dialog({
    title: text.packages.logTitle,
    body: <pre className="jp-MachineLabs-log">{lines}</pre>,
    buttons: [Dialog.okButton({ label: text.status.close })]
  }).launch();
}

async function reset(model: LabsModel, text: Strings): Promise<void> {
  const words = text.packages;
  const answer = await new Dialog({
    title: words.resetTitle,
    body: words.reset,
    buttons: [
      Dialog.cancelButton({ label: text.publish.cancel }),
      Dialog.warnButton({ label: words.resetButton })
    ]
  }).launch();
  if (!answer.button.accept) {
    return;
  }
  try {
    const { moved_to } = await model.api.resetPackages();
    Notification.success(words.wasReset(moved_to), { autoClose: false });
  } catch (reason) {
    Notification.warning(sentence(reason), { autoClose: 8000 });
  }
}

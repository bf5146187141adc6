/** Run on…: the published revision of what is open, in a container of its own. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { OpenDocuments } from './documents';
import { LabsModel } from './model';
import { RunOrder } from './runorder';
import { Saves } from './saves';
import { strings } from './strings';
import { CommandIDs, ILabs, ISaves } from './tokens';

export const run: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:run',
  description: 'Runs the published revision of the open lab elsewhere.',
  autoStart: true,
  requires: [ILabs, ISaves],
  optional: [IDocumentManager, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    saves: Saves,
    documents: IDocumentManager | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const { commands } = app;
    const order = new RunOrder({
      model,
      text,
      documents: new OpenDocuments(app, documents, saves),
      publish: path => commands.execute(CommandIDs.publish, { path })
    });
    let connected = false;
    model.about.then(
      about => {
        connected = about.connected;
        commands.notifyCommandChanged(CommandIDs.run);
      },
      () => undefined
    );
    commands.addCommand(CommandIDs.run, {
      label: text.menu.run,
      caption: text.menu.runCaption,
      isVisible: () => connected,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        if (model.path) {
          await order.ask(model.path);
        } else {
          const buttons = [Dialog.okButton({ label: text.status.close })];
          await new Dialog({ title: text.publish.nothing, buttons }).launch();
        }
      }
    });
    palette?.addItem({ command: CommandIDs.run, category: text.labs });
  }
};

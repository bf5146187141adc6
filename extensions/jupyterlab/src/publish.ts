/** Publish as lab: from the notebook toolbar, the file browser, the File menu and the palette. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { OpenDocuments } from './documents';
import { flaskIcon } from './icons';
import { LabsModel } from './model';
import { Publisher } from './publisher';
import { Saves } from './saves';
import { strings } from './strings';
import { CommandIDs, ILabs, ISaves } from './tokens';

export const publish: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:publish',
  description: 'Publish a notebook, a file or a folder as a lab.',
  autoStart: true,
  requires: [ILabs, ISaves],
  optional: [
    IDocumentManager,
    IDefaultFileBrowser,
    INotebookTracker,
    ITranslator,
    ICommandPalette
  ],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    saves: Saves,
    documents: IDocumentManager | null,
    browser: IDefaultFileBrowser | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const { commands } = app;
    const publisher = new Publisher({
      model,
      text,
      documents: new OpenDocuments(app, documents, saves),
      catchUp: () => commands.execute(CommandIDs.update)
    });
    let connected = false;
    model.about.then(
      about => {
        connected = about.connected;
        commands.notifyCommandChanged();
      },
      () => undefined
    );
    const current = (): string =>
      (app.shell.currentWidget &&
        documents?.contextForWidget(app.shell.currentWidget)?.path) ||
      notebooks?.currentWidget?.context.path ||
      '';
    const begin = async (path: string): Promise<void> => {
      if (path) {
        await publisher.publish(app.serviceManager.contents.localPath(path));
      } else {
        const buttons = [Dialog.okButton({ label: text.status.close })];
        await new Dialog({ title: text.publish.nothing, buttons }).launch();
      }
    };
    commands.addCommand(CommandIDs.publish, {
      label: text.menu.publish,
      caption: text.menu.publishCaption,
      icon: flaskIcon,
      isVisible: () => connected,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: {
              type: 'string',
              description: 'What to publish; the open document if empty'
            }
          }
        }
      },
      execute: args => begin((args.path as string) || current())
    });
    commands.addCommand(CommandIDs.publishSelected, {
      label: text.menu.publish,
      icon: flaskIcon,
      isVisible: () => connected,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => begin([...(browser?.selectedItems() ?? [])][0]?.path ?? '')
    });
    palette?.addItem({ command: CommandIDs.publish, category: text.labs });
  }
};

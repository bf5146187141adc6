/** The commands about a lab that is here: catch up, undo, history, propose, its page. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IStanding } from './api';
import { OpenDocuments } from './documents';
import { LabsModel } from './model';
import { strings } from './strings';
import { CommandIDs, ILabs, ISaves } from './tokens';
import { Saves } from './saves';
import { Updater } from './updater';

export const update: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:update',
  description: 'Brings newer revisions of a lab here, and leads to its pages.',
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
    const updater = new Updater({
      app,
      model,
      text,
      documents: new OpenDocuments(app, documents, saves)
    });
    const added: string[] = [];
    const add = (
      command: string,
      label: string,
      isEnabled: (standing: IStanding) => boolean,
      run: (standing: IStanding) => unknown
    ): void => {
      commands.addCommand(command, {
        label,
        isEnabled: () => model.standing !== null && isEnabled(model.standing),
        describedBy: { args: { type: 'object', properties: {} } },
        execute: () => model.standing && run(model.standing)
      });
      palette?.addItem({ command, category: text.labs });
      added.push(command);
    };
    const show = (url: string): void =>
      void window.open(url, '_blank', 'noopener');

    add(
      CommandIDs.update,
      text.menu.update,
      () => true,
      standing => updater.update(standing)
    );
    add(
      CommandIDs.undoUpdate,
      text.menu.undoUpdate,
      standing => standing.undoable,
      standing => updater.undo(standing.path)
    );
    add(
      CommandIDs.propose,
      text.menu.propose,
      standing => standing.original !== null && standing.may_edit === true,
      ({ lab, original }) =>
        original &&
        show(`${original.url}/proposals/new?fork=${encodeURIComponent(lab)}`)
    );
    add(
      CommandIDs.history,
      text.menu.history,
      standing => !!standing.url,
      standing => show(`${standing.url}/revisions`)
    );
    add(
      CommandIDs.openPage,
      text.menu.openPage,
      standing => !!standing.url,
      standing => show(standing.url ?? '')
    );
    model.standingChanged.connect(() =>
      added.forEach(command => commands.notifyCommandChanged(command))
    );
  }
};

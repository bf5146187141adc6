/** The Labs side panel: yours, those of others, and those that you used last. */
import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { flaskIcon } from './icons';
import { LabsModel } from './model';
import { openLab } from './openlab';
import { LabsPanel } from './panelwidget';
import { strings } from './strings';
import { CommandIDs, ILabs } from './tokens';

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:panel',
  description: 'A side panel with your labs and those of others.',
  autoStart: true,
  requires: [ILabs],
  optional: [ILayoutRestorer, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: LabsModel,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const text = strings((translator ?? nullTranslator).load('machinelabs'));
    const widget = new LabsPanel({
      model,
      text,
      open: lab => openLab(app, model, text, lab),
      show: path => app.commands.execute('filebrowser:open-path', { path }),
      publish: () => app.commands.execute(CommandIDs.publish)
    });
    widget.id = 'machinelabs-panel';
    widget.title.caption = text.labs;
    widget.title.icon = flaskIcon;
    app.shell.add(widget, 'left', { rank: 150, type: 'Labs' });
    restorer?.add(widget, widget.id);
    app.commands.addCommand(CommandIDs.showPanel, {
      label: text.menu.showPanel,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(widget.id)
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: text.labs });
  }
};

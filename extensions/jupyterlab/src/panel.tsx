/** The Labs side panel. */
import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Panel } from '@lumino/widgets';

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-machinelabs:panel',
  description: 'A side panel with your labs and those of others.',
  autoStart: true,
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, restorer: ILayoutRestorer | null) => {
    const widget = new Panel();
    widget.id = 'machinelabs-panel';
    widget.title.caption = 'Labs';
    widget.title.label = 'Labs';
    widget.addClass('jp-MachineLabs-panel');
    app.shell.add(widget, 'left', { rank: 300 });
    restorer?.add(widget, widget.id);
  }
};

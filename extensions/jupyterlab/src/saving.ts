/** Provides the one place that saves open documents, for the other plugins. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { Saves } from './saves';
import { ISaves } from './tokens';

export const saving: JupyterFrontEndPlugin<Saves> = {
  id: 'jupyterlab-machinelabs:saving',
  description: 'Saves open documents one save at a time.',
  autoStart: true,
  provides: ISaves,
  activate: (app: JupyterFrontEnd) => new Saves(app.docRegistry)
};
